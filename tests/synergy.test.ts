// Synergy of pairs on images that can be counted by hand; sign flips against every possible flip and McNemar's test.
import assert from "node:assert/strict";
import { test } from "node:test";
import { pairs, singles } from "../lib/ablations/sets";
import type { Values } from "../lib/files/values";
import { layersOf } from "../lib/networks/layers";
import { specOf } from "../lib/networks/spec";
import type { EvenSweep } from "../lib/results/matrix";
import { isFree, synergiesOf } from "../lib/results/synergy";
import { normalTail } from "../lib/statistics/normal";
import { flipAll, mcnemar, signFlip } from "../lib/statistics/paired";
import { sweep } from "../lib/sweeps/sweep";
import { smallDataset, smallNetwork } from "./small";

const layers = layersOf(specOf("resnet20")).slice(1, 4);
/** Predictions that are right (class 0) where the text has a 1. */
const right = (text: string) => Uint8Array.from(text.replace(/ /g, ""), (digit) => 1 - Number(digit));
const rest = {
  network: "tiny",
  operator: "zero",
  seed: 1,
  precision: "float32",
  labels: new Uint8Array(8),
  classes: 2,
} as const;
const baseline = right("1111 1100");
// The third layer changes nothing.
const alone: EvenSweep = {
  ...{ ...rest, baseline, sets: singles(layers) },
  predictions: [right("0111 1101"), right("0011 1100"), baseline],
};
const together: EvenSweep = {
  ...{ ...rest, baseline, sets: pairs(layers) },
  predictions: [right("0000 0100"), alone.predictions[0], alone.predictions[1]],
};

test("synergiesOf() takes both single drops from the pair's, image by image", () => {
  const [pair] = synergiesOf(together, alone);
  // Image by image d(pair) - d(first) - d(second) is -1 0 1 1 1 0 0 1: mean 3/8, variance (5 - 8 (3/8)^2) / 7.
  const half = 1.959963985 * Math.sqrt((5 - 9 / 8) / 7 / 8);
  assert.deepEqual([pair.first, pair.second, pair.images], [layers[0], layers[1], 8]);
  assert.deepEqual([pair.dropFirst, pair.dropSecond, pair.drop, pair.additive.value], [0, 2 / 8, 5 / 8, 3 / 8]);
  const { low, high, p } = pair.additive;
  assert.ok(Math.abs(low! - (3 / 8 - half)) < 1e-9 && Math.abs(high! - (3 / 8 + half)) < 1e-9);
  assert.ok(Math.abs(p - (2 * (1 + 5)) / 32) < 1e-12, "four of five images are above 0");
  assert.equal(pair.forced, undefined);
});

test("synergiesOf() compares with the product of what both leave above chance, by hand", () => {
  const [pair] = synergiesOf({ ...together, classes: 4 }, { ...alone, classes: 4 });
  // Above chance 4/8 are right when intact, 4/8 without the first layer, 2/8 without the second: 1 * 1/2 of 4/8 are to stay.
  const { value, low, high, p } = pair.multiplicative;
  assert.ok(Math.abs(value - (0.25 + 1 * 0.5 * 0.5 - 1 / 8)) < 1e-12, `${value}`);
  // Per image 1/2 first + 1 second - 1/2 intact - both: intact 11111100, first 01111101, second 00111100, both 00000100.
  const parts = [-0.5, 0, 1, 1, 1, 0, 0, 0.5];
  const mean = parts.reduce((sum, part) => sum + part, 0) / 8;
  const error = Math.sqrt(parts.reduce((sum, part) => sum + (part - mean) ** 2, 0) / 7 / 8);
  assert.ok(Math.abs(high! - low! - 2 * 1.959963985 * error) < 1e-9);
  assert.ok(Math.abs(p - 2 * normalTail(value / error)) < 1e-12);
});

test("synergiesOf() tests the pair against the worse of the two alone by McNemar's exact test", () => {
  const [pair, second, third] = synergiesOf(together, alone);
  assert.equal(pair.beyondWorse.value, 3 / 8);
  assert.ok(Math.abs(pair.beyondWorse.p - mcnemar(3, 0)) < 1e-12);
  assert.deepEqual([third.beyondWorse.value, third.beyondWorse.p], [0, 1], "the third layer changes nothing");
  assert.equal(second.beyondWorse.value, 0);
  assert.equal(pair.beyondWorse.adjusted, Math.min(1, 3 * pair.beyondWorse.p));
});

