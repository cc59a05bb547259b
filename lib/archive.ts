// Unpacks small tar.gz archives in memory: only members asked for, and nothing is ever written by an archive's own names.
import { promisify } from "node:util";
import { gunzip } from "node:zlib";

const BLOCK = 512;

/**
 * Unpacks a gzipped tar archive (POSIX ustar) in memory. Every member must be one of the named files, once and no
 * longer than its bound; folders and extended headers are passed over. Throws an Error otherwise.
 */
export async function unpack(
  bytes: Uint8Array,
  members: ReadonlyMap<string, number>,
): Promise<Map<string, Uint8Array>> {
  let bound = 64 * BLOCK;
  for (const limit of members.values()) bound += limit + 4 * BLOCK;
  const tar = await promisify(gunzip)(bytes, { maxOutputLength: bound }).catch((error: Error) => {
    throw new Error(`Cannot unpack the archive: ${error.message} (bound: ${bound} bytes)`, { cause: error });
  });
  const found = readTar(tar, members);
  for (const name of members.keys()) {
    if (!found.has(name)) throw new Error(`Cannot unpack the archive: ${JSON.stringify(name)} is not in it`);
  }
  return found;
}

function readTar(tar: Buffer, members: ReadonlyMap<string, number>): Map<string, Uint8Array> {
  const found = new Map<string, Uint8Array>();
  let at = 0;
  while (at + BLOCK <= tar.length && tar[at] !== 0) {
    const { name, size, type } = readHeader(tar.subarray(at, at + BLOCK));
    const start = at + BLOCK;
    at = start + Math.ceil(size / BLOCK) * BLOCK;
    if (start + size > tar.length) throw new Error(`Cannot unpack the archive: ${JSON.stringify(name)} is cut off`);
    if ("5xg".includes(type)) continue;
    const limit = type === "0" ? members.get(name) : undefined;
    if (limit === undefined || found.has(name)) {
      throw new Error(`Cannot unpack the archive: unexpected member ${JSON.stringify(name)} of type "${type}"`);
    }
    if (size > limit) {
      throw new Error(`Cannot unpack ${JSON.stringify(name)}: expected at most ${limit} bytes but found ${size}`);
    }
    found.set(name, tar.subarray(start, start + size));
  }
  return found;
}

function readHeader(header: Buffer): { name: string; size: number; type: string } {
  const text = (from: number, to: number) => header.toString("latin1", from, to).replace(/\0.*$/s, "");
  const sum = header.reduce((total, byte, i) => total + (i >= 148 && i < 156 ? 32 : byte), 0);
  const size = text(124, 136).trim();
  if (parseInt(text(148, 156), 8) !== sum || !/^[0-7]+$/.test(size)) {
    throw new Error("Cannot unpack the archive: a tar header is damaged");
  }
  const prefix = text(257, 262) === "ustar" ? text(345, 500) : "";
  const type = text(156, 157) || "0";
  return { name: prefix ? `${prefix}/${text(0, 100)}` : text(0, 100), size: parseInt(size, 8), type };
}
