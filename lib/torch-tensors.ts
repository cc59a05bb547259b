// The tensors in a PyTorch checkpoint's pickle: strided looks at storages whose numbers lie elsewhere in the file.
import { type Dtype, dtypeOf, elementsOf, viewOf } from "./dtypes";
import type { Values } from "./network";

/** A run of equal numbers in the file; `start` is known once the pickles before the data are read. */
export class Storage {
  start = NaN;
  constructor(
    readonly dtype: Dtype,
    readonly count: number,
  ) {}
}

/** A strided look at a storage, in elements. */
export class Tensor {
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
export function globalsOf(mostPairs: number): Map<string, unknown> {
  const globals = new Map<string, unknown>([
    ["torch._utils _rebuild_tensor", rebuildTensor],
    ["torch._utils _rebuild_tensor_v2", rebuildTensor],
    ["torch._utils _rebuild_parameter", ([data]: unknown[]) => data],
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
export function storageOf(id: unknown, storages: Map<string, Storage>): Storage {
  const [kind, type, key, , count, view = null] = Array.isArray(id) ? id : [];
  if (kind !== "storage" || !(type instanceof StorageType) || typeof key !== "string" || !isIndex(count))
    return refuse("a persistent id is not that of a storage");
  if (view !== null) return refuse(`storage ${brief(key)} is a view of another storage`);
  const storage = storages.get(key) ?? new Storage(type.dtype, count);
  if (storage.dtype !== type.dtype || storage.count !== count) refuse(`storage ${brief(key)} is described in two ways`);
  storages.set(key, storage);
  return storage;
}

function rebuildTensor([storage, offset, shape, strides]: unknown[]): Tensor {
  const elements = elementsOf(shape);
  if (Number.isNaN(elements)) return refuse("a tensor's shape is not a list of at most 8 sizes");
  const sizes = shape as number[];
  if (!Array.isArray(strides) || strides.length !== sizes.length || !strides.every(isIndex) || !isIndex(offset))
    return refuse("a tensor's strides or offset do not fit its shape");
  if (!(storage instanceof Storage)) return refuse("a tensor has no storage");
  const last = sizes.reduce((index, size, i) => index + (size - 1) * strides[i], offset);
  if (elements > 0 && last >= storage.count)
    return refuse(`a tensor reaches element ${last} of a storage that holds ${storage.count}`);
  return new Tensor(storage, offset, [...sizes], [...strides]);
}

/** Reads the tensors' numbers as float32; the storages have been located in the file. */
export function materialize(tensors: ReadonlyMap<string, Tensor>, bytes: Uint8Array): Map<string, Values> {
  let total = 0;
  for (const { shape } of tensors.values()) total += elementsOf(shape);
  if (total > bytes.length) refuse(`its tensors share storages to hold ${total} numbers in ${bytes.length} bytes`);
  const view = viewOf(bytes);
  return new Map([...tensors].map(([name, tensor]) => [name, { shape: tensor.shape, data: gather(tensor, view) }]));
}

function gather({ storage, offset, shape, strides }: Tensor, view: DataView): Float32Array {
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

function isIndex(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

// Only strings are shown: nested lists of a hostile file may be endless.
export function brief(value: unknown): string {
  return typeof value === "string" ? JSON.stringify(value.slice(0, 100)) : typeof value;
}

/** Throws the Error of a checkpoint that cannot be read. */
export function refuse(detail: string): never {
  throw new Error(`Cannot read the checkpoint: ${detail}`);
}
