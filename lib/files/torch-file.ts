// Reads the tensors of a PyTorch checkpoint (`torch.save` of a state_dict) without executing anything from it.
import { type Dtype, dtypeOf, elementsOf, isIndex, viewOf } from "./dtypes";
import { foreignText } from "./foreign";
import { Inert, type PickleOptions, readPickle } from "./pickle";
import { choiceText, chosenSet, dictsIn, type WeightSet, weightSet } from "./torch-weights";
import type { Stored } from "./values";
import { listZip, type ZipEntry } from "./zip";

const MAGIC_NUMBER = 0x1950a86a20f9469cfc6cn;
const PROTOCOL_VERSION = 1001;

/**
 * The tensors of a state_dict (also one inside {"state_dict": …}) by name, to be read as float32 in PyTorch's own layout.
 * Understands the zip format (torch >= 1.6) and the legacy one. Whatever else is in the file, such as the state of an optimizer or
 * a number of NumPy's, is passed over.
 * Formats: `_save` and `_legacy_save` in https://github.com/pytorch/pytorch/blob/main/torch/serialization.py
 * @param asked which, where a file holds several state_dicts, such as raw and averaged weights (see `chosenSet`)
 * @returns `choice`: what was taken and what was not, in words, where there was a choice
 * @throws Error for anything else, saying what the file is where that can be told
 */
export function readTorchWeights(
  bytes: Uint8Array,
  asked?: string,
): { readonly tensors: Map<string, Stored>; readonly choice?: string } {
  const sets = findSets(rootOf(bytes));
  const chosen = chosenSet(sets, asked);
  return { tensors: storedIn(chosen.tensors, bytes), choice: choiceText(chosen, sets) };
}

/** What was saved, its tensors located in the file. */
function rootOf(bytes: Uint8Array): unknown {
  const storages = new Map<string, Storage>();
  if (bytes[0] === 0x50 && bytes[1] === 0x4b) return readArchive(bytes, storages);
  if (bytes[0] !== 0x80)
    refuse(foreignText(bytes) ?? "the file begins neither with a zip archive nor with a pickle, nor is it safetensors");
  const { value, end } = readObject(bytes, storages);
  locate(bytes, end, storages);
  return value;
}

// <root>/data.pkl is the object, <root>/data/<key> the storages; versions and identities beside them hold no numbers.
function readArchive(bytes: Uint8Array, storages: Map<string, Storage>): unknown {
  const entries = listZip(bytes);
  const pickles = [...entries.keys()].filter((name) => /^[^/]+\/data\.pkl$/.test(name));
  if (pickles.length !== 1)
    return refuse(
      `expected one data.pkl in the zip archive but found ${pickles.length}: if checkpoints were zipped, unpack them`,
    );
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
  return { globals: globalsOf(size), inert: true, persistent: (id: unknown) => storageOf(id, storages) };
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
    if (at > bytes.length)
      refuse(`expected at least ${at} bytes but found ${bytes.length}: the file is cut short, get it again`);
    const count = view.getBigInt64(storage.start - 8, true);
    if (count !== BigInt(storage.count))
      refuse(`storage ${brief(key)} holds ${count} instead of ${storage.count} numbers`);
  }
  if (keys.value.length !== storages.size) refuse(`expected ${storages.size} storages but found ${keys.value.length}`);
  if (at !== bytes.length) refuse(`expected ${at} bytes but found ${bytes.length}`);
}

/** The state_dicts in what was saved; where a dict is none, it is not among them. */
function findSets(root: unknown): WeightSet<StoredTensor>[] {
  if (root instanceof Inert) return refuseObject(root);
  if (!(root instanceof Map)) return refuse("it holds no dict of tensors");
  const dicts = dictsIn(root);
  const sets = dicts.flatMap(({ key, dict }) => {
    const tensors = new Map([...dict].filter(isTensorEntry));
    return tensors.size ? [weightSet(key, tensors)] : [];
  });
  if (sets.length) return sets;
  const object = [...root.values()].find((value) => value instanceof Inert);
  if (object) return refuseObject(object);
  const [{ dict }] = dicts;
  if (dict.size === 0) refuse("its state_dict is empty");
  const [name] = [...dict].find((entry) => !isTensorEntry(entry))!;
  return refuse(`expected a state_dict of tensors but found something else under ${brief(name)}`);
}

const isTensorEntry = (entry: [unknown, unknown]): entry is [string, StoredTensor] =>
  typeof entry[0] === "string" && entry[1] instanceof StoredTensor;

/** What `torch.save(model)` leaves: it is made of a class's code, which is not in the file. */
function refuseObject({ name }: Inert): never {
  return refuse(
    `it holds an object of the class ${brief(name)}, as torch.save(model) does, and not a state_dict; ` +
      "load it in Python and save that: torch.save(model.state_dict(), PATH)",
  );
}

/** A run of equal numbers in the file; `start` is known once the pickles before the data are read. */
class Storage {
  start = NaN;
  constructor(
    readonly dtype: Dtype,
    readonly count: number,
  ) {}
}

