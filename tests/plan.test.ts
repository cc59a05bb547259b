// Sets by name: what each kind plans to sweep over, and what two sweeps in different precision have otherwise.
import assert from "node:assert/strict";
import { test } from "node:test";
import { SET_KINDS, setKindNamed, setsWithin } from "../lib/ablations/named-sets";
import { blockSets } from "../lib/ablations/sets";
import { layersOf } from "../lib/networks/layers";
import { flipsBetween } from "../lib/results/flips";
import type { Sweep } from "../lib/results/matrix";
import { planSets } from "../lib/sweeps/plan";
import { roundingOf } from "../lib/sweeps/rounding";
import { sweep } from "../lib/sweeps/sweep";
import { spreadTable } from "../lib/tables/sets";
import { smallDataset, smallNetwork } from "./small";

const NETWORK = smallNetwork();
const LAYERS = layersOf(NETWORK.spec);
const planned = async (kind: string, options = {}) => planSets(setKindNamed(kind), NETWORK, options);

test("setKindNamed() lists the kinds where there is none of that name", () => {
  assert.deepEqual(Object.keys(SET_KINDS).map(setKindNamed), Object.keys(SET_KINDS));
  assert.throws(() => setKindNamed("toString"), /Cannot find the sets "toString"\. Known:\n {2}single {2}every layer/);
});

test("planSets() takes every layer, every two besides, and whole blocks and stages", async () => {
  const names = async (kind: string, options = {}) => (await planned(kind, options)).sets.map(({ name }) => name);
  assert.deepEqual(
    await names("single"),
    LAYERS.map(({ name }) => name),
  );
  assert.equal((await names("pairs")).length, LAYERS.length + (LAYERS.length * (LAYERS.length - 1)) / 2);
  assert.deepEqual(await names("stages"), ["stage1", "stage2", "stage3"]);
  const first = LAYERS.filter(({ stage }) => stage === 1);
  assert.deepEqual(await names("blocks", { layers: first }), ["stage1.block1"]);
  await assert.rejects(names("blocks", { layers: first.slice(1) }), /none has all its layers among those asked for/);
  assert.throws(() => setsWithin(blockSets(NETWORK.spec), []), RangeError);
});

test("planSets() grows sets along twenty random orders, or along one that is chosen on training images", async () => {
  const random = await planned("random", { most: 2, seed: 3 });
  assert.deepEqual(
    random.orders!.map(({ length }) => length),
    Array(20).fill(2),
  );
  assert.ok(random.sets.every(({ layers }) => layers.length <= 2));
  const training = async () => ({ ...smallDataset(20), split: "train" as const });
  const greedy = await planned("greedy", { most: 2, training, layers: LAYERS.slice(0, 3) });
  assert.deepEqual(greedy.orders, [greedy.steps!.map(({ layer }) => layer)]);
  assert.equal(greedy.sets.length, 2);
  await assert.rejects(planned("greedy"), /Cannot choose a greedy order: expected training images but found none/);
});

/** A sweep of two ablations with these predictions. */
const predicting = (baseline: number[], ...predictions: number[][]): Sweep =>
  ({
    baseline: Uint8Array.from(baseline),
    predictions: predictions.map((row) => Uint8Array.from(row)),
    sets: predictions.map((_, index) => ({ name: `layer${index}`, layers: [] })),
  }) as unknown as Sweep;

test("flipsBetween() counts what differs as far as both have seen the images", () => {
  const flips = flipsBetween(
    predicting([1, 2, 3], [1, 1, 1], [2, 2, 2]),
    predicting([1, 2, 0, 9], [1, 1], [0, 2, 0, 9]),
  );
  assert.deepEqual(flips, { baseline: 1, each: [0, 2], predictions: 8 });
  assert.throws(() => flipsBetween(predicting([1], [1]), predicting([1])), /expected the same sets but found others/);
});

test("roundingOf() computes the first images again in float32: of a sweep in float32, nothing changed", async () => {
  const dataset = smallDataset(30);
  const result = await sweep(NETWORK, dataset, { layers: LAYERS.slice(0, 2) });
  const rounding = await roundingOf(result, NETWORK, dataset, { layers: LAYERS.slice(0, 2), images: 20 });
  assert.deepEqual(rounding, { images: 20, predictions: 60, flips: 0 });
});

test("spreadTable() has a line for each number of layers", () => {
  const table = spreadTable([{ count: 1, accuracies: [0.5, 0.7], mean: 0.6, low: 0.51, high: 0.69 }]);
  assert.deepEqual(table.objects(), [
    { layers: 1, orders: 2, "mean accuracy %": 60, "middle 90 % from": 51, "to %": 69 },
  ]);
});
