// Tests of lib/data/cifar.ts and lib/data/cifar-files.ts: on small files made here, and on CIFAR-10 itself.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { test, type TestContext } from "node:test";
import { channelStatistics, firstImages, holdOut, loadCifar, loadSplit, parseCifar } from "../lib/data/cifar";
import { type BatchFile, CIFAR10, CIFAR100, type Layout, wrongFiles } from "../lib/data/cifar-files";
import { CIFAR10_NORMALIZATION, CIFAR100_NORMALIZATION } from "../lib/networks/network";
import { smallDataset } from "./small";

const noHundred = existsSync(path.join(CIFAR100.dir, "train.bin"))
  ? false
  : "needs CIFAR-100, which `npm run data -- --dataset cifar100` fetches";

const THREE: Omit<Layout, "files"> = { ...CIFAR10, classes: ["a", "b", "c"], labels: [3], remedy: "ask somebody" };

/** Records with the given labels and pixels that differ from record to record. */
function records(labels: readonly (readonly number[])[], seed: number): Uint8Array {
  const one = (label: readonly number[], i: number) => [
    ...label,
    ...Array.from({ length: 3072 }, (_, p) => (p * 7 + i * 31 + seed * 101) % 251),
  ];
  return Uint8Array.from(labels.flatMap(one));
}

function fileOf(name: string, bytes: Uint8Array): BatchFile {
  return { name, records: Math.floor(bytes.length / 3073), sha256: createHash("sha256").update(bytes).digest("hex") };
}

const FIRST = records([[0], [1], [2]], 1);
const SECOND = records([[2], [1], [0]], 2);
const TEST = records([[1], [0], [2]], 3);
const SMALL: Layout = {
  ...THREE,
  files: { train: [fileOf("first.bin", FIRST), fileOf("second.bin", SECOND)], test: [fileOf("test.bin", TEST)] },
};

async function folder(t: TestContext, files: Readonly<Record<string, Uint8Array>>): Promise<string> {
  const dir = await mkdtemp(path.join(tmpdir(), "cifar-test-"));
  t.after(() => rm(dir, { recursive: true }));
  for (const [name, bytes] of Object.entries(files)) await writeFile(path.join(dir, name), bytes);
  return dir;
}

function altered(bytes: Uint8Array, at: number): Uint8Array {
  const copy = bytes.slice();
  copy[at]! ^= 1;
  return copy;
}

function classCounts(labels: Uint8Array): number[] {
  const counts = Array.from({ length: 10 }, () => 0);
  for (const label of labels) counts[label]!++;
  return counts;
}

test("channelStatistics() of CIFAR-10's training images are the published mean and std, to eight digits", async () => {
  const train = await loadCifar("cifar10", "train");
  assert.equal(train.count, 50_000);
  assert.equal(train.images.length, 50_000 * 3072);
  const { mean, std } = channelStatistics(train);
  const eight = (values: number[]) => values.map((value) => value.toFixed(8));
  assert.deepEqual(eight(mean), ["0.49139968", "0.48215841", "0.44653091"]);
  assert.deepEqual(eight(std), ["0.24703223", "0.24348513", "0.26158784"]);
  assert.deepEqual(eight(mean), eight([...CIFAR10_NORMALIZATION.mean]));
  assert.deepEqual(eight(std), eight([...CIFAR10_NORMALIZATION.std]));
  assert.deepEqual(classCounts(train.labels), Array(10).fill(5000));
  assert.equal(train.sha256, "a0181da372c0d63a5920fdbea2ec3f83ecbc552d378218e1cb473cf634941a3b");
});

test(
  "channelStatistics() of CIFAR-100's training images are the published mean and std",
  { skip: noHundred },
  async () => {
    const { mean, std } = channelStatistics(await loadCifar("cifar100", "train"));
    const eight = (values: readonly number[]) => values.map((value) => value.toFixed(8));
    assert.deepEqual(eight(mean), eight(CIFAR100_NORMALIZATION.mean));
    assert.deepEqual(eight(std), eight(CIFAR100_NORMALIZATION.std));
  },
);