/** A strided look at a storage, in elements. */
class StoredTensor {
  constructor(
    readonly storage: Storage,
    readonly offset: number,
    readonly shape: readonly number[],
    readonly strides: readonly number[],
  ) {}
}

/** What a global "torch FloatStorage" stands for. */
class StorageType {
  constructor(readonly dtype: Dtype) {}
}

const STORAGE_TYPES: readonly (readonly [string, string])[] = [
  ["FloatStorage", "F32"],
  ["HalfStorage", "F16"],
  ["BFloat16Storage", "BF16"],
  ["DoubleStorage", "F64"],
  ["LongStorage", "I64"],
  ["IntStorage", "I32"],
  ["ShortStorage", "I16"],
  ["CharStorage", "I8"],
  ["ByteStorage", "U8"],
  ["BoolStorage", "BOOL"],
];

/**
 * The names that a state_dict needs, for `readPickle`; everything they make is plain data.
 * An OrderedDict may repeat one long list, so the pairs of all of them together are bounded.
 */
function globalsOf(mostPairs: number): Map<string, unknown> {
  const globals = new Map<string, unknown>([
    ["torch._utils _rebuild_tensor", rebuildTensor],
    ["torch._utils _rebuild_tensor_v2", rebuildTensor],
    ["torch._utils _rebuild_parameter", ([data]: unknown[]) => data],
    ["torch._utils _rebuild_parameter_with_state", ([data]: unknown[]) => data],
    ["torch Size", ([shape]: unknown[]) => shape],
  ]);
  for (const [name, dtype] of STORAGE_TYPES) globals.set(`torch ${name}`, new StorageType(dtypeOf(dtype)!));
  let pairs = 0;
  globals.set("collections OrderedDict", ([items = []]: unknown[]) => {
    if (!Array.isArray(items) || (pairs += items.length) > mostPairs) return refuse("an OrderedDict of too many items");
    if (!items.every((item) => Array.isArray(item) && item.length === 2)) return refuse("an OrderedDict without pairs");
    return new Map(items as [unknown, unknown][]);
  });
  return globals;
}

/** The storage of a persistent id (five parts, in the legacy format six): made where it is new, checked where it is known. */
function storageOf(id: unknown, storages: Map<string, Storage>): Storage {
  const [kind, type, key, , count, view = null] = Array.isArray(id) ? id : [];
  if (kind !== "storage" || !(type instanceof StorageType) || typeof key !== "string" || !isIndex(count))
    return refuse("a persistent id is not that of a storage");
  if (view !== null) return refuse(`storage ${brief(key)} is a view of another storage`);
  const storage = storages.get(key) ?? new Storage(type.dtype, count);
  if (storage.dtype !== type.dtype || storage.count !== count) refuse(`storage ${brief(key)} is described in two ways`);
  storages.set(key, storage);
  return storage;
}

function rebuildTensor([storage, offset, shape, strides]: unknown[]): StoredTensor {
  const elements = elementsOf(shape);
  if (Number.isNaN(elements)) return refuse("a tensor's shape is not a list of at most 8 sizes");
  const sizes = shape as number[];
  if (!Array.isArray(strides) || strides.length !== sizes.length || !strides.every(isIndex) || !isIndex(offset))
    return refuse("a tensor's strides or offset do not fit its shape");
  if (!(storage instanceof Storage)) return refuse("a tensor has no storage");
  const last = sizes.reduce((index, size, i) => index + (size - 1) * strides[i], offset);
  if (elements > 0 && last >= storage.count)
    return refuse(`a tensor reaches element ${last} of a storage that holds ${storage.count}`);
  return new StoredTensor(storage, offset, [...sizes], [...strides]);
}

/** The tensors, to be read as float32; the storages have been located in the file. */
function storedIn(tensors: ReadonlyMap<string, StoredTensor>, bytes: Uint8Array): Map<string, Stored> {
  let total = 0;
  for (const { shape } of tensors.values()) total += elementsOf(shape);
  if (total > bytes.length) refuse(`its tensors share storages to hold ${total} numbers in ${bytes.length} bytes`);
  const view = viewOf(bytes);
  const stored = (tensor: StoredTensor): Stored => {
    const { shape, storage } = tensor;
    return { shape, dtype: storage.dtype.name, read: () => ({ shape, data: gather(tensor, view) }) };
  };
  return new Map([...tensors].map(([name, tensor]) => [name, stored(tensor)]));
}

function gather({ storage, offset, shape, strides }: StoredTensor, view: DataView): Float32Array {
  const { dtype, start } = storage;
  const data = new Float32Array(elementsOf(shape));
  const index = shape.map(() => 0);
  let element = offset;
  for (let i = 0; i < data.length; i++) {
    data[i] = dtype.read(view, start + element * dtype.bytes);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      element += strides[axis];
      if (++index[axis] < shape[axis]) break;
      element -= strides[axis] * shape[axis];
      index[axis] = 0;
    }
  }
  return data;
}

// Only strings are shown: nested lists of a hostile file may be endless.
function brief(value: unknown): string {
  return typeof value === "string" ? JSON.stringify(value.slice(0, 100)) : typeof value;
}

function refuse(detail: string): never {
  throw new Error(`Cannot read the checkpoint: ${detail}`);
}