test("synergiesOf() gives one image no interval", () => {
  const first = (sweep: EvenSweep): EvenSweep => ({
    ...sweep,
    labels: sweep.labels.subarray(0, 1),
    baseline: sweep.baseline.subarray(0, 1),
    predictions: sweep.predictions.map((after) => after.subarray(0, 1)),
  });
  for (const { additive, multiplicative, beyondWorse } of synergiesOf(first(together), first(alone)))
    for (const effect of [additive, multiplicative, beyondWorse]) assert.equal(effect.low ?? effect.high, undefined);
});

test("synergiesOf() adjusts the p values over all pairs (Holm)", () => {
  const found = synergiesOf(together, alone);
  assert.deepEqual(
    found.slice(1).map(({ additive: { p, adjusted, value } }) => [p, adjusted, value]),
    [
      [1, 1, 0],
      [1, 1, 0],
    ],
  );
  assert.ok(Math.abs(found[0].additive.adjusted - 1) < 1e-12, "three times 0.375 is more than 1");
  const only = { ...together, sets: together.sets.slice(0, 1), predictions: together.predictions.slice(0, 1) };
  assert.equal(synergiesOf(only, alone)[0].additive.adjusted, found[0].additive.p);
});

test("synergiesOf() says where the sum of the drops could not be reached: masked or saturated", () => {
  const [free, ...masked] = synergiesOf(together, alone);
  assert.deepEqual([free.forced, ...masked.map(({ forced }) => forced)], [undefined, "masked", "masked"]);
  // 0 + 2/8 is as much as the accuracy of 6/8 is above chance among two classes; with one class there is nothing to lose.
  const among = (classes: number) => synergiesOf({ ...together, classes }, { ...alone, classes });
  assert.deepEqual(
    [1, 2, 10].map((classes) => among(classes)[0].forced),
    ["saturated", undefined, undefined],
  );
  const [saturated, hidden] = among(1);
  assert.deepEqual(
    [saturated, hidden].map((pair) => [isFree(pair, "additive"), isFree(pair, "multiplicative")]),
    [
      [false, true],
      [false, false],
    ],
  );
  assert.throws(
    () => synergiesOf(together, { ...alone, classes: 3 }),
    /expected single layers with classes 2 but found 3/,
  );
});

test("synergiesOf() reads one sweep that holds single layers and pairs, whatever their order", () => {
  const both = {
    ...alone,
    sets: [...together.sets, ...alone.sets],
    predictions: [...together.predictions, ...alone.predictions],
  };
  assert.deepEqual(synergiesOf(both), synergiesOf(together, alone));
});

test("synergiesOf() refuses sweeps that do not belong together, and says why", () => {
  const refuses = (pairs: EvenSweep, singles: EvenSweep, message: RegExp) =>
    assert.throws(() => synergiesOf(pairs, singles), { name: "RangeError", message });
  refuses(together, { ...alone, network: "other" }, /single layers with network tiny but found other/);
  refuses(together, { ...alone, operator: "noise" }, /with operator zero but found noise/);
  refuses(together, { ...alone, seed: 2 }, /with seed 1 but found 2/);
  refuses(together, { ...alone, precision: "bfloat16" }, /with precision float32 but found bfloat16/);
  refuses(together, { ...alone, labels: new Uint8Array(7) }, /the same labels in both sweeps/);
  refuses(together, { ...alone, baseline: right("1111 1101") }, /the same baseline in both sweeps/);
  refuses(
    together,
    { ...alone, sets: alone.sets.slice(1), predictions: alone.predictions.slice(1) },
    /with "stage1.block1.conv1" but it has none/,
  );
  refuses(alone, alone, /expected sets of two layers but found none/);
  const stopped = { ...together, predictions: [new Uint8Array(3), ...together.predictions.slice(1)] };
  refuses(
    stopped,
    alone,
    /8 predictions without "stage1.block1.conv1 \+ stage1.block1.conv2" but found 3: it was stop/,
  );
  const none = { ...alone, labels: new Uint8Array(0), baseline: new Uint8Array(0) };
  refuses({ ...together, labels: none.labels, baseline: none.baseline }, none, /at least one image but found none/);
});

