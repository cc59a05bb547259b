// Reads tar archives (POSIX ustar) in memory; nothing is written, and a name in an archive is only a name.

/** One member of an archive: a file where `type` is "0", a folder, a link or an extended header otherwise. */
export interface TarEntry {
  readonly name: string;
  readonly type: string;
  readonly bytes: Buffer;
}

const BLOCK = 512; // headers and contents begin at a multiple of this

/**
 * The members of an uncompressed archive, in its order.
 * Format: https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html, "ustar Interchange Format"
 * @throws RangeError when a header is damaged or a member is cut off
 */
export function* tarEntries(tar: Buffer): Generator<TarEntry> {
  let at = 0;
  while (at + BLOCK <= tar.length && tar[at] !== 0) {
    const { name, size, type } = readHeader(tar.subarray(at, at + BLOCK));
    const start = at + BLOCK;
    const left = tar.length - start;
    if (size > left) {
      throw new RangeError(
        `Cannot unpack the archive: ${JSON.stringify(name)} is cut off, expected ${size} bytes but found ${left}`,
      );
    }
    yield { name, type, bytes: tar.subarray(start, start + size) };
    at = start + Math.ceil(size / BLOCK) * BLOCK;
  }
}

function readHeader(header: Buffer): { name: string; size: number; type: string } {
  const text = (from: number, to: number) => header.toString("latin1", from, to).replace(/\0.*$/s, "");
  // The sum of all bytes, its own eight counted as spaces.
  const sum = header.reduce((total, byte, i) => total + (i >= 148 && i < 156 ? 32 : byte), 0);
  const size = text(124, 136).trim();
  if (parseInt(text(148, 156), 8) !== sum || !/^[0-7]+$/.test(size)) {
    throw new RangeError("Cannot unpack the archive: a tar header is damaged");
  }
  const prefix = text(257, 262) === "ustar" ? text(345, 500) : "";
  const name = text(0, 100);
  return { name: prefix ? `${prefix}/${name}` : name, size: parseInt(size, 8), type: text(156, 157) || "0" };
}
