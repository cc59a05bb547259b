// Which layers are ablated together, counted and written out by hand.
import assert from "node:assert/strict";
import { test } from "node:test";
import { zero } from "../lib/ablations/ablate";
import { randomOrder } from "../lib/ablations/orders";
import {
  blockSets,
  checkSets,
  cumulative,
  type LayerSet,
  pairs,
  setOf,
  singles,
  stageSets,
} from "../lib/ablations/sets";
import { layersOf } from "../lib/networks/layers";
import { specOf } from "../lib/networks/spec";
import { randomStream } from "../lib/statistics/random";
import { sweepEach } from "../lib/sweeps/each";
import { greedyOrder } from "../lib/sweeps/greedy";
import { sweep, sweepSteps } from "../lib/sweeps/sweep";
import { smallDataset, smallNetwork } from "./small";

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

test("setOf(), pairs() and cumulative() refuse no layer, and a layer twice", () => {
  const [stem, second] = layers;
  const refuses = (make: () => unknown, message: RegExp) => assert.throws(make, { name: "RangeError", message });
  refuses(() => setOf([], "empty"), /Cannot make the set "empty": expected at least one layer but found none/);
  const twice = /expected each layer once but found stem\.conv twice/;
  refuses(() => setOf([stem, second, stem]), twice);
  refuses(() => pairs([stem, second, stem]), twice);
  refuses(() => cumulative([stem, stem]), twice);
  for (const few of [[], [stem]])
    refuses(() => pairs(few), new RegExp(`Cannot pair layers: expected at least two but found ${few.length}`));
  refuses(() => cumulative([]), /Cannot grow sets: expected an order of layers but found none/);
});

/** Sets that no network can be swept over, and why not. */
const [first, second] = layers;
const WRONG: [what: string, sets: LayerSet[], message: RegExp][] = [
  ["no set", [], /Cannot ablate resnet8-B: expected at least one layer or set of layers but found none/],
  [
    "an empty set",
    [setOf([first]), { name: "empty", layers: [] }],
    /Cannot make the set "empty": expected at least one/,
  ],
  [
    "a layer twice",
    [{ name: "double", layers: [first, first] }],
    /the set "double": expected each layer once but found stem/,
  ],
  [
    "a set twice",
    [setOf([first]), setOf([second]), setOf([first])],
    /every layer or set of layers once but found "stem\.conv" twice/,
  ],
  ["a name twice", [setOf([first], "some"), setOf([second], "some")], /layers once but found "some" twice/],
  [
    "an unknown layer",
    [setOf([{ ...first, name: "stem.cnov" }])],
    /some of its layers \(stem\.conv, .*stage3\.block1\.shortcut\) but found "stem\.cnov"/,
  ],
  [
    "a layer of a wider network",
    [setOf(layersOf(specOf("resnet8-B-w32")).slice(1, 2))],
    /its own stage1\.block1\.conv1 \(3 x 3, 16 to 16 channels, .*\) but found that of another network \(3 x 3, 32 to 32 /,
  ],
];

for (const [what, sets, message] of WRONG)
  test(`checkSets() refuses ${what} and says why, and so does whatever sweeps`, async () => {
    const error = { name: "RangeError", message };
    assert.throws(() => checkSets(spec, sets), error);
    const network = smallNetwork("resnet8-B");
    const training = { ...smallDataset(2), split: "train" } as const;
    await assert.rejects(sweep(network, training, { sets }), error);
    await assert.rejects(sweepSteps(network, training, { sets }).next(), error);
    await assert.rejects(sweepEach(network, training, { zero }, { sets }), error);
  });

test("layers are refused as sets are, by sweeps and by greedy choices", async () => {
  const network = smallNetwork("resnet8-B");
  const training = { ...smallDataset(2), split: "train" } as const;
  const none = { name: "RangeError", message: /expected at least one layer or set of layers but found none/ };
  const twice = { name: "RangeError", message: /every layer or set of layers once but found "stem\.conv" twice/ };
  for (const [some, error] of [
    [[], none],
    [[first, second, first], twice],
  ] as const) {
    await assert.rejects(sweep(network, training, { layers: some }), error);
    await assert.rejects(greedyOrder(network, training, { layers: some }), error);
  }
  await assert.rejects(sweepEach(network, training, {}), {
    name: "RangeError",
    message: /at least one but found none/,
  });
});
