// The safetensors format against bytes written by the original package (Python safetensors 0.8.0), and hostile files.
import assert from "node:assert/strict";
import { test } from "node:test";
import { dtypeOf, halfBits, readNumbers, toHalf } from "../lib/files/dtypes";
import { decodeSafetensors, encodeSafetensors } from "../lib/files/safetensors";
import type { Values } from "../lib/files/values";
import { fuzz } from "./mutations";

// safetensors.numpy.save({"b.kernel": arange(6).reshape(2, 3) - 2.5, "a": [1e-45, 3.4e38], "s": 7, "e": zeros((0, 3))}, {"spec": '{"x":1}'})
const fromPython = Buffer.from(
  "08010000000000007b225f5f6d657461646174615f5f223a7b2273706563223a227b5c22785c223a317d227d2c2261223a7b226474797065223a22463332222c" +
    "227368617065223a5b325d2c22646174615f6f666673657473223a5b302c385d7d2c22622e6b65726e656c223a7b226474797065223a22463332222c22736861" +
    "7065223a5b322c335d2c22646174615f6f666673657473223a5b382c33325d7d2c2265223a7b226474797065223a22463332222c227368617065223a5b302c33" +
    "5d2c22646174615f6f666673657473223a5b33322c33325d7d2c2273223a7b226474797065223a22463332222c227368617065223a5b5d2c22646174615f6f66" +
    "6673657473223a5b33322c33365d7d7d010000009ec97f7f000020c00000c0bf000000bf0000003f0000c03f000020400000e040",
  "hex",
);
const values = (shape: number[], data: number[]): Values => ({ shape, data: Float32Array.from(data) });
const tensors = new Map([
  ["s", values([], [7])],
  ["b.kernel", values([2, 3], [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5])],
  ["e", values([0, 3], [])],
  ["a", values([2], [1e-45, 3.4e38])],
]);

/** A file with this header text and data. */
function file(header: string, data: number[] = []): Uint8Array {
  const text = Buffer.from(header);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text, Uint8Array.from(data)]);
}
const entry = (begin: number, end: number, shape = "[1]", dtype = "F32") =>
  `{"dtype":"${dtype}","shape":${shape},"data_offsets":[${begin},${end}]}`;

test("encodeSafetensors() gives the very bytes that the Python package gives", () => {
  const bytes = encodeSafetensors(tensors, { spec: '{"x":1}' });
  assert.equal(Buffer.from(bytes).toString("hex"), fromPython.toString("hex"));
});

test("encodeSafetensors() gives the same bytes whatever the order of names and metadata", () => {
  const forward = encodeSafetensors(tensors, { a: "1", b: "2" });
  const backward = encodeSafetensors(new Map([...tensors].reverse()), { b: "2", a: "1" });
  assert.deepEqual(forward, backward);
  assert.equal((8 + Number(Buffer.from(forward).readBigUInt64LE())) % 8, 0);
});

test("decodeSafetensors() reads what the Python package wrote", () => {
  const decoded = decodeSafetensors(fromPython);
  assert.deepEqual(decoded.metadata, { spec: '{"x":1}' });
  assert.deepEqual(new Map([...decoded.tensors].sort()), new Map([...tensors].sort()));
});

test("decodeSafetensors() reads float16, bfloat16 and int64 as PyTorch wrote them", () => {
  const bytes = Buffer.from(
    "a8000000000000007b226e223a7b226474797065223a22493634222c227368617065223a5b5d2c22646174615f6f666673657473223a5b302c385d7d2c226266" +
      "223a7b226474797065223a2242463136222c227368617065223a5b325d2c22646174615f6f666673657473223a5b382c31325d7d2c2268223a7b226474797065" +
      "223a22463136222c227368617065223a5b345d2c22646174615f6f666673657473223a5b31322c32305d7d7d202020200300000000000000c03f62ff003e00c0" +
      "ff7b0100",
    "hex",
  );
  const { tensors: decoded } = decodeSafetensors(bytes);
  assert.deepEqual([...decoded.get("n")!.data], [3]);
  assert.deepEqual([...decoded.get("bf")!.data], [1.5, -(2 ** 127) * 1.765625]);
  assert.deepEqual([...decoded.get("h")!.data], [1.5, -2, 65504, 2 ** -24]);
});

test("decodeSafetensors() takes a view into a larger buffer at an odd place", () => {
  const larger = new Uint8Array(fromPython.length + 3);
  larger.set(fromPython, 3);
  assert.deepEqual(decodeSafetensors(larger.subarray(3)), decodeSafetensors(fromPython));
});

test("decodeSafetensors() treats __proto__ as a name like any other", () => {
  const { tensors: decoded } = decodeSafetensors(file(`{"__proto__":${entry(0, 4)}}`, [0, 0, 128, 63]));
  assert.deepEqual([...decoded], [["__proto__", values([1], [1])]]);
  assert.equal(({} as Record<string, unknown>).dtype, undefined);
});

test("encodeSafetensors() rejects a shape that does not hold the data, and the reserved name", () => {
  assert.throws(
    () => encodeSafetensors(new Map([["a", values([3], [1, 2])]])),
    /"a": shape \[3\] does not hold 2 numbers/,
  );
  assert.throws(() => encodeSafetensors(new Map([["__metadata__", values([], [1])]])), /reserved/);
});

