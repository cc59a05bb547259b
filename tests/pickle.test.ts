// The reader of PyTorch checkpoints: small files made here, the real ones against PyTorch's own reading, mutated ones.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { readPickle } from "../lib/files/pickle";
import type { Values } from "../lib/files/values";
import { fuzz } from "./mutations";
import { floats, legacyFile, op, orderedDict, stateDictFile, tensor, torchTensors } from "./torch-file";

const checkpoints = path.resolve("..", "shared", "checkpoints");
const skip = existsSync(checkpoints) ? false : "the public checkpoints (../shared/checkpoints) are not on this machine";

const pickle = (...parts: Uint8Array[]) => Buffer.concat([op.start, ...parts, op.stop]);
/** A file whose tensor "w" looks in this way at a storage of these numbers. */
const fileOf = (shape: number[], numbers: number[], look = {}) => {
  const object = orderedDict([["w", tensor({ key: "0", shape, ...look }, numbers.length)]]);
  return legacyFile(object, new Map([["0", floats(numbers)]]));
};
const values = (shape: number[], data: number[]): Values => ({ shape, data: Float32Array.from(data) });

test("readPickle() reads numbers, strings, lists and dicts as plain data", () => {
  const items = [
    op.string("ü"),
    op.integer(-5 >>> 0),
    op.string("n"),
    op.none,
    op.string("l"),
    op.list,
    op.mark,
    op.yes,
  ];
  const { value, end } = readPickle(pickle(op.dict, op.mark, ...items, op.no, op.append, op.items));
  assert.deepEqual(
    value,
    new Map<string, unknown>([
      ["ü", -5],
      ["n", null],
      ["l", [true, false]],
    ]),
  );
  assert.equal(end, 36);
});

test("readPickle() reads integers of Python exactly, also beyond a double", () => {
  const long = (hex: string) => readPickle(pickle(Buffer.from([0x8a, hex.length / 2]), Buffer.from(hex, "hex"))).value;
  assert.equal(long(""), 0);
  assert.equal(long("ff"), -1);
  assert.equal(long("ff00"), 255);
  assert.equal(long("0000000000000001"), 2n ** 56n);
});

const refused: [string, Buffer, RegExp][] = [
  [
    "a function of the system",
    pickle(op.global("os", "system"), op.mark, op.string("echo"), op.tuple, op.call),
    /"os.system" is not allowed/,
  ],
  [
    "a name from Object.prototype",
    pickle(op.global("constructor", "constructor")),
    /"constructor.constructor" is not allowed/,
  ],
  ["a call of a string", pickle(op.string("x"), op.mark, op.tuple, op.call), /no function/],
  ["an opcode that makes objects", pickle(Buffer.from([0x69])), /opcode 0x69 is not allowed/],
  ["attributes on a list", pickle(op.list, op.dict, op.build), /attributes/],
  ["a stack that is empty", pickle(), /stack is empty/],
  ["a look under a mark", pickle(op.string("a"), op.mark, op.put(0)), /stack is empty/],
  ["a tuple from under a mark", pickle(op.string("a"), op.mark, Buffer.of(0x85)), /stack is empty/],
  ["a mark that is missing", pickle(op.tuple), /no mark/],
  ["a memory that is missing", pickle(op.get(3)), /nothing was remembered under 3/],
  [
    "a string longer than the file",
    Buffer.from([0x58, 255, 255, 255, 255, 65]),
    /expected 4294967295 more bytes but found 1/,
  ],
  ["an integer of 255 bytes", Buffer.concat([Buffer.from([0x8a, 255]), Buffer.alloc(300)]), /integer of 255 bytes/],
  ["a persistent id", pickle(op.none, op.persistent), /persistent ids are not allowed/],
  ["no end", Buffer.from("NNN"), /expected 1 more bytes but found 0/],
  ["a stack without bound", Buffer.alloc(400_000, "N"), /more than 200000 values/],
];
for (const [title, bytes, message] of refused)
  test(`readPickle() refuses ${title}`, () => {
    assert.throws(() => readPickle(bytes), { name: "Error", message });
  });

test("readPickle() stops after two million opcodes", () => {
  const rounds = Buffer.concat([Buffer.from("N"), Buffer.alloc(4_400_000, Buffer.from([0x71, 0]))]);
  assert.throws(() => readPickle(rounds), /more than 2000000 opcodes/);
});