test("CIFAR-10 is in the official order: first labels, first pixels, a thousand test images of each class", async () => {
  const [train, test] = [await loadCifar("cifar10", "train"), await loadCifar("cifar10", "test")];
  assert.deepEqual([...train.labels.subarray(0, 10)], [6, 9, 9, 4, 1, 1, 2, 7, 8, 3]);
  assert.deepEqual([...test.labels.subarray(0, 10)], [3, 8, 8, 0, 6, 6, 1, 6, 3, 1]);
  // As Keras, torchvision and others show x_train[0][0][0] (a frog) and x_test[0][0][0] (a cat).
  assert.deepEqual([...train.images.subarray(0, 3)], [59, 62, 63]);
  assert.deepEqual([...test.images.subarray(0, 3)], [158, 112, 49]);
  assert.equal(test.classes[test.labels[0]!], "cat");
  assert.deepEqual(classCounts(test.labels), Array(10).fill(1000));
});

test("loadCifar() puts byte `1 + 1024 c + 32 y + x` of a record at [y, x, c]", async () => {
  const test = await loadCifar("cifar10", "test");
  const raw = await readFile("data/cifar-10/test_batch.bin");
  for (const [i, y, x, c] of [
    [0, 0, 0, 2],
    [7, 3, 29, 1],
    [9999, 31, 31, 0],
  ] as const) {
    const found = test.images[((i * 32 + y) * 32 + x) * 3 + c];
    assert.equal(found, raw[i * 3073 + 1 + 1024 * c + 32 * y + x], `image ${i}, row ${y}, column ${x}, channel ${c}`);
  }
});

test("parseCifar() turns planes into pixels", () => {
  const bytes = new Uint8Array(3073);
  bytes[0] = 2;
  bytes.set([10, 11], 1); // red of the first two pixels
  bytes.set([20, 21], 1 + 1024);
  bytes.set([30, 31], 1 + 2048);
  const { images, labels } = parseCifar(bytes, CIFAR10);
  assert.deepEqual([...labels], [2]);
  assert.deepEqual([...images.subarray(0, 7)], [10, 20, 30, 11, 21, 31, 0]);
});

test("parseCifar() rejects a file whose length is not a multiple of 3073", () => {
  const message = /Cannot read "x.bin": expected a multiple of 3073 bytes but found 3072/;
  assert.throws(() => parseCifar(new Uint8Array(3072), CIFAR10, { file: "x.bin" }), message);
  assert.throws(() => parseCifar(new Uint8Array(0), CIFAR10), /multiple of 3073 bytes but found 0/);
});

test("parseCifar() rejects a label out of range and names the record", () => {
  const message = /Cannot read "x.bin": expected labels 0 to 9 but record 1 has 10/;
  assert.throws(() => parseCifar(records([[9], [10]], 1), CIFAR10, { file: "x.bin" }), message);
});

test("parseCifar() reads CIFAR-100's records: a coarse label, the fine label, the pixels", () => {
  const { images, labels } = parseCifar(records([[19, 99], [0, 7]], 5), CIFAR100); // prettier-ignore
  assert.deepEqual([...labels], [99, 7]);
  assert.equal(images.length, 2 * 3072);
  assert.deepEqual(
    [...images.subarray(0, 3)],
    [5 * 101, 5 * 101 + 1024 * 7, 5 * 101 + 2048 * 7].map((v) => v % 251),
  );
  assert.throws(() => parseCifar(records([[20, 99]], 5), CIFAR100), /expected labels 0 to 19 but record 0 has 20/);
  assert.throws(() => parseCifar(records([[19, 100]], 5), CIFAR100), /expected labels 0 to 99 but record 0 has 100/);
  assert.throws(() => parseCifar(new Uint8Array(3073), CIFAR100), /multiple of 3074 bytes but found 3073/);
});

