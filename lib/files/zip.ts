// Zip archives that hold their entries uncompressed, as PyTorch writes them: finds the entries, copies and unpacks nothing; and writes such.
import { crc32 } from "node:zlib";
import { viewOf } from "./dtypes";

/** Where one entry's bytes lie in the archive. */
export interface ZipEntry {
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

/** An entry as the central directory describes it; its header lies at `header`. */
interface Listed {
  readonly name: string;
  readonly header: number;
  readonly size: number;
  readonly crc: number;
}

const MOST_ENTRIES = 50_000; // a ResNet-1202 has 7,300 tensors
const END_SIZE = 22;
const LOCATOR_SIZE = 20;
const END64_SIZE = 56;
const LISTED_SIZE = 46;
const HEADER_SIZE = 30;
const DESCRIPTOR_FOLLOWS = 0x0008;
const UTF8_NAME = 0x0800;
const UNIX = 3; // the system of the entry's attributes
const KIND = 0o170000; // among them, what kind of file it was
const PLAIN = 0o100000;
const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Lists the entries of a zip archive by name, all checked to lie within it, apart from each other, with the CRC-32 that
 * the archive states (PyTorch states 0 where it was told to compute none).
 * Format: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
 * @throws Error for compression, encryption, comments, several disks, sizes beyond 32 bits, names that occur twice, and
 * everything that does not fit together
 */
export function listZip(bytes: Uint8Array): Map<string, ZipEntry> {
  const view = viewOf(bytes);
  const directory = findDirectory(view);
  const entries = new Map<string, ZipEntry>();
  let free = 0; // what lies before belongs to entries that were seen
  for (const listed of readDirectory(bytes, directory).sort((a, b) => a.header - b.header)) {
    const { name, header } = listed;
    if (entries.has(name)) refuse(`${brief(name)} occurs twice`);
    if (header < free) refuse(`${brief(name)} begins within another entry`);
    const entry = locate(bytes, listed, directory.start);
    if (listed.crc !== 0 && crc32(bytes.subarray(entry.start, entry.end)) !== listed.crc)
      refuse(`${brief(name)} is damaged: its CRC-32 is not what the archive states`);
    entries.set(name, entry);
    free = entry.end;
  }
  return entries;
}

interface Directory {
  readonly start: number;
  readonly end: number;
  readonly count: number;
}

function findDirectory(view: DataView): Directory {
  const at = view.byteLength - END_SIZE;
  if (at < 0 || view.getUint32(at, true) !== 0x06054b50 || view.getUint16(at + 20, true) !== 0)
    return refuse("the file does not end with the end of a zip archive; it is cut short, or goes on: get it again");
  const count = view.getUint16(at + 10, true);
  const size = view.getUint32(at + 12, true);
  const start = view.getUint32(at + 16, true);
  if (view.getUint32(at + 4, true) !== 0 || view.getUint16(at + 8, true) !== count)
    refuse("it is one of several disks");
  if (count > MOST_ENTRIES) refuse(`expected at most ${MOST_ENTRIES} entries but found ${count}`);
  const end = before64(view, at, { start, size, count });
  if (start + size !== end) refuse(`its directory of ${size} bytes at ${start} does not end at ${end}`);
  return { start, end, count };
}

/** PyTorch writes a second, 64-bit end before the usual one; it has to say the same. Returns where the first of them begins. */
function before64(view: DataView, at: number, found: { start: number; size: number; count: number }): number {
  const locator = at - LOCATOR_SIZE;
  if (locator < 0 || view.getUint32(locator, true) !== 0x07064b50) return at;
  const end = locator - END64_SIZE;
  const same =
    end >= 0 &&
    view.getUint32(end, true) === 0x06064b50 &&
    view.getBigUint64(locator + 8, true) === BigInt(end) &&
    view.getBigUint64(end + 32, true) === BigInt(found.count) &&
    view.getBigUint64(end + 40, true) === BigInt(found.size) &&
    view.getBigUint64(end + 48, true) === BigInt(found.start);
  return same ? end : refuse("its 64-bit end is damaged or says something else than its 32-bit end");
}

function readDirectory(bytes: Uint8Array, { start, end, count }: Directory): Listed[] {
  const view = viewOf(bytes);
  const found: Listed[] = [];
  let at = start;
  while (found.length < count) {
    if (at + LISTED_SIZE > end || view.getUint32(at, true) !== 0x02014b50)
      return refuse(`entry ${found.length + 1} of ${count} is missing in its directory`);
    const length = view.getUint16(at + 28, true);
    const next = at + LISTED_SIZE + length + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
    if (next > end) return refuse(`entry ${found.length + 1} of ${count} reaches past its directory`);
    found.push(checkListed(view, at, decodeName(bytes.subarray(at + LISTED_SIZE, at + LISTED_SIZE + length))));
    at = next;
  }
  if (at !== end) refuse(`its directory holds more than ${count} entries`);
  return found;
}

function checkListed(view: DataView, at: number, name: string): Listed {
  const size = view.getUint32(at + 24, true);
  const flags = view.getUint16(at + 8, true);
  if (flags & ~(DESCRIPTOR_FOLLOWS | UTF8_NAME)) refuse(`${brief(name)} has the flags 0x${flags.toString(16)}`);
  const method = view.getUint16(at + 10, true);
  if (method !== 0 || view.getUint32(at + 20, true) !== size)
    refuse(
      `${brief(name)} is compressed (method ${method}); expected it uncompressed, as PyTorch and npm run share store it`,
    );
  const kind = view.getUint8(at + 5) === UNIX ? view.getUint16(at + 40, true) & KIND : 0;
  if (kind !== 0 && kind !== PLAIN) refuse(`${brief(name)} is a link, a folder or a device; expected plain files`);
  return { name, size, header: view.getUint32(at + 42, true), crc: view.getUint32(at + 16, true) };
}

/** The entry's own header says how far behind it the bytes begin; the sizes in it may be missing, those of the directory count. */
function locate(bytes: Uint8Array, { name, header, size }: Listed, limit: number): ZipEntry {
  const view = viewOf(bytes);
  if (header + HEADER_SIZE > limit || view.getUint32(header, true) !== 0x04034b50)
    return refuse(`${brief(name)} is not at byte ${header}`);
  const length = view.getUint16(header + 26, true);
  const start = header + HEADER_SIZE + length + view.getUint16(header + 28, true);
  if (start + size > limit) refuse(`${brief(name)} of ${size} bytes reaches past the entries`);
  const own = decodeName(bytes.subarray(header + HEADER_SIZE, header + HEADER_SIZE + length));
  if (own !== name || view.getUint16(header + 8, true) !== 0) refuse(`${brief(name)} is described in two ways`);
  return { name, start, end: start + size };
}

/**
 * Files as a zip archive, uncompressed and without their times, so that the same files make the same archive.
 * @param files content by name, with "/" between folders
 * @throws RangeError when the archive would be larger than 32 bits can say
 */
export function encodeZip(files: ReadonlyMap<string, Uint8Array>): Uint8Array {
  const [parts, listed]: [Uint8Array[], Uint8Array[]] = [[], []];
  let at = 0;
  for (const [name, bytes] of files) {
    const named = Buffer.from(name, "utf8");
    const facts = [
      [UTF8_NAME, 2],
      [0, 2],
      [0, 2],
      [DAY_ZERO, 2],
      [crc32(bytes), 4],
      [bytes.length, 4],
      [bytes.length, 4],
    ];
    const own = words([0x04034b50, 4], [10, 2], ...facts, [named.length, 2], [0, 2]);
    const kind = [
      [0, 2],
      [0, 2],
      [0, 2],
      [0, 2],
      [0, 2],
      [PLAIN | 0o644, 2],
      [at, 4],
    ]; // from the extra field's length on
    listed.push(words([0x02014b50, 4], [10, 1], [UNIX, 1], [10, 2], ...facts, [named.length, 2], ...kind), named);
    parts.push(own, named, bytes);
    at += own.length + named.length + bytes.length;
  }
  const size = lengthOf(listed);
  if (at + size > 0xffff_ffff)
    throw new RangeError(`Cannot write a zip archive of ${at + size} bytes: expected less than 4 GiB`);
  const end = words([0x06054b50, 4], [0, 4], [files.size, 2], [files.size, 2], [size, 4], [at, 4], [0, 2]);
  return Buffer.concat([...parts, ...listed, end]);
}

const DAY_ZERO = 0x21; // 1 January 1980

const lengthOf = (parts: readonly Uint8Array[]): number => parts.reduce((sum, part) => sum + part.length, 0);

/** Numbers of so many bytes, little-endian. */
function words(...numbers: readonly (readonly number[])[]): Buffer {
  return Buffer.concat(
    numbers.map(([value, bytes]) => {
      const word = Buffer.alloc(bytes);
      word.writeUIntLE(value, 0, bytes);
      return word;
    }),
  );
}

function decodeName(bytes: Uint8Array): string {
  try {
    return UTF8.decode(bytes);
  } catch {
    return refuse("a name is not UTF-8");
  }
}

function brief(name: string): string {
  return JSON.stringify(name.slice(0, 100));
}

function refuse(detail: string): never {
  throw new Error(`Cannot read the zip archive: ${detail}`);
}