test("readTorchWeights() follows strides, offsets and storages that tensors share", () => {
  const entries = [
    ["turned", tensor({ key: "0", shape: [3, 2], strides: [1, 3] }, 6)],
    ["inner", tensor({ key: "0", shape: [2], strides: [3], offset: 2 }, 6)],
    ["repeated", tensor({ key: "0", shape: [2, 2], strides: [0, 1] }, 6)],
    ["empty", tensor({ key: "0", shape: [0, 3] }, 6)],
    ["scalar", tensor({ key: "0", shape: [], offset: 5 }, 6)],
  ] as const;
  const found = torchTensors(legacyFile(orderedDict(entries), new Map([["0", floats([1, 2, 3, 4, 5, 6])]])));
  assert.deepEqual(found.get("turned"), values([3, 2], [1, 4, 2, 5, 3, 6]));
  assert.deepEqual(found.get("inner"), values([2], [3, 6]));
  assert.deepEqual(found.get("repeated"), values([2, 2], [1, 2, 1, 2]));
  assert.deepEqual(found.get("empty"), values([0, 3], []));
  assert.deepEqual(found.get("scalar"), values([], [6]));
});

test("readTorchWeights() reads half, bfloat16, double, long, byte and bool storages", () => {
  const doubles = new Uint8Array(Float64Array.of(0.5, 1e300, -3).buffer);
  const kinds: [string, Uint8Array, number[]][] = [
    ["HalfStorage", Buffer.from("003e00c0ff7b0100007c", "hex"), [1.5, -2, 65504, 2 ** -24, Infinity]],
    ["BFloat16Storage", Buffer.from("c03f00c0", "hex"), [1.5, -2]],
    ["DoubleStorage", doubles, [0.5, Infinity, -3]],
    ["LongStorage", new Uint8Array(BigInt64Array.of(391n, -2n).buffer), [391, -2]],
    ["ByteStorage", Buffer.from([0, 255]), [0, 255]],
    ["BoolStorage", Buffer.from([1, 0]), [1, 0]],
  ];
  for (const [type, bytes, data] of kinds) {
    const object = orderedDict([["w", tensor({ key: "k", shape: [data.length], type }, data.length)]]);
    const found = torchTensors(legacyFile(object, new Map([["k", { count: data.length, bytes }]])));
    assert.deepEqual(found.get("w"), values([data.length], data), type);
  }
});

test("readTorchWeights() finds the state_dict beside other things, and ignores its attributes", () => {
  const attributes = [op.dict, op.mark, op.string("_metadata"), op.dict, op.items, op.build];
  const dict = Buffer.concat([orderedDict([["w", tensor({ key: "0", shape: [1] }, 1)]]), ...attributes]);
  const items = [op.string("epoch"), op.integer(7), op.string("best_prec1"), tensor({ key: "1", shape: [] }, 1)];
  const object = Buffer.concat([op.dict, op.mark, ...items, op.string("state_dict"), dict, op.items]);
  const file = legacyFile(
    object,
    new Map([
      ["0", floats([4])],
      ["1", floats([91.5])],
    ]),
  );
  assert.deepEqual([...torchTensors(file)], [["w", values([1], [4])]]);
});

