// Some of a dataset's images: which, in what order, and what is refused.
import assert from "node:assert/strict";
import { test } from "node:test";
import { take, where } from "../lib/data/select";
import { smallDataset } from "./small";

const DATA = smallDataset(40);
const imageOf = ({ images }: typeof DATA, index: number) => images.slice(index * 3072, (index + 1) * 3072);

test("take() copies the images at some indices in their order, also one twice", () => {
  const some = take(DATA, [39, 2, 2]);
  assert.deepEqual([some.count, [...some.labels]], [3, [9, 2, 2]]);
  [39, 2, 2].forEach((from, to) => assert.deepEqual(imageOf(some, to), imageOf(DATA, from)));
  assert.deepEqual([some.classes, some.sha256, some.split], [DATA.classes, DATA.sha256, DATA.split]);
  some.images.fill(0);
  assert.notDeepEqual(imageOf(DATA, 2), imageOf(some, 1));
});

test("where() keeps the images that a condition holds for, by label or by index", () => {
  assert.deepEqual([...where(DATA, (label) => label < 2).labels], [0, 1, 0, 1, 0, 1, 0, 1]);
  assert.deepEqual(where(DATA, (_, index) => index === 7).images, imageOf(DATA, 7));
});

test("take() and where() refuse indices of no image, and none at all", () => {
  for (const index of [40, -1, 0.5, NaN])
    assert.throws(
      () => take(DATA, [0, index]),
      new RegExp(`Cannot take images of "cifar10": .* from 0 to 39, but found ${index}`),
    );
  assert.throws(() => where(DATA, () => false), /Cannot take images of "cifar10": .* but found none/);
});
