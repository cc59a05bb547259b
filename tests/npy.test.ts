// NumPy's files: bytes that NumPy itself wrote, files of CIFAR-10.1's and CIFAR-10-C's form, and files that are damaged or hostile.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, test } from "node:test";
import { decodeNpy } from "../lib/files/npy";
import { loadNpy, loadNpyDataset } from "../lib/data/npy";
import { randomStream } from "../lib/statistics/random";
import { mutate } from "./mutations";
import { npyBytes, npyFile, npyHeader, npyLabels } from "./npy-file";

const FOLDER = mkdtempSync(path.join(tmpdir(), "nontrivial-npy-"));
after(() => rmSync(FOLDER, { recursive: true, force: true }));

/** A file in the folder. */
function place(name: string, bytes: Uint8Array): string {
  const file = path.join(FOLDER, name);
  writeFileSync(file, bytes);
  return file;
}

/** What numpy.lib.format.write_array of NumPy 2.4.6 wrote. */
const NUMPY = {
  // numpy.array([3, 8, -1, 2**53 - 1]), format version 1.0
  labels:
    "k05VTVBZAQB2AHsnZGVzY3InOiAnPGk4JywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDQsKSwgfSAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoDAAAAAAAAAAgAAAAAAAAA//////////////////8fAA==",
  // the same, version 2.0
  labels2:
    "k05VTVBZAgB0AAAAeydkZXNjcic6ICc8aTgnLCAnZm9ydHJhbl9vcmRlcic6IEZhbHNlLCAnc2hhcGUnOiAoNCwpLCB9ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoDAAAAAAAAAAgAAAAAAAAA//////////////////8fAA==",
  // numpy.arange(24, dtype="u1").reshape(2, 3, 4)
  bytes:
    "k05VTVBZAQB2AHsnZGVzY3InOiAnfHUxJywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDIsIDMsIDQpLCB9ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAAQIDBAUGBwgJCgsMDQ4PEBESExQVFhc=",
  // numpy.array([1, "a"], dtype=object), a pickle
  objects:
    "k05VTVBZAQB2AHsnZGVzY3InOiAnfE8nLCAnZm9ydHJhbl9vcmRlcic6IEZhbHNlLCAnc2hhcGUnOiAoMiwpLCB9ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAqABJWQAAAAAAAAAIwWbnVtcHkuX2NvcmUubXVsdGlhcnJheZSMDF9yZWNvbnN0cnVjdJSTlIwFbnVtcHmUjAduZGFycmF5lJOUSwCFlEMBYpSHlFKUKEsBSwKFlGgDjAVkdHlwZZSTlIwCTziUiYiHlFKUKEsDjAF8lE5OTkr/////Sv////9LP3SUYoldlChLAYwBYZRldJRiLg==",
};
const numpy = (name: keyof typeof NUMPY) => Buffer.from(NUMPY[name], "base64");

test("decodeNpy() reads what NumPy wrote, in format versions 1 and 2", () => {
  const labels = { shape: [4], data: BigInt64Array.of(3n, 8n, -1n, 2n ** 53n - 1n) };
  assert.deepEqual(decodeNpy(numpy("labels")), labels);
  assert.deepEqual(decodeNpy(numpy("labels2")), labels);
  const bytes = decodeNpy(numpy("bytes"));
  assert.deepEqual([bytes.shape, [...bytes.data]], [[2, 3, 4], Array.from({ length: 24 }, (_, index) => index)]);
});

test("the files that the tests write are those that NumPy writes", () => {
  assert.deepEqual(
    npyBytes(
      [2, 3, 4],
      Uint8Array.from({ length: 24 }, (_, index) => index),
    ),
    numpy("bytes"),
  );
  assert.deepEqual(npyLabels([3, 8, -1, 2 ** 53 - 1]), numpy("labels"));
  const data = new Uint8Array(BigInt64Array.of(3n, 8n, -1n, 2n ** 53n - 1n).buffer);
  assert.deepEqual(npyFile(npyHeader("<i8", [4]), data, [2, 0]), numpy("labels2"));
});