const one = (shape: number[], look = {}) => fileOf(shape, [1, 2], look);
const described = orderedDict([["w", tensor({ key: "0", shape: [1] }, 1)]]);
const broken: [string, Buffer, RegExp][] = [
  ["a file of another kind", Buffer.from("%PDF-1.7"), /begins neither with a zip archive nor with a pickle/],
  ["another pickle", pickle(op.none), /does not begin with PyTorch's magic number/],
  ["a file that is cut short", fileOf([3], [1, 2, 3]).subarray(0, -1), /cut short/],
  ["a file that goes on", Buffer.concat([fileOf([1], [1]), Buffer.of(0)]), /expected \d+ bytes but found \d+/],
  ["a tensor that reaches past its storage", one([3]), /element 2 of a storage that holds 2/],
  ["an offset past the storage", one([1], { offset: 2 }), /element 2 of a storage that holds 2/],
  ["strides past the storage", one([2], { strides: [2 ** 31 - 1] }), /reaches element 2147483647/],
  ["a shape of two billion numbers", one([2 ** 16, 2 ** 16], { strides: [0, 0] }), /shape/],
  ["one number that stands for a million", one([1000, 1000], { strides: [0, 0] }), /hold 1000000 numbers in \d+ bytes/],
  [
    "a storage of another length than described",
    legacyFile(described, new Map([["0", { count: 2, bytes: Buffer.alloc(4) }]])),
    /holds 2 instead of 1/,
  ],
  ["a storage that is missing", legacyFile(described, new Map()), /expected 1 storages but found 0/],
  ["a storage that nobody described", legacyFile(orderedDict([]), new Map([["x", floats([1])]])), /"x" is unknown/],
  [
    "a number in place of a tensor",
    legacyFile(orderedDict([["w", op.integer(1)]]), new Map()),
    /something else under "w"/,
  ],
  ["an empty state_dict", legacyFile(orderedDict([]), new Map()), /empty/],
];
for (const [title, bytes, message] of broken)
  test(`readTorchWeights() refuses ${title}`, () => {
    assert.throws(() => torchTensors(bytes), { name: "Error", message });
  });

test("readTorchWeights() refuses lists that repeat themselves without walking them", () => {
  const layers = Array.from({ length: 60 }, (_, i) => [
    op.list,
    op.put(i + 1),
    op.mark,
    op.get(i),
    op.get(i),
    op.append,
  ]);
  const nested = Buffer.concat([op.list, op.put(0), ...layers.flat()]);
  assert.throws(() => torchTensors(legacyFile(orderedDict([["w", nested]]), new Map())), /something else under "w"/);
});

// SHA-256 over name and float32 bytes of every tensor, sorted by name, computed with PyTorch 2.13.0:
// for k in sorted(sd): h.update(k.encode()); h.update(sd[k].contiguous().numpy().tobytes())
const real: [string, number, string][] = [
  ["resnet20-12fca82f.th", 97, "f08950892e5d57cec131c42a6c33531d1ee13d19464b276543503a243aadbea0"],
  ["resnet32-d509ac18.th", 157, "14c990c6f10b977a012fb2795466427ecc6647be4f28f638aee44d05b1836bbb"],
  ["resnet44-014dd654.th", 217, "7537ea9a3c41d719ce8db5842a17dc17b26881f3698823792c26b20c36414124"],
  ["resnet56-4bfd9763.th", 277, "75ba1234be256627a2b4c432ff06edabd8666448a1901eb9af49806143750b33"],
];
for (const [name, count, digest] of real)
  test(`readTorchWeights() reads every number of ${name} as PyTorch does`, { skip }, () => {
    const bytes = readFileSync(path.join(checkpoints, name));
    assert.equal(createHash("sha256").update(bytes).digest("hex").slice(0, 8), name.slice(9, 17));
    const tensors = torchTensors(bytes);
    assert.equal(tensors.size, count);
    const hash = createHash("sha256");
    for (const key of [...tensors.keys()].sort())
      hash.update(key).update(new Uint8Array(tensors.get(key)!.data.buffer));
    assert.equal(hash.digest("hex"), digest);
  });

const small = stateDictFile(
  new Map([
    ["module.conv1.weight", values([2, 3, 1, 1], [1, 2, 3, 4, 5, 6])],
    ["module.bn1.bias", values([2], [0, 1])],
    ["module.linear.weight", values([2, 2], [1, 0, 0, 1])],
  ]),
);

test("3,000 mutated small checkpoints each give whole tensors or a clear error", { timeout: 10_000 }, () => {
  const { valid, refused: errors } = fuzz(small, { decode: torchTensors, head: small.length, count: 3000 });
  assert.ok(valid > 20 && errors > 1000, `${valid} valid, ${errors} refused`);
});

test(
  "300 mutated copies of a real checkpoint each give whole tensors or a clear error",
  { skip, timeout: 10_000 },
  () => {
    const file = readFileSync(path.join(checkpoints, "resnet20-12fca82f.th"));
    const { valid, refused: errors } = fuzz(file, { decode: torchTensors, head: 12_000, count: 300 });
    assert.ok(valid > 5 && errors > 100, `${valid} valid, ${errors} refused`);
  },
);