const hostile: [string, Uint8Array, RegExp][] = [
  ["is empty", new Uint8Array(0), /header of at most 0 bytes but found NaN/],
  ["claims a header of 2 ** 63 bytes", Buffer.from([0, 0, 0, 0, 0, 0, 0, 128, 1, 2]), /header of at most 2 bytes/],
  ["has no JSON in its header", file("{nope"), /not JSON/],
  ["has a header that is not UTF-8", Buffer.concat([file("  ").subarray(0, 8), Buffer.from([255, 254])]), /not JSON/],
  ["has a list as header", file("[]"), /not an object/],
  ["has a name twice", file(`{"a":${entry(0, 4)},"\\u0061":${entry(0, 4)}}`, [0, 0, 0, 0]), /occurs twice/],
  [
    "has a field twice",
    file('{"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}}', [0, 0, 0, 0]),
    /twice/,
  ],
  ["has metadata that is not text", file('{"__metadata__":{"a":1}}'), /does not hold strings/],
  ["has an entry that is a number", file('{"a":1}'), /"a" is not an object/],
  ["has an unknown number format", file(`{"a":${entry(0, 4, "[1]", "F8_E4M3")}}`, [0, 0, 0, 0]), /"F8_E4M3"/],
  ["has a negative size", file(`{"a":${entry(0, 4, "[-1]")}}`, [0, 0, 0, 0]), /shape \[-1\]/],
  ["has sizes whose product overflows", file(`{"a":${entry(0, 4, "[4294967296,4294967296]")}}`, [0, 0, 0, 0]), /shape/],
  [
    "has a shape for more bytes than it has",
    file(`{"a":${entry(0, 4, "[1000000000]")}}`, [0, 0, 0, 0]),
    /takes 4 bytes/,
  ],
  ["has offsets past the end", file(`{"a":${entry(0, 8, "[2]")}}`, [0, 0, 0, 0]), /take 8 bytes but the file holds 4/],
  ["has fractional offsets", file(`{"a":${entry(0.5, 4.5)}}`, [0, 0, 0, 0, 0]), /offsets \[0.5,4.5\]/],
  [
    "has tensors that overlap",
    file(`{"a":${entry(0, 4)},"b":${entry(0, 4)}}`, [0, 0, 0, 0]),
    /"b" begins at 0 instead of 4/,
  ],
  ["has a hole", file(`{"a":${entry(4, 8)}}`, [0, 0, 0, 0, 0, 0, 0, 0]), /begins at 4 instead of 0/],
  ["goes on after its tensors", file(`{"a":${entry(0, 4)}}`, [0, 0, 0, 0, 0]), /take 4 bytes but the file holds 5/],
];
for (const [title, bytes, message] of hostile)
  test(`decodeSafetensors() refuses a file that ${title}`, () => {
    assert.throws(() => decodeSafetensors(bytes), { name: "Error", message });
  });

test("decodeSafetensors() refuses every file that is cut short", () => {
  for (let length = 0; length < fromPython.length; length++)
    assert.throws(
      () => decodeSafetensors(fromPython.subarray(0, length)),
      /Cannot read safetensors: /,
      `${length} bytes`,
    );
});

test("3,000 mutated safetensors files each give whole tensors or a clear error", { timeout: 10_000 }, () => {
  const decode = (bytes: Uint8Array) => decodeSafetensors(bytes).tensors;
  const { valid, refused } = fuzz(fromPython, { decode, head: fromPython.length, count: 3000 });
  assert.ok(valid > 20 && refused > 1000, `${valid} valid, ${refused} refused`);
});

test("encodeSafetensors() writes float16 as the Python package does, the wider numbers first", () => {
  const half = new Map([
    ["a", values([4], [1.5, -2, 2 ** -24, 65504])],
    ["b", values([1], [0.1])],
  ]);
  const decoded = decodeSafetensors(encodeSafetensors(half, {}, (name) => name === "a"));
  assert.deepEqual(new Map([...decoded.tensors].sort()), half);
  const bytes = Buffer.from(encodeSafetensors(half, {}, (name) => name === "a"));
  // numpy: np.array([1.5, -2, 2**-24, 65504], np.float16).tobytes().hex()
  assert.equal(bytes.subarray(-8).toString("hex"), "003e00c00100ff7b");
  assert.match(
    bytes.toString("latin1"),
    /"b":\{"dtype":"F32","shape":\[1\],"data_offsets":\[0,4\]\},"a":\{"dtype":"F16"/,
  );
});

test("encodeSafetensors() refuses to round: a number that float16 does not have", () => {
  for (const value of [0.1, 1e6, 2 ** -25])
    assert.throws(() => encodeSafetensors(new Map([["a", values([1], [value])]]), {}, () => true), {
      name: "RangeError",
      message: /Cannot encode "a" as float16: it holds .*, which has to be rounded first/,
    });
});

test("toHalf() rounds to the nearest float16, ties to even, and reaches every one of them", () => {
  // numpy.float16 of these, as float64.
  const pairs = [
    [0.1, 0.0999755859375],
    [1 + 2 ** -11, 1],
    [1 + 3 * 2 ** -11, 1 + 2 ** -9],
    [2 ** -25, 0],
    [3 * 2 ** -25, 2 ** -23],
    [2047.75, 2048],
    [65519, 65504],
    [65520, Infinity],
    [-1e9, -Infinity],
  ];
  for (const [value, wanted] of pairs) assert.equal(toHalf(value), wanted, String(value));
  for (let bits = 0; bits < 2 ** 16; bits++) {
    const view = new DataView(new ArrayBuffer(2));
    view.setUint16(0, bits, true);
    const value = readNumbers(view, 0, { dtype: dtypeOf("F16")!, count: 1 })[0];
    if (!Number.isNaN(value)) assert.equal(halfBits(value), bits);
  }
  assert.ok(Number.isNaN(toHalf(NaN)));
});