test("decodeNpy() reads whole numbers of every width, wherever they lie in memory", () => {
  const arrays = {
    "|u1": Uint8Array.of(0, 255),
    "|i1": Int8Array.of(-128, 127),
    "<u2": Uint16Array.of(0, 65535),
    "<i2": Int16Array.of(-32768, 32767),
    "<u4": Uint32Array.of(0, 2 ** 32 - 1),
    "<i4": Int32Array.of(-(2 ** 31), 2 ** 31 - 1),
    "<u8": BigUint64Array.of(0n, 2n ** 64n - 1n),
    "<i8": BigInt64Array.of(-(2n ** 63n), 2n ** 63n - 1n),
  };
  for (const [descr, data] of Object.entries(arrays)) {
    const file = npyFile(npyHeader(descr, [2]), new Uint8Array(data.buffer));
    assert.deepEqual(decodeNpy(file), { shape: [2], data }, descr);
    const shifted = Buffer.concat([Buffer.alloc(1), file]).subarray(1);
    assert.deepEqual(decodeNpy(new Uint8Array(shifted)), { shape: [2], data }, descr);
    assert.deepEqual(decodeNpy(shifted), { shape: [2], data }, `${descr} at an odd byte`);
  }
});

test("decodeNpy() takes the fields of a header in any order, and Python 2's long numbers", () => {
  const one = Uint8Array.of(7);
  for (const header of [
    "{'shape': (1L,), 'fortran_order': False, 'descr': '|u1'}",
    "{'fortran_order':False,'shape':(1,),'descr':'|u1',}",
    "{'descr': '|u1', 'fortran_order': False, 'shape': (), }",
  ])
    assert.deepEqual([...decodeNpy(npyFile(header, one)).data], [7], header);
});

const one = Uint8Array.of(7);
const field = (descr: string, order: string, shape: string) =>
  npyFile(`{'descr': ${descr}, 'fortran_order': ${order}, 'shape': ${shape}, }`, one);
