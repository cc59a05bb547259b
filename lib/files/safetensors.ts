// Reads and writes the safetensors format: named arrays in one file; float32 here, or float16 where that loses nothing.
import { type Dtype, dtypeOf, elementsOf, halfBits, isIndex, readNumbers, shown, toHalf, viewOf } from "./dtypes";
import { isRecord } from "./json";
import type { Stored, Values } from "./values";

// A header takes about 100 bytes per tensor; this is 40 times that of a ResNet-1202.
const LONGEST_HEADER = 32 * 2 ** 20;

interface Entry {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly begin: number; // in the data, which starts after the header
  readonly end: number;
}

/** A tensor and how it is written. */
interface Written extends Values {
  readonly name: string;
  readonly half: boolean;
}

const bytesOf = ({ data, half }: Written) => data.length * (half ? 2 : 4);

/**
 * Encodes tensors as a safetensors file; equal input gives equal bytes, whatever the order of the names.
 * Format: https://huggingface.co/docs/safetensors
 * @param half which tensors are written as float16; all others are float32
 * @throws RangeError where the length of the data is not the product of the shape, or float16 cannot hold a number exactly
 */
export function encodeSafetensors(
  tensors: ReadonlyMap<string, Values>,
  metadata: Record<string, string> = {},
  half: (name: string) => boolean = () => false,
): Uint8Array {
  const written = [...tensors].map(([name, values]) => ({ name, ...values, half: half(name) }));
  // The wider numbers come first, as the original package has it, so that all of them are aligned.
  const sorted = written.sort((a, b) => Number(a.half) - Number(b.half) || (a.name < b.name ? -1 : 1));
  const header = headerOf(sorted, metadata);
  const size = sorted.reduce((total, tensor) => total + bytesOf(tensor), 0);
  const bytes = new Uint8Array(8 + header.length + size);
  const view = viewOf(bytes);
  view.setBigUint64(0, BigInt(header.length), true);
  bytes.set(header, 8);
  let at = 8 + header.length;
  for (const tensor of sorted) {
    if (tensor.half) writeHalf(view, at, tensor);
    else tensor.data.forEach((value, index) => view.setFloat32(at + 4 * index, value, true));
    at += bytesOf(tensor);
  }
  return bytes;
}

function writeHalf(view: DataView, at: number, { name, data }: Written): void {
  data.forEach((value, index) => {
    if (!Object.is(toHalf(value), value))
      throw new RangeError(`Cannot encode "${name}" as float16: it holds ${value}, which has to be rounded first`);
    view.setUint16(at + 2 * index, halfBits(value), true);
  });
}

function headerOf(sorted: readonly Written[], metadata: Record<string, string>): Uint8Array {
  const members: string[] = [];
  const keys = Object.keys(metadata).sort();
  if (keys.length) members.push(`"__metadata__":${JSON.stringify(metadata, keys)}`);
  let begin = 0;
  for (const tensor of sorted) {
    const { name, shape, data } = tensor;
    if (name === "__metadata__")
      throw new RangeError('Cannot encode a tensor named "__metadata__": the name is reserved');
    if (elementsOf(shape) !== data.length)
      throw new RangeError(`Cannot encode "${name}": shape ${shown(shape)} does not hold ${data.length} numbers`);
    const end = begin + bytesOf(tensor);
    const entry = { dtype: tensor.half ? "F16" : "F32", shape, data_offsets: [begin, end] };
    members.push(`${JSON.stringify(name)}:${JSON.stringify(entry)}`);
    begin = end;
  }
  const text = new TextEncoder().encode(`{${members.join(",")}}`);
  const padded = new Uint8Array(Math.ceil(text.length / 8) * 8).fill(0x20); // the data begins at a multiple of 8
  padded.set(text);
  return padded;
}

/** Whether a file begins as a safetensors file does: with the length of its JSON, and that. */
export function isSafetensors(bytes: Uint8Array): boolean {
  return bytes[8] === 0x7b;
}

/**
 * Decodes a safetensors file; every number format is read into float32.
 * @throws Error that says what was found and wanted for anything but a complete and consistent file.
 */
export function decodeSafetensors(bytes: Uint8Array): {
  tensors: Map<string, Values>;
  metadata: Record<string, string>;
} {
  const { tensors, metadata } = openSafetensors(bytes);
  return { tensors: new Map([...tensors].map(([name, stored]) => [name, stored.read()])), metadata };
}

