// What somebody sent: an archive of `npm run share`, read without trusting anything in it, and without executing anything in it.
import { createHash } from "node:crypto";
import { readWhole } from "../../files/disk";
import { listZip } from "../../files/zip";
import { parseNotebook } from "../reproduce/notebooks.mjs";
import type { Notebook } from "./outputs";

/** An archive whose files are those that it lists. */
export interface Archive {
  /** SHA-256 of the whole file, to compare with what the sender says. */
  readonly sha256: string;
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** The notebook's name without its ending. */
  readonly name: string;
  readonly notebook: Notebook;
}

const LARGEST_ARCHIVE = 2 ** 30;
const DIGESTS = "sha256.txt";

/** Folders and names of letters, digits, ".", "_" and "-": none begins with a dot, so none leads out of the archive. */
const PATH = /^(?:\w[\w.-]{0,99}\/){0,3}\w[\w.-]{0,199}$/;

/**
 * Reads an archive: every file in it has to be listed in its sha256.txt with its digest, and none besides. Entries are stored as they are,
 * so that nothing is larger than it looks.
 * @throws Error that names the path, size, link or digest that is wrong
 */
export function openArchive(path: string): Archive {
  try {
    const bytes = readWhole(path, LARGEST_ARCHIVE);
    const files = filesIn(bytes);
    checkDigests(files);
    const notebooks = [...files.keys()].filter((name) => /^[^/]+\.ipynb$/.test(name));
    if (notebooks.length !== 1) throw new Error(`expected one notebook in it, found ${notebooks.length}`);
    const [file] = notebooks;
    const notebook = parseNotebook(file, new TextDecoder().decode(files.get(file))) as Notebook;
    return { sha256: digestOf(bytes), files, name: file.replace(/\.ipynb$/, ""), notebook };
  } catch (error) {
    throw new Error(`Cannot take the archive "${path}": ${(error as Error).message}`, { cause: error });
  }
}

function filesIn(bytes: Uint8Array): Map<string, Uint8Array> {
  const entries = [...listZip(bytes).values()];
  const odd = entries.find(({ name }) => !PATH.test(name));
  if (odd) throw new Error(`it has the path ${JSON.stringify(odd.name.slice(0, 200))}, expected plain names within it`);
  return new Map(entries.map(({ name, start, end }) => [name, bytes.subarray(start, end)]));
}

/** @throws Error that names the first file that is not as listed */
function checkDigests(files: ReadonlyMap<string, Uint8Array>): void {
  const list = files.get(DIGESTS);
  if (!list) throw new Error(`it has no ${DIGESTS}`);
  const listed = new Map(new TextDecoder().decode(list).split("\n").filter(Boolean).map(listedFile));
  const extra = [...files.keys()].find((name) => name !== DIGESTS && !listed.has(name));
  if (extra !== undefined) throw new Error(`${extra} is not listed in its ${DIGESTS}`);
  for (const [name, digest] of listed) {
    const bytes = files.get(name);
    if (!bytes) throw new Error(`${name} is missing`);
    const found = digestOf(bytes);
    if (found !== digest) throw new Error(`${name} was altered: its SHA-256 is ${found}, listed is ${digest}`);
  }
}

function listedFile(line: string): [name: string, digest: string] {
  const [, digest, name] = /^([0-9a-f]{64}) {2}(\S+)$/.exec(line) ?? [];
  if (name === undefined || !PATH.test(name))
    throw new Error(`its ${DIGESTS} has the line ${JSON.stringify(line.slice(0, 200))}`);
  return [name, digest];
}

export const digestOf = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
