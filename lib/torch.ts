// Reads the tensors of a PyTorch checkpoint (`torch.save` of a state_dict) without executing anything from it.
import { viewOf } from "./dtypes";
import type { Values } from "./network";
import { type PickleOptions, readPickle } from "./pickle";
import { brief, globalsOf, materialize, refuse, type Storage, storageOf, Tensor } from "./torch-tensors";
import { listZip, type ZipEntry } from "./zip";

const MAGIC_NUMBER = 0x1950a86a20f9469cfc6cn;
const PROTOCOL_VERSION = 1001;
const DICTS_INSIDE = ["state_dict", "model_state_dict", "model", "net"];

/**
 * Reads every tensor of a state_dict (also one inside {"state_dict": …}) by name, as float32 in PyTorch's own layout.
 * Understands the zip format (torch >= 1.6) and the legacy one; throws an Error for anything else and for any name that
 * a state_dict does not need. Formats: `_save` and `_legacy_save` in
 * https://github.com/pytorch/pytorch/blob/main/torch/serialization.py
 */
export function decodeTorchCheckpoint(bytes: Uint8Array): Map<string, Values> {
  const storages = new Map<string, Storage>();
  if (bytes[0] === 0x50 && bytes[1] === 0x4b) return materialize(findTensors(readArchive(bytes, storages)), bytes);
  if (bytes[0] !== 0x80) refuse("the file begins neither with a zip archive nor with a pickle");
  const { value, end } = readObject(bytes, storages);
  locate(bytes, end, storages);
  return materialize(findTensors(value), bytes);
}

// <root>/data.pkl is the object, <root>/data/<key> the storages; versions and identities beside them hold no numbers.
function readArchive(bytes: Uint8Array, storages: Map<string, Storage>): unknown {
  const entries = listZip(bytes);
  const pickles = [...entries.keys()].filter((name) => /^[^/]+\/data\.pkl$/.test(name));
  if (pickles.length !== 1) return refuse(`expected one data.pkl in the zip archive but found ${pickles.length}`);
  const root = pickles[0].slice(0, -"data.pkl".length);
  const contentOf = (name: string) => {
    const entry = entries.get(root + name);
    return entry && bytes.subarray(entry.start, entry.end);
  };
  if (entries.has(`${root}constants.pkl`)) refuse("it is a TorchScript program, expected a state_dict");
  const order = new TextDecoder().decode(contentOf("byteorder") ?? new Uint8Array()).slice(0, 20);
  if (order && order !== "little") refuse(`the byte order is ${brief(order)}, expected "little"`);
  const pickle = contentOf("data.pkl")!;
  const { value, end } = readPickle(pickle, referring(bytes.length, storages));
  if (end !== pickle.length) refuse(`its pickle ends at byte ${end} of ${pickle.length}`);
  for (const [key, storage] of storages) placeStorage(storage, key, entries.get(`${root}data/${key}`));
  return value;
}

function placeStorage(storage: Storage, key: string, entry: ZipEntry | undefined): void {
  if (!entry) return refuse(`storage ${brief(key)} is missing`);
  const wanted = storage.count * storage.dtype.bytes;
  const found = entry.end - entry.start;
  if (found !== wanted) refuse(`storage ${brief(key)} holds ${found} instead of ${wanted} bytes`);
  storage.start = entry.start;
}

function referring(size: number, storages: Map<string, Storage>): PickleOptions {
  return { globals: globalsOf(size), persistent: (id: unknown) => storageOf(id, storages) };
}

// Five pickles: magic number, protocol version, system, object, keys of the storages. The storages follow.
function readObject(bytes: Uint8Array, storages: Map<string, Storage>): { value: unknown; end: number } {
  const magic = readPickle(bytes);
  if (magic.value !== MAGIC_NUMBER) refuse("the file does not begin with PyTorch's magic number");
  const protocol = readPickle(bytes, { offset: magic.end });
  if (protocol.value !== PROTOCOL_VERSION) refuse(`the protocol version is not ${PROTOCOL_VERSION}`);
  const system = readPickle(bytes, { offset: protocol.end });
  if (!(system.value instanceof Map) || system.value.get("little_endian") !== true)
    refuse("the file was not written by a little-endian machine");
  return readPickle(bytes, { offset: system.end, ...referring(bytes.length, storages) });
}

/** Finds where each storage begins: in the order of the keys, each after its length in 8 bytes. */
function locate(bytes: Uint8Array, end: number, storages: ReadonlyMap<string, Storage>): void {
  const keys = readPickle(bytes, { offset: end });
  const view = viewOf(bytes);
  if (!Array.isArray(keys.value)) return refuse("the list of storages is missing");
  let at = keys.end;
  for (const key of keys.value) {
    const storage = storages.get(key);
    if (!storage || !Number.isNaN(storage.start)) return refuse(`storage ${brief(key)} is unknown or comes twice`);
    storage.start = at + 8;
    at = storage.start + storage.count * storage.dtype.bytes;
    if (at > bytes.length) refuse(`expected at least ${at} bytes but found ${bytes.length}: the file is cut short`);
    const count = view.getBigInt64(storage.start - 8, true);
    if (count !== BigInt(storage.count))
      refuse(`storage ${brief(key)} holds ${count} instead of ${storage.count} numbers`);
  }
  if (keys.value.length !== storages.size) refuse(`expected ${storages.size} storages but found ${keys.value.length}`);
  if (at !== bytes.length) refuse(`expected ${at} bytes but found ${bytes.length}`);
}

function findTensors(root: unknown): Map<string, Tensor> {
  if (!(root instanceof Map)) return refuse("it holds no dict of tensors");
  const inside = DICTS_INSIDE.map((key) => root.get(key)).find((value) => value instanceof Map);
  const found = (inside ?? root) as Map<unknown, unknown>;
  for (const [name, value] of found)
    if (typeof name !== "string" || !(value instanceof Tensor))
      refuse(`expected a state_dict of tensors but found something else under ${brief(name)}`);
  if (found.size === 0) refuse("its state_dict is empty");
  return found as Map<string, Tensor>;
}
