// Writes small files in PyTorch's checkpoint formats (legacy and zip), for tests; pickles by hand, so that tests can also be rude.
import { crc32 } from "node:zlib";
import type { Values } from "../lib/files/values";
import { readTorchWeights } from "../lib/files/torch-file";

/** A tensor as the file describes it; strides and offset count in elements of the storage. */
export interface FileTensor {
  readonly key: string;
  readonly shape: readonly number[];
  readonly strides?: readonly number[];
  readonly offset?: number;
  readonly type?: string;
}

/** A storage: its numbers as the bytes that the file holds. */
export interface FileStorage {
  readonly count: number;
  readonly bytes: Uint8Array;
}

const text = (value: string) => Buffer.from(value, "utf8");
const uint32 = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
};

/** Opcodes of pickle protocol 2. */
export const op = {
  start: Buffer.from([0x80, 2]),
  stop: text("."),
  mark: text("("),
  none: text("N"),
  yes: Buffer.from([0x88]),
  no: Buffer.from([0x89]),
  dict: text("}"),
  list: text("]"),
  tuple: text("t"),
  items: text("u"),
  append: text("e"),
  call: text("R"),
  build: text("b"),
  persistent: text("Q"),
  string: (value: string) => Buffer.concat([text("X"), uint32(text(value).length), text(value)]),
  integer: (value: number) => Buffer.concat([text("J"), uint32(value)]),
  global: (module: string, name: string) => text(`c${module}\n${name}\n`),
  put: (index: number) => Buffer.from([0x71, index]),
  get: (index: number) => Buffer.from([0x68, index]),
};

const tupleOf = (numbers: readonly number[]) => Buffer.concat([op.mark, ...numbers.map(op.integer), op.tuple]);
const pickle = (...parts: Uint8Array[]) => Buffer.concat([op.start, ...parts, op.stop]);

/** The opcodes of one tensor; `count` is that of its storage. */
export function tensor({ key, shape, strides, offset = 0, type = "FloatStorage" }: FileTensor, count: number): Buffer {
  const dense = shape.map((_, axis) => shape.slice(axis + 1).reduce((product, size) => product * size, 1));
  const id = [
    op.string("storage"),
    op.global("torch", type),
    op.string(key),
    op.string("cpu"),
    op.integer(count),
    op.none,
  ];
  return Buffer.concat([
    op.global("torch._utils", "_rebuild_tensor_v2"),
    op.mark,
    ...[op.mark, ...id, op.tuple, op.persistent],
    ...[op.integer(offset), tupleOf(shape), tupleOf(strides ?? dense)],
    ...[op.no, op.global("collections", "OrderedDict"), op.mark, op.tuple, op.call],
    ...[op.tuple, op.call],
  ]);
}

/** An OrderedDict of opcodes by name. */
export function orderedDict(entries: Iterable<readonly [string, Buffer]>): Buffer {
  const items = [...entries].map(([name, value]) => Buffer.concat([op.string(name), value]));
  const empty = [op.global("collections", "OrderedDict"), op.mark, op.tuple, op.call];
  return Buffer.concat([...empty, op.mark, ...items, op.items]);
}

/** A whole file: the five pickles, the fourth of them `object`, and the storages in the order of their keys. */
export function legacyFile(object: Buffer, storages: ReadonlyMap<string, FileStorage>): Buffer {
  const magic = Buffer.from([0x8a, 10, ...Buffer.from("6cfc9c46f9206aa85019", "hex")]);
  const system = [op.string("protocol_version"), op.integer(1001), op.string("little_endian"), op.yes];
  const keys = [...storages.keys()].map(op.string);
  const data = [...storages.values()].flatMap(({ count, bytes }) => [uint32(count), uint32(0), bytes]);
  return Buffer.concat([
    ...[pickle(magic), pickle(op.integer(1001)), pickle(op.dict, op.mark, ...system, op.items)],
    ...[pickle(object), pickle(op.list, op.mark, ...keys, op.append), ...data],
  ]);
}

/** Float32 numbers as a storage. */
export function floats(data: ArrayLike<number>): FileStorage {
  const numbers = Float32Array.from(data);
  return { count: numbers.length, bytes: new Uint8Array(numbers.buffer) };
}

/** A file that holds these float32 tensors under "state_dict", each in a storage of its own. */
export function stateDictFile(values: ReadonlyMap<string, Values>): Buffer {
  return checkpointFile({ state_dict: values });
}