test("CIFAR-100 has a hundred class names in alphabetical order", () => {
  assert.equal(CIFAR100.classes.length, 100);
  assert.deepEqual([...CIFAR100.classes].sort(), CIFAR100.classes);
  assert.equal(new Set(CIFAR100.classes).size, 100);
});

test("loadSplit() joins the files of a split in order", async (t) => {
  const dir = await folder(t, { "first.bin": FIRST, "second.bin": SECOND });
  const data = await loadSplit(SMALL, "train", { dir });
  assert.deepEqual([...data.labels], [0, 1, 2, 2, 1, 0]);
  assert.deepEqual(data.images.subarray(3 * 3072), parseCifar(SECOND, SMALL).images);
  assert.equal(data.sha256, createHash("sha256").update(FIRST).update(SECOND).digest("hex"));
});

test("loadSplit() refuses a missing file and says which folder and what to do", async (t) => {
  const dir = await folder(t, { "first.bin": FIRST });
  const message = /Cannot read ".*second.bin": no such file in the folder ".*cifar-test-.*"; ask somebody/;
  await assert.rejects(loadSplit(SMALL, "train", { dir }), message);
});

test("loadCifar() without data says `npm run data`", async (t) => {
  const dir = path.join(await folder(t, {}), "nowhere");
  await assert.rejects(loadCifar("cifar10", "test", { dir }), /test_batch\.bin": no such file.*`npm run data`/);
  await assert.rejects(
    loadCifar("cifar100", "test", { dir }),
    /test\.bin": no such file.*`npm run data -- --dataset cifar100`/,
  );
});

test("loadSplit() looks at all lengths before any content", async (t) => {
  const dir = await folder(t, { "first.bin": altered(FIRST, 50), "second.bin": SECOND.subarray(0, 9218) });
  await assert.rejects(loadSplit(SMALL, "train", { dir }), /second\.bin": expected 9219 bytes but found 9218/);
});

test("loadSplit() refuses a file that is a folder", async (t) => {
  const dir = await folder(t, {});
  await mkdir(path.join(dir, "test.bin"));
  await assert.rejects(loadSplit(SMALL, "test", { dir }), /expected 9219 bytes but found something that is not a file/);
});

test("loadSplit() refuses two exchanged batches and says which content it found", async (t) => {
  const dir = await folder(t, { "first.bin": SECOND, "second.bin": FIRST });
  await assert.rejects(loadSplit(SMALL, "train", { dir }), /first\.bin": .*found the content of "second\.bin"/);
});

test("loadSplit() refuses a training file in the place of the test file", async (t) => {
  const dir = await folder(t, { "test.bin": FIRST });
  await assert.rejects(loadSplit(SMALL, "test", { dir }), /test\.bin": .*found the content of "first\.bin"/);
});

test("loadSplit() refuses a file with one bit altered, be it a pixel or a label", async (t) => {
  for (const at of [0, 9218]) {
    const dir = await folder(t, { "test.bin": altered(TEST, at) });
    await assert.rejects(loadSplit(SMALL, "test", { dir }), /test\.bin": expected sha256 \w{64} but found altered/);
  }
});

test("loadSplit() refuses classes that do not occur equally often", async (t) => {
  const bytes = records([[0], [1], [1]], 4);
  const dir = await folder(t, { "test.bin": bytes });
  const layout = { ...SMALL, files: { train: [], test: [fileOf("test.bin", bytes)] } };
  await assert.rejects(loadSplit(layout, "test", { dir }), /expected 1 images of each class, found 2 of 1/);
});

test("loadCifar() refuses a CIFAR-100 file of the wrong length or content", async (t) => {
  const dir = await folder(t, { "test.bin": new Uint8Array(3074) });
  const load = () => loadCifar("cifar100", "test", { dir });
  await assert.rejects(load(), /test\.bin": expected 30740000 bytes but found 3074/);
  await truncate(path.join(dir, "test.bin"), 30_740_000);
  await assert.rejects(load(), /test\.bin": expected sha256 d8b1e6b7\w+ but found altered content/);
});

test("loadCifar() refuses unknown data sets and splits", async () => {
  await assert.rejects(loadCifar("cifar11" as "cifar10", "test"), /"cifar11": expected "cifar10" or "cifar100"/);
  await assert.rejects(loadCifar("cifar10", "valid" as "test"), /"valid": expected "train" or "test"/);
});

test("wrongFiles() lists what is missing and what is not as published, and nothing else", async (t) => {
  const dir = await folder(t, { "first.bin": FIRST, "second.bin": altered(SECOND, 9) });
  const wrong = await wrongFiles(SMALL, dir);
  assert.deepEqual(
    wrong.map(({ file, missing }) => [file.name, missing]),
    [
      ["second.bin", false],
      ["test.bin", true],
    ],
  );
});

test("firstImages() gives views of the first images", async (t) => {
  const dir = await folder(t, { "test.bin": TEST });
  const data = await loadSplit(SMALL, "test", { dir });
  const two = firstImages(data, 2);
  assert.equal(two.count, 2);
  assert.equal(two.images.buffer, data.images.buffer);
  assert.equal(two.images.length, 2 * 3072);
  assert.deepEqual([...two.labels], [1, 0]);
  for (const count of [0, -1, 1.5, 4, NaN]) {
    assert.throws(() => firstImages(data, count), /expected a whole number from 1 to 3/);
  }
});

test("holdOut() keeps the last images of every class apart, each in its order, and none is in both parts", () => {
  // Classes 0, 1, 2 ... in turn; the first image is marked as being of class 9.
  const dataset = smallDataset(40);
  dataset.labels[0] = 9;
  const { training, heldOut } = holdOut(dataset, 20);
  const place = ({ images }: typeof dataset, index: number) =>
    Buffer.from(dataset.images).indexOf(images.subarray(3072 * index, 3072 * (index + 1))) / 3072;
  const places = (part: typeof dataset) => Array.from({ length: part.count }, (_, index) => place(part, index));
  assert.deepEqual(
    places(heldOut),
    Array.from({ length: 20 }, (_, index) => 20 + index),
  );
  assert.deepEqual(
    places(training),
    Array.from({ length: 20 }, (_, index) => index),
  );
  assert.deepEqual([...training.labels], [9, ...dataset.labels.subarray(1, 20)]);
  assert.deepEqual([training.sha256, heldOut.split, heldOut.count], [dataset.sha256, "test", 20]);
});

test("holdOut() of CIFAR-10 leaves 4,500 training images of each class, the same ones every time", async () => {
  const dataset = await loadCifar("cifar10", "train");
  const { training, heldOut } = holdOut(dataset, 5000);
  const counts = (labels: Uint8Array) => labels.reduce((sum, label) => ((sum[label] += 1), sum), new Array(10).fill(0));
  assert.deepEqual(
    [counts(training.labels), counts(heldOut.labels)],
    [new Array(10).fill(4500), new Array(10).fill(500)],
  );
  assert.deepEqual(holdOut(dataset, 5000).heldOut.labels, heldOut.labels);
  assert.ok(
    Buffer.from(heldOut.images.subarray(-3072)).equals(dataset.images.subarray(-3072)),
    "the last image of all",
  );
});

test("holdOut() refuses what it cannot take equally from all classes", () => {
  assert.throws(
    () => holdOut(smallDataset(40), 15),
    /Cannot hold out 15 images: expected a positive multiple of 10 classes/,
  );
  assert.throws(() => holdOut(smallDataset(40), 0), RangeError);
  assert.throws(
    () => holdOut(smallDataset(35), 30),
    /Cannot hold out 3 images of class 5 and train on others: there are 3 of them/,
  );
});
