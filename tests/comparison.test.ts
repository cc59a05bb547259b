// Operators side by side: one sweep each, verdicts, intervals, and rankings compared by hand.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type KernelOperator, zero } from "../lib/ablations/ablate";
import { mean, zeroFilters } from "../lib/ablations/operators";
import { singles } from "../lib/ablations/sets";
import { layersOf } from "../lib/networks/layers";
import { specOf } from "../lib/networks/spec";
import { agreementOf, dropInterval, verdictsOfEach, widestInterval } from "../lib/results/agreement";
import type { EvenSweep } from "../lib/results/matrix";
import { rowsOf } from "../lib/results/rows";
import { sweepEach } from "../lib/sweeps/each";
import { sweep } from "../lib/sweeps/sweep";
import { operatorTable } from "../lib/tables/operators";
import { expectNoLeak, smallDataset, smallNetwork } from "./small";

const layers = layersOf(specOf("resnet20")).slice(0, 4);

/** A sweep over images of class 0 that the intact network gets right; `lost` images from the start go wrong under each ablation. */
function sweepWith(lost: readonly number[], images = 40, unchanged?: readonly boolean[]): EvenSweep {
  const predictions = lost.map((count) => Uint8Array.from({ length: images }, (_, image) => (image < count ? 1 : 0)));
  const answers = {
    labels: new Uint8Array(images),
    baseline: new Uint8Array(images),
    predictions,
    unchanged,
    classes: 10,
  };
  return { network: "n", operator: "o", seed: 1, precision: "float32", sets: singles(layers), ...answers };
}

test("sweepEach() gives each operator the sweep that it has alone, counts all images and leaves no tensor", async () => {
  const network = smallNetwork();
  const dataset = smallDataset(30);
  const options = { batch: 15, reference: smallDataset(20, 2) };
  const seen: number[][] = [];
  const sweeps = await expectNoLeak(() =>
    sweepEach(network, dataset, { zero, average: mean }, { ...options, onProgress: (...count) => seen.push(count) }),
  );
  assert.deepEqual(
    seen,
    [15, 30, 45, 60].map((done) => [done, 60]),
  );
  assert.deepEqual(Object.keys(sweeps), ["zero", "average"]);
  assert.deepEqual(
    sweeps.average,
    await sweep(network, dataset, { ...options, operator: mean, operatorName: "average" }),
  );
  assert.notDeepEqual(sweeps.average.losses, sweeps.zero.losses);
});

test("sweepEach() calls what an operator left as it was unchanged, and so do the verdicts", async () => {
  const sweeps = await sweepEach(smallNetwork(), smallDataset(10), { none: zeroFilters(0), zero });
  const { none, zero: zeroed } = verdictsOfEach(sweeps);
  assert.ok(none.every(({ verdict }) => verdict === "unchanged"));
  assert.ok(zeroed.every(({ verdict }) => verdict !== "unchanged"));
});

test("sweepEach() keeps operators apart that have no names of their own: by the caller's, and by what they did", async () => {
  const layers = layersOf(smallNetwork().spec).slice(0, 1);
  const by =
    (factor: number): KernelOperator =>
    ({ shape, data }) => ({ shape, data: data.map((weight) => (factor ? factor * weight : 0)) });
  const { half, none } = await sweepEach(smallNetwork(), smallDataset(10), { half: by(0.5), none: by(0) }, { layers });
  assert.deepEqual([half.operator, none.operator], ["half", "none"]);
  assert.notDeepEqual(half.changes, none.changes);
  assert.deepEqual(none.changes, (await sweep(smallNetwork(), smallDataset(10), { layers })).changes);
});