/** A file that holds several state_dicts under their keys, or one that is the file itself under "". */
export function checkpointFile(dicts: Readonly<Record<string, ReadonlyMap<string, Values>>>): Buffer {
  const storages = new Map<string, FileStorage>();
  const written = Object.entries(dicts).map(([key, values]) => {
    const entries = [...values].map(([name, { shape, data }]) => {
      storages.set(`${key} ${name}`, floats(data));
      return [name, tensor({ key: `${key} ${name}`, shape }, data.length)] as const;
    });
    return [key, orderedDict(entries)] as const;
  });
  if (Object.hasOwn(dicts, "")) return legacyFile(written[0][1], storages);
  const items = written.flatMap(([key, dict]) => [op.string(key), dict]);
  return legacyFile(Buffer.concat([op.dict, op.mark, ...items, op.items]), storages);
}

/** How one entry of a zip archive is written; what is not given is as PyTorch writes it. */
export interface ZipOptions {
  readonly method?: number;
  readonly flags?: number;
  readonly size?: number;
  readonly crc?: number;
  readonly header?: number;
  /** The name in the entry's own header. */
  readonly named?: string;
}

const words = (...numbers: [number, 2 | 4 | 8][]) =>
  Buffer.concat(
    numbers.map(([value, length]) => {
      const bytes = Buffer.alloc(8);
      bytes.writeBigUInt64LE(BigInt(value));
      return bytes.subarray(0, length);
    }),
  );

/** A zip archive as PyTorch writes it: entries stored, sizes behind the bytes, a 64-bit end before the usual one. */
export function zipFile(
  entries: readonly (readonly [name: string, content: Uint8Array, options?: ZipOptions])[],
  options: { end64?: boolean; count?: number; comment?: number; gap?: number } = {},
): Buffer {
  const { end64 = true, count = entries.length, comment = 0, gap = 0 } = options;
  const parts: Buffer[] = [];
  const listed: Buffer[] = [];
  let at = 0;
  for (const [name, content, rude = {}] of entries) {
    const { method = 0, flags = 0x0808, size = content.length, crc = crc32(content), header = at } = rude;
    const named = text(rude.named ?? name);
    const padding = Buffer.alloc(6, "Z");
    const own = words([0x04034b50, 4], [0, 2], [flags, 2], [method, 2], [0, 4], [0, 4], [0, 4], [0, 4]);
    const descriptor = words([0x08074b50, 4], [crc, 4], [size, 4], [size, 4]);
    const part = Buffer.concat([
      own,
      words([named.length, 2], [padding.length, 2]),
      named,
      padding,
      content,
      descriptor,
    ]);
    const numbers = words([0x02014b50, 4], [0, 4], [flags, 2], [method, 2], [0, 4], [crc, 4], [size, 4], [size, 4]);
    const place = words([text(name).length, 2], [0, 2], [0, 2], [0, 2], [0, 2], [0, 4], [header, 4]);
    listed.push(Buffer.concat([numbers, place, text(name)]));
    parts.push(part);
    at += part.length;
  }
  const directory = Buffer.concat(listed);
  const start = at;
  const second = at + directory.length + gap;
  const end64Bytes = Buffer.concat([
    words([0x06064b50, 4], [44, 8], [0x031e, 2], [45, 2], [0, 4], [0, 4], [count, 8], [count, 8]),
    words([directory.length, 8], [start, 8], [0x07064b50, 4], [0, 4], [second, 8], [1, 4]),
  ]);
  const end = words([0x06054b50, 4], [0, 4], [count, 2], [count, 2], [directory.length, 4], [start, 4], [comment, 2]);
  return Buffer.concat([...parts, directory, Buffer.alloc(gap), ...(end64 ? [end64Bytes] : []), end]);
}

/** The entries of PyTorch's zip format: the object's pickle, and each storage under its key. */
export function torchEntries(object: Buffer, storages: ReadonlyMap<string, FileStorage>): [string, Uint8Array][] {
  const data = [...storages].map(([key, { bytes }]): [string, Uint8Array] => [`archive/data/${key}`, bytes]);
  return [
    ["archive/data.pkl", pickle(object)],
    ["archive/byteorder", text("little")],
    ...data,
    ["archive/version", text("3\n")],
  ];
}

/** The tensors of a checkpoint, where it leaves no choice. */
export const torchTensors = (bytes: Uint8Array): ReadonlyMap<string, Values> =>
  new Map([...readTorchWeights(bytes).tensors].map(([name, stored]) => [name, stored.read()]));