test("synergiesOf() goes by what was done to each layer where that is known, not by the operators' names", () => {
  const changes = {
    singles: [["a"], ["b"], ["c"]],
    pairs: [
      ["a", "b"],
      ["a", "c"],
      ["b", "c"],
    ],
  };
  const [known, others] = [
    { ...alone, changes: changes.singles },
    { ...alone, changes: [["a"], ["b"], ["d"]] },
  ];
  const pairsOf = { ...together, changes: changes.pairs };
  assert.deepEqual(synergiesOf(pairsOf, known), synergiesOf(together, alone));
  assert.equal(synergiesOf(pairsOf, { ...known, operator: "the same by another name" }).length, 3);
  assert.throws(() => synergiesOf(pairsOf, others), {
    name: "RangeError",
    message: /expected stage1\.block2\.conv1 changed in the same way in both sweeps but found two: zero, and zero$/,
  });
});

test("synergiesOf() never mixes two operators without names", async () => {
  const [network, dataset] = [smallNetwork(), smallDataset(10)];
  const some = layersOf(network.spec).slice(1, 4);
  const by = (factor: number) => ({
    operator: ({ shape, data }: Values): Values => ({ shape, data: data.map((weight) => factor * weight) }),
    operatorName: "own",
  });
  const [half, halves] = [
    await sweep(network, dataset, { ...by(0.5), sets: pairs(some) }),
    await sweep(network, dataset, { ...by(0.5), sets: singles(some) }),
  ];
  assert.equal(synergiesOf(half, halves).length, 3);
  const doubles = await sweep(network, dataset, { ...by(2), sets: singles(some) });
  assert.throws(
    () => synergiesOf(half, doubles),
    /changed in the same way in both sweeps but found two: own, and own$/,
  );
});

test("signFlip() counts every way to flip the signs", () => {
  for (const values of [
    [1],
    [1, 1, 1, -1, 0],
    [2, 2, -1, 1, 1],
    [2, -2, 1],
    [2, 2, 2, 0],
    [-2, -1, -1, -2, 1, 0, -1],
  ]) {
    const seen = values.reduce((sum, value) => sum + value, 0);
    const flips = Array.from({ length: 2 ** values.length }, (_, bits) =>
      values.reduce((sum, value, index) => sum + ((bits >> index) & 1 ? value : -value), 0),
    );
    const wanted = flips.filter((sum) => Math.abs(sum) >= Math.abs(seen)).length / flips.length;
    assert.ok(Math.abs(signFlip(Int8Array.from(values)) - wanted) < 1e-12, `${values}: ${wanted}`);
  }
});

test("flipAll() counts every way to flip the signs of any numbers, and refuses too many", () => {
  assert.equal(flipAll([0.66, 0.22, 0.06]), 2 / 8, "all three above 0: only they and their mirror are as far");
  assert.equal(flipAll([0.5, -0.1, 0.1]), 6 / 8);
  assert.equal(flipAll([0.1, 0.2, -0.3]), 1);
  for (const values of [
    [1, 1, 1, -1],
    [2, -2, 1],
    [2, 2, -1, 1, 1],
  ])
    assert.ok(Math.abs(flipAll(values) - signFlip(Int8Array.from(values))) < 1e-12);
  assert.throws(() => flipAll([]), RangeError);
  assert.throws(() => flipAll(new Array<number>(21).fill(1)), {
    name: "RangeError",
    message: /21 values: expected 1 to 20/,
  });
});

test("signFlip() is McNemar's exact test where every value is -1, 0 or 1", () => {
  for (const [lost, gained] of [
    [0, 0],
    [5, 0],
    [130, 100],
    [100, 130],
    [3000, 2000],
  ]) {
    const values = new Int8Array(10_000).fill(1, 0, lost).fill(-1, lost, lost + gained);
    const [found, wanted] = [signFlip(values), mcnemar(lost, gained)];
    assert.ok(Math.abs(found - wanted) <= 1e-9 * wanted, `${lost}/${gained}: ${found}, McNemar ${wanted}`);
  }
});

test("signFlip() refuses values beyond 2", () => {
  assert.throws(() => signFlip(Int8Array.of(1, -3)), { name: "RangeError", message: /from -2 to 2 but found -3/ });
});
