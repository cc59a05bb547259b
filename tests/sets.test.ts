// Which layers are ablated together, counted and written out by hand.
import assert from "node:assert/strict";
import { test } from "node:test";
import { layersOf } from "../lib/layers";
import { randomStream } from "../lib/random";
import { blockSets, cumulative, pairs, randomOrder, setOf, singles, stageSets } from "../lib/sets";
import { specOf } from "../lib/spec";

const spec = specOf("resnet8-B");
const layers = layersOf(spec);
const names = (sets: readonly { name: string }[]) => sets.map(({ name }) => name);

test("singles() and pairs() hold every layer and every two layers once", () => {
  assert.deepEqual(names(singles(layers)), names(layers));
  assert.equal(pairs(layers).length, (9 * 8) / 2);
  assert.equal(new Set(names(pairs(layers))).size, 36);
  assert.deepEqual(names(pairs(layers.slice(0, 3))), [
    "stem.conv + stage1.block1.conv1",
    "stem.conv + stage1.block1.conv2",
    "stage1.block1.conv1 + stage1.block1.conv2",
  ]);
});

test("blockSets() and stageSets() hold all layers but the stem, shortcuts included", () => {
  assert.deepEqual(names(blockSets(spec)), ["stage1.block1", "stage2.block1", "stage3.block1"]);
  assert.deepEqual(names(blockSets(spec)[1].layers), [
    "stage2.block1.conv1",
    "stage2.block1.conv2",
    "stage2.block1.shortcut",
  ]);
  const deeper = specOf("resnet20");
  assert.deepEqual(names(stageSets(deeper)), ["stage1", "stage2", "stage3"]);
  assert.deepEqual(
    stageSets(deeper).flatMap((set) => set.layers),
    layersOf(deeper).slice(1),
  );
});

test("cumulative() grows by one layer at a time up to the whole order", () => {
  const sets = cumulative(layers.slice(0, 3));
  assert.deepEqual(
    sets.map((set) => set.layers.length),
    [1, 2, 3],
  );
  assert.deepEqual(sets[2].layers, layers.slice(0, 3));
});

test("randomOrder() gives every order of three layers about equally often, the same for the same seed", () => {
  const three = layers.slice(0, 3);
  const random = randomStream(1, "orders");
  const counts = new Map<string, number>();
  for (let i = 0; i < 6000; i++) {
    const order = names(randomOrder(three, random)).join();
    counts.set(order, (counts.get(order) ?? 0) + 1);
  }
  assert.equal(counts.size, 6);
  for (const count of counts.values()) assert.ok(Math.abs(count - 1000) < 5 * Math.sqrt(1000 * (5 / 6)), `${count}`);
  const again = () => names(randomOrder(layers, randomStream(7, "orders")));
  assert.deepEqual(again(), again());
});

test("setOf() refuses no layer, and a layer twice", () => {
  assert.throws(() => setOf([]), { name: "RangeError", message: /a set of 0 layers/ });
  assert.throws(() => setOf([layers[0], layers[0]]), { name: "RangeError", message: /2 layers, 1 different ones/ });
});