test("dropInterval() is Tango's: symmetric in lost and gained, around the drop, and shorter with more images", () => {
  const row = (lost: number, gained: number, images = 1000) => ({
    ...rowsOf(sweepWith([0, 0, 0, 0]))[0],
    images,
    lost,
    gained,
  });
  const [low, high] = dropInterval(row(50, 20));
  assert.ok(low < 0.03 && 0.03 < high);
  const [mirroredLow, mirroredHigh] = dropInterval(row(20, 50));
  assert.ok(Math.abs(mirroredLow + high) < 1e-9 && Math.abs(mirroredHigh + low) < 1e-9);
  // The normal approximation, 1.96 sqrt(lost + gained - (lost - gained)^2 / n) / n, is close at these counts.
  assert.ok(Math.abs((high - low) / 2 - (1.96 * Math.sqrt(70 - 900 / 1000)) / 1000) < 5e-4);
  assert.equal(widestInterval([row(50, 20), row(0, 0)]), (high - low) / 2);
  assert.ok(widestInterval([row(5000, 2000, 100_000)]) < widestInterval([row(50, 20)]) / 5);
  assert.equal(widestInterval([]), 0);
});

test("agreementOf() ranks by drop: 1 for the same order, -1 for the reverse, and 2/6 for two swaps of four layers", () => {
  const { operators, taus } = agreementOf({
    a: sweepWith([1, 2, 3, 4]),
    same: sweepWith([2, 5, 9, 20]),
    reverse: sweepWith([4, 3, 2, 1]),
    swapped: sweepWith([2, 1, 4, 3]),
  });
  assert.deepEqual(operators, ["a", "same", "reverse", "swapped"]);
  assert.deepEqual([taus[0][1], taus[1][0], taus[0][2]], [1, 1, -1]);
  assert.ok(Math.abs(taus[0][3] - 2 / 6) < 1e-12);
});

test("agreementOf() compares an operator with itself on two halves of the images", () => {
  // First half of 8 images: drops 1, 2, 3, 4; the second half loses nothing, then everything in the same order.
  assert.ok(Number.isNaN(agreementOf({ a: sweepWith([1, 2, 3, 4], 8) }).taus[0][0]));
  assert.equal(agreementOf({ a: sweepWith([4, 5, 6, 7], 8) }).taus[0][0], NaN);
  const mixed = sweepWith([1, 2, 3, 4], 8);
  mixed.predictions.forEach((after, index) => after.fill(1, 4, 5 + index));
  assert.equal(agreementOf({ a: mixed }).taus[0][0], 1);
  mixed.predictions.forEach((after, index) => after.fill(0, 4).fill(1, 4, 8 - index));
  assert.equal(agreementOf({ a: mixed }).taus[0][0], -1);
  assert.throws(() => agreementOf({ a: sweepWith([1, 1, 1, 1], 1) }), {
    name: "RangeError",
    message: "Cannot halve a sweep: expected at least two images but found 1",
  });
});

test("agreementOf() leaves out layers that an operator did not change or does not apply to", () => {
  const all = sweepWith([1, 2, 3, 4]);
  const still = sweepWith([9, 2, 3, 4], 40, [true, false, false, false]);
  assert.equal(agreementOf({ all, still }).taus[0][1], 1);
  const some = { ...all, sets: all.sets.slice(2), predictions: [...all.predictions.slice(2)].reverse() };
  assert.equal(agreementOf({ all, some }).taus[0][1], -1);
});

test("operatorTable() counts verdicts and names the layers hurt least and most, no-ops left out", () => {
  const verdicts = verdictsOfEach({
    harsh: sweepWith([400, 800, 600, 0], 1000, [false, false, false, true]),
    none: sweepWith([0, 0, 0, 0], 1000, [true, true, true, true]),
  });
  const [harsh, none] = operatorTable(verdicts).objects() as Record<string, unknown>[];
  assert.deepEqual([harsh.layers, harsh["non-trivial"], harsh.trivial, harsh.unchanged], [4, 3, 0, 1]);
  assert.ok(Math.abs((harsh["mean drop pp"] as number) - 60) < 1e-9);
  assert.deepEqual(
    [harsh.least, harsh["least pp"], harsh.most, harsh["most pp"]],
    [layers[0].name, 40, layers[1].name, 80],
  );
  assert.deepEqual([none.unchanged, none.trivial, none["mean drop pp"], none.least], [4, 0, null, null]);
});
