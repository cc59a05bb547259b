// Images on disk are read batch by batch, and give what the same images in memory give; more than 256 classes take two bytes each.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, test } from "node:test";
import { batchOf, trainingBatches } from "../lib/data/batches";
import { channelStatistics, firstImages, holdOut, imagesBetween } from "../lib/data/cifar";
import { checkDataset, type Dataset } from "../lib/data/dataset";
import { labelBytes, labelsFrom, labelsIn } from "../lib/data/labels";
import { pixelsAt, pixelsBetween, storedImages } from "../lib/data/pixels";
import { take } from "../lib/data/select";
import { imageGrid } from "../lib/figures/images";
import { randomStream } from "../lib/statistics/random";
import { openResults } from "../lib/sweeps/saved";
import { sweep } from "../lib/sweeps/sweep";
import { expectNoLeak, smallDataset, smallNetwork } from "./small";

const FOLDER = mkdtempSync(path.join(tmpdir(), "nontrivial-pixels-"));
after(() => rmSync(FOLDER, { recursive: true, force: true }));

const loaded = smallDataset(40);
const file = path.join(FOLDER, "pixels");
writeFileSync(file, loaded.images);
const stored: Dataset = { ...loaded, images: storedImages(file, 40, 3072) };

test("images on disk are cut, chosen, held out and batched as those in memory are", () => {
  checkDataset(stored);
  const same = (one: Dataset, other: Dataset) => {
    assert.deepEqual(pixelsBetween(one, 0, one.count), pixelsBetween(other, 0, other.count));
    assert.deepEqual(one.labels, other.labels);
  };
  same(firstImages(stored, 7), firstImages(loaded, 7));
  same(imagesBetween(imagesBetween(stored, 5, 30), 3, 9), imagesBetween(loaded, 8, 14));
  same(take(take(stored, [39, 2, 2, 3]), [3, 0]), take(loaded, [3, 39]));
  same(holdOut(stored, 10).heldOut, holdOut(loaded, 10).heldOut);
  assert.deepEqual(pixelsAt(stored, [4, 5, 1]), pixelsAt(loaded, [4, 5, 1]));
  assert.deepEqual(batchOf(stored, 3, 9), batchOf(loaded, 3, 9));
  assert.deepEqual(channelStatistics(stored), channelStatistics(loaded));
  const batches = (dataset: Dataset) =>
    Array.from(trainingBatches(dataset, 8, randomStream(1, "order"), { shift: 4, flip: true }), ({ images }) => [
      ...images,
    ]);
  assert.deepEqual(batches(stored), batches(loaded));
});

test("a sweep over images on disk says what one over the same in memory says, and reads back what that has kept", () =>
  expectNoLeak(async () => {
    const [network, results] = [smallNetwork(), path.join(FOLDER, "results")];
    const found = await sweep(network, loaded, { results, batch: 16 });
    assert.deepEqual(await sweep(network, stored, { results, batch: 16, resume: true }), found);
  }));

test("a file of pixels that has another length is refused by its name", () => {
  const short = path.join(FOLDER, "short");
  writeFileSync(short, loaded.images);
  truncateSync(short, 3000);
  assert.throws(
    () => storedImages(short, 40, 3072).read([0]),
    /Cannot read ".*short": expected 122880 bytes but found 3000/,
  );
  assert.throws(() => storedImages(path.join(FOLDER, "none"), 1, 3).read([0]), /Cannot read ".*none": ENOENT/);
});

test("classes beyond 256 are kept in two bytes, as labels, in results and in the matrix", () => {
  const wide = labelsFrom([0, 999, 256], 1000);
  assert.ok(wide instanceof Uint16Array && labelsFrom([1], 256) instanceof Uint8Array);
  assert.deepEqual(labelsIn(labelBytes(wide), 1000), wide);
  const shape = { rows: 2, images: 3, classes: 1000 };
  const part = {
    start: 0,
    rows: [0, 1],
    predictions: [wide, wide],
    losses: [new Float32Array(3), new Float32Array(3)],
  };
  const open = () => openResults(path.join(FOLDER, "wide"), "a".repeat(64), shape);
  open().write(part);
  assert.deepEqual(open().read(0, 3, [0, 1]), part);
  const classes = Array.from({ length: 1000 }, (_, index) => `class ${index}`);
  checkDataset({ ...loaded, classes, labels: Uint16Array.from(loaded.labels) });
  assert.throws(() => checkDataset({ ...loaded, labels: Uint16Array.from(loaded.labels) }), /labels as a Uint8Array/);
});

test("imageGrid() draws images of any side, from memory and from disk alike", () => {
  const large = { ...loaded, side: 64, count: 10, labels: loaded.labels.slice(0, 10) };
  const [one, other] = [large, { ...large, images: storedImages(file, 10, 64 * 64 * 3) }].map((dataset) =>
    imageGrid(dataset, [9, 0]),
  );
  assert.equal(one.layout.images![0].source, other.layout.images![0].source);
  assert.deepEqual([one.layout.images![0].sizex, one.layout.images![0].sizey], [10 * 148, 158]);
});
