import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { batchOf, copyShifted, stepsPerEpoch, trainingBatches } from "../lib/data/batches";
import { randomStream } from "../lib/statistics/random";
import { smallDataset } from "./small";

const AS_IT_IS = { shift: 0, flip: false };
const at = (row: number, column: number, channel: number) => (row * 32 + column) * 3 + channel;

test("batchOf() gives the bytes of the images as numbers", () => {
  const dataset = smallDataset(10);
  const { images, labels } = batchOf(dataset, 3, 5);
  assert.deepEqual([...images], [...dataset.images.subarray(3 * 3072, 5 * 3072)]);
  assert.deepEqual([...labels], [3, 4]);
});

test("trainingBatches() shows every image once per epoch, unchanged when there is no augmentation", () => {
  const dataset = smallDataset(24);
  const seen = new Set<string>();
  for (const { images, labels } of trainingBatches(dataset, 8, randomStream(1, "epoch 1"), AS_IT_IS)) {
    for (let slot = 0; slot < 8; slot++) seen.add(`${labels[slot]}:${images.slice(slot * 3072, (slot + 1) * 3072)}`);
  }
  const wanted = Array.from(
    { length: 24 },
    (_, index) => `${dataset.labels[index]}:${dataset.images.slice(index * 3072, (index + 1) * 3072)}`,
  );
  assert.deepEqual([...seen].sort(), wanted.sort());
});

test("trainingBatches() leaves out the images that do not fill a batch", () => {
  const dataset = smallDataset(30);
  assert.equal([...trainingBatches(dataset, 8, randomStream(1, "epoch 1"), AS_IT_IS)].length, 3);
  assert.equal(stepsPerEpoch(dataset, 8), 3);
});

test("copyShifted() moves the image by whole pixels, mirrors it, and lets black in at the edges", () => {
  const source = Uint8Array.from({ length: 3072 }, (_, index) => 1 + (index % 251));
  const target = new Float32Array(3072).fill(-1);
  copyShifted(source, target, { down: 2, right: -3, mirrored: false });
  assert.equal(target[at(10, 10, 1)], source[at(8, 13, 1)]);
  assert.equal(target[at(1, 10, 0)], 0);
  assert.equal(target[at(10, 29, 2)], 0);
  assert.equal(target.filter((value) => value === 0).length, 3072 - 30 * 29 * 3);
  copyShifted(source, target, { down: 2, right: -3, mirrored: true });
  assert.equal(target[at(10, 31 - 10, 1)], source[at(8, 13, 1)]);
});

test("trainingBatches() shifts by at most `shift` pixels each way, and flips about half of the images", () => {
  const dataset = smallDataset(10);
  dataset.images.fill(0);
  for (let image = 0; image < 10; image++) dataset.images[image * 3072 + at(16, 10, 0)] = 255;
  const places = new Map<string, number>();
  for (let epoch = 0; epoch < 200; epoch++) {
    for (const { images } of trainingBatches(dataset, 10, randomStream(epoch, "epochs"), { shift: 4, flip: true })) {
      for (let slot = 0; slot < 10; slot++) {
        const place = Math.floor(images.subarray(slot * 3072, (slot + 1) * 3072).indexOf(255) / 3);
        const key = `${Math.floor(place / 32)},${place % 32}`;
        places.set(key, (places.get(key) ?? 0) + 1);
      }
    }
  }
  const spots = [...places].map(([key, count]) => [...key.split(",").map(Number), count]);
  assert.ok(
    spots.every(
      ([row, column]) => row >= 12 && row <= 20 && ((column >= 6 && column <= 14) || (column >= 17 && column <= 25)),
    ),
  );
  assert.equal(spots.length, 9 * 18);
  const flipped = spots.filter(([, column]) => column > 16).reduce((sum, [, , count]) => sum + count, 0);
  assert.ok(Math.abs(flipped / 2000 - 0.5) < 0.05, `${flipped} of 2000 flipped`);
});

test("trainingBatches() draws for a seed what it drew when the committed networks were trained", () => {
  const digest = createHash("sha256");
  const augmentations = [
    { shift: 4, flip: true },
    { shift: 1, flip: false },
    { shift: 0, flip: true },
  ];
  for (const augmentation of augmentations) {
    for (const { images, labels } of trainingBatches(smallDataset(300), 64, randomStream(7, "epoch 3"), augmentation)) {
      digest.update(new Uint8Array(images.buffer)).update(new Uint8Array(labels.buffer));
    }
  }
  // Of the code at the commit that trained data/runs/resnet20-seed1.
  assert.equal(digest.digest("hex"), "73774da29da190c0ef620c596e5253bee4654d7b8772c52c4ac1d9e65e3b97d6");
});
