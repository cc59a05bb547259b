// Reads the tensors of a PyTorch checkpoint (`torch.save` of a state_dict) without executing anything from it.
import { viewOf } from "./dtypes";
import type { Values } from "./network";
import { readPickle } from "./pickle";
import { brief, globalsOf, materialize, refuse, type Storage, storageOf, Tensor } from "./torch-tensors";

const MAGIC_NUMBER = 0x1950a86a20f9469cfc6cn;
const PROTOCOL_VERSION = 1001;
const DICTS_INSIDE = ["state_dict", "model_state_dict", "model", "net"];

/**
 * Reads every tensor of a state_dict (also one inside {"state_dict": …}) by name, as float32 in PyTorch's own layout.
 * Understands the legacy format (torch < 1.6); throws an Error for anything else and for any name that a state_dict
 * does not need. Format: `_legacy_save` in https://github.com/pytorch/pytorch/blob/main/torch/serialization.py
 */
export function decodeTorchCheckpoint(bytes: Uint8Array): Map<string, Values> {
  if (bytes.length > 1 && bytes[0] === 0x50 && bytes[1] === 0x4b)
    throw new Error(
      "Cannot read the checkpoint: found PyTorch's zip format but the legacy one is read here; " +
        "save it again with torch.save(…, _use_new_zipfile_serialization=False)",
    );
  if (bytes[0] !== 0x80) refuse("the file does not begin with a pickle");
  const storages = new Map<string, Storage>();
  const { value, end } = readObject(bytes, storages);
  locate(bytes, end, storages);
  return materialize(findTensors(value), bytes);
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
  const persistent = (id: unknown) => storageOf(id, storages);
  return readPickle(bytes, { offset: system.end, globals: globalsOf(bytes.length), persistent });
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