const REFUSED: readonly [string, Uint8Array, RegExp][] = [
  ["Fortran's order", field("'|u1'", "True", "(1, 1)"), /expected C order but found Fortran's/],
  [
    "objects, which are pickled",
    numpy("objects"),
    /expected a header of descr, .* found "\{'descr': '\|O'|type among .* \|O/,
  ],
  ["fractions", field("'<f4'", "False", "(1,)"), /type among \|u1, .*<i8 but found <f4/],
  ["big-endian numbers", field("'>i8'", "False", "(1,)"), /but found >i8/],
  ["records", field("[('a', '<i4'), ('b', '<i4')]", "False", "(1,)"), /expected a header of descr/],
  ["a negative size", field("'|u1'", "False", "(-1,)"), /expected a header of descr/],
  ["a size that is not whole", field("'|u1'", "False", "(1.0,)"), /expected a header of descr/],
  ["Python in place of a size", field("'|u1'", "False", "(__import__('os').getpid(),)"), /expected a header of descr/],
  ["nine axes", field("'|u1'", "False", `(${"1, ".repeat(8)}1)`), /shape of at most 8 sizes/],
  ["four billion numbers", field("'|u1'", "False", "(65536, 65536)"), /shape of at most 8 sizes/],
  ["a size beyond all numbers", field("'|u1'", "False", `(${"9".repeat(400)},)`), /shape of at most 8 sizes/],
  ["a field twice", npyFile("{'descr': '|u1', 'descr': '|u1', 'shape': (1,), }", one), /expected a header of descr/],
  ["a field too few", npyFile("{'descr': '|u1', 'shape': (1,), }", one), /expected a header of descr/],
  [
    "a field too many",
    npyFile("{'descr': '|u1', 'fortran_order': False, 'shape': (1,), 'evil': '|u1', }", one),
    /expected a header of descr/,
  ],
  ["something after the dict", npyFile(`${npyHeader("|u1", [1])} or 1`, one), /expected a header of descr/],
  ["a field of another kind", field("False", "False", "(1,)"), /expected a header of descr/],
  ["format version 3", npyFile(npyHeader("|u1", [1]), one, [3, 0]), /version 1\.0 or 2\.0 but found 3\.0/],
  ["too few numbers", npyBytes([2], one), /expected 2 bytes of numbers \[2\] but found 1/],
  ["too many numbers", npyBytes([1], Uint8Array.of(1, 2)), /expected 1 bytes of numbers \[1\] but found 2/],
  ["a header that is cut off", npyBytes([1], one).subarray(0, 40), /expected 128 bytes of header but found 40/],
  ["a header of megabytes", npyFile(" ".repeat(20_000), one, [2, 0]), /header of at most 10000 bytes but found/],
  ["another kind of file", Buffer.from("PK\x03\x04 an archive of arrays"), /does not begin as a \.npy file does/],
  ["nothing", new Uint8Array(0), /does not begin as a \.npy file does/],
];
for (const [what, bytes, message] of REFUSED)
  test(`decodeNpy() refuses ${what}`, () => {
    assert.throws(() => decodeNpy(bytes), { name: "Error", message });
  });

test("1,000 .npy files with mutated headers each give whole arrays or a clear error", { timeout: 10_000 }, () => {
  const file = npyBytes([4, 8], new Uint8Array(32));
  const random = randomStream(1, "mutated arrays");
  let refused = 0;
  for (let i = 0; i < 1000; i++) {
    const bytes = mutate(file, 140, random);
    try {
      const { shape, data } = decodeNpy(bytes);
      assert.equal(
        data.length,
        shape.reduce((product, size) => product * size, 1),
      );
    } catch (error) {
      assert.match((error as Error).message, /^Cannot read the \.npy file: /, `mutation ${i}`);
      refused++;
    }
  }
  assert.ok(refused > 500 && refused < 1000, `${refused} refused`);
});

test("loadNpyDataset() gives CIFAR-10.1's 2,000 images and CIFAR-10-C's 50,000 with all their labels", () => {
  const classes = Array.from({ length: 10 }, (_, label) => `class ${label}`);
  for (const count of [2000, 50_000]) {
    const pixels = new Uint8Array(count * 3072).map((_, at) => at % 251);
    const images = place(`fog-${count}.npy`, npyBytes([count, 32, 32, 3], pixels));
    const labels = place(`labels-${count}.npy`, npyLabels(Array.from({ length: count }, (_, image) => image % 10)));
    const dataset = loadNpyDataset(images, labels, { classes });
    assert.deepEqual([dataset.name, dataset.split, dataset.count], [`fog-${count}`, "test", count]);
    assert.ok(Buffer.from(dataset.images).equals(pixels), "pixels are as they were");
    assert.deepEqual([...dataset.labels.subarray(-12)], [8, 9, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    assert.match(dataset.sha256, /^[0-9a-f]{64}$/);
  }
});

test("loadNpyDataset() says what is wrong with images and labels, and in which file", () => {
  const classes = ["cat", "dog"];
  const images = place("two.npy", npyBytes([2, 32, 32, 3], new Uint8Array(2 * 3072)));
  const labels = place("labels.npy", npyLabels([0, 1]));
  const load = (x: string, y: string) => () => loadNpyDataset(x, y, { classes, name: "pets", split: "train" });
  assert.deepEqual([load(images, labels)().name, load(images, labels)().split], ["pets", "train"]);
  const channelsFirst = place("first.npy", npyBytes([2, 3, 32, 32], new Uint8Array(2 * 3072)));
  assert.throws(
    load(channelsFirst, labels),
    /first\.npy": expected images \[count, side, side, 3\], such as \[count, 32, 32, 3\], as Uint8Array but found \[2, 3,/,
  );
  assert.throws(load(labels, images), /labels\.npy": expected images .* but found \[2\] as BigInt64Array/);
  assert.throws(load(images, images), /two\.npy": expected labels \[count\] but found \[2, 32, 32, 3\]/);
  const three = place("three.npy", npyLabels([0, 1, 0]));
  assert.throws(load(images, three), /"pets": expected 2 labels, as many as its count, but found 3/);
  const odd = place("odd.npy", npyLabels([0, 2]));
  assert.throws(load(images, odd), /odd\.npy": expected labels 0 to 1, of 2 classes, but label 1 is 2/);
  const negative = place("negative.npy", npyLabels([-1, 0]));
  assert.throws(load(images, negative), /but label 0 is -1/);
  const none = place("none.npy", npyBytes([0, 32, 32, 3], new Uint8Array(0)));
  assert.throws(load(none, place("no-labels.npy", npyLabels([]))), /expected at least one image but found 0/);
  assert.throws(load(path.join(FOLDER, "nowhere.npy"), labels), /Cannot read ".*nowhere\.npy": ENOENT/);
});

test("loadNpy() names the file that it cannot read, and refuses one of more than a gigabyte unread", () => {
  assert.deepEqual(loadNpy(place("labels.npy", npyLabels([1]))), { shape: [1], data: BigInt64Array.of(1n) });
  assert.throws(() => loadNpy(place("bad.npy", one)), /Cannot read ".*bad\.npy": Cannot read the \.npy file: /);
  const huge = place("huge.npy", one);
  truncateSync(huge, 2 ** 30 + 1);
  assert.throws(() => loadNpy(huge), /expected at most 1073741824 bytes but found 1073741825/);
});