/**
 * The tensors of a safetensors file by their names and shapes: so much is decoded as is asked for.
 * @throws Error as `decodeSafetensors`
 */
export function openSafetensors(bytes: Uint8Array): {
  tensors: Map<string, Stored>;
  metadata: Record<string, string>;
} {
  const { header, data } = split(bytes);
  const { __metadata__: metadata = {}, ...named } = header;
  if (!isStrings(metadata)) return refuse("__metadata__ does not hold strings alone");
  const entries = Object.entries(named).map(([name, entry]) => checkEntry(name, entry));
  checkCovered(entries, data.byteLength);
  return { tensors: new Map(entries.map((entry) => [entry.name, storedIn(data, entry)])), metadata };
}

function storedIn(data: DataView, { dtype, shape, begin }: Entry): Stored {
  const read = () => ({ shape, data: readNumbers(data, begin, { dtype, count: elementsOf(shape) }) });
  return { shape, dtype: dtype.name, read };
}

function split(bytes: Uint8Array): { header: Record<string, unknown>; data: DataView } {
  const length = bytes.length < 8 ? NaN : Number(viewOf(bytes).getBigUint64(0, true));
  const limit = Math.min(LONGEST_HEADER, bytes.length - 8);
  if (!(length <= limit)) refuse(`expected a header of at most ${Math.max(limit, 0)} bytes but found ${length}`);
  return { header: parseHeader(bytes.subarray(8, 8 + length)), data: viewOf(bytes.subarray(8 + length)) };
}

function parseHeader(bytes: Uint8Array): Record<string, unknown> {
  const { text, header } = parseText(bytes);
  if (!isRecord(header)) return refuse("the header is not an object");
  const found = Object.values(header).reduce<number>(
    (keys, value) => keys + (isRecord(value) ? Object.keys(value).length : 0),
    Object.keys(header).length,
  );
  // JSON.parse silently keeps the last of two equal names.
  if (found !== colonsIn(text)) refuse("a name occurs twice in the header, or an entry is nested too deeply");
  return header;
}

function parseText(bytes: Uint8Array): { text: string; header: unknown } {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    return { text, header: JSON.parse(text) };
  } catch (error) {
    return refuse(`the header is not JSON (${(error as Error).message.slice(0, 100)})`);
  }
}

/** The colons of a JSON text outside its strings: one for each name, also for one that is repeated. */
function colonsIn(text: string): number {
  let colons = 0;
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    if (quoted && text[i] === "\\") i++;
    else if (text[i] === '"') quoted = !quoted;
    else if (!quoted && text[i] === ":") colons++;
  }
  return colons;
}

function checkEntry(name: string, entry: unknown): Entry {
  const label = JSON.stringify(name.slice(0, 100));
  if (!isRecord(entry)) return refuse(`${label} is not an object`);
  const dtype = dtypeOf(entry.dtype);
  if (!dtype) return refuse(`${label} has the number format ${brief(entry.dtype)}, which is not read here`);
  const elements = elementsOf(entry.shape);
  if (Number.isNaN(elements)) refuse(`${label} has the shape ${brief(entry.shape)}`);
  const offsets = entry.data_offsets;
  const [begin, end]: unknown[] = Array.isArray(offsets) && offsets.length === 2 ? offsets : [];
  if (!isIndex(begin) || !isIndex(end)) return refuse(`${label} has the offsets ${brief(offsets)}`);
  const shape = entry.shape as number[];
  if (end - begin !== elements * dtype.bytes)
    refuse(`${label} takes ${end - begin} bytes, but ${dtype.name} ${brief(shape)} takes ${elements * dtype.bytes}`);
  return { name, dtype, shape, begin, end };
}

function checkCovered(entries: readonly Entry[], size: number): void {
  let covered = 0;
  for (const { name, begin, end } of [...entries].sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (begin !== covered) refuse(`${JSON.stringify(name.slice(0, 100))} begins at ${begin} instead of ${covered}`);
    covered = end;
  }
  if (covered !== size) refuse(`the tensors take ${covered} bytes but the file holds ${size}`);
}

function isStrings(value: unknown): value is Record<string, string> {
  return isRecord(value) && Object.values(value).every((member) => typeof member === "string");
}

function brief(value: unknown): string {
  return String(JSON.stringify(value)).slice(0, 100);
}

function refuse(detail: string): never {
  throw new Error(`Cannot read safetensors: ${detail}`);
}
