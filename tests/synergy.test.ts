// Synergy of pairs on images that can be counted by hand; sign flips against every possible flip and McNemar's test.
import assert from "node:assert/strict";
import { test } from "node:test";
import { layersOf } from "../lib/layers";
import { specOf } from "../lib/spec";
import { mcnemar, signFlip } from "../lib/statistics/paired";
import type { Sweep } from "../lib/rows";
import { pairs, singles } from "../lib/sets";
import { synergiesOf } from "../lib/synergy";

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
const alone: Sweep = {
  ...{ ...rest, baseline, sets: singles(layers) },
  predictions: [right("0111 1101"), right("0011 1100"), baseline],
};
const together: Sweep = {
  ...{ ...rest, baseline, sets: pairs(layers) },
  predictions: [right("0000 0100"), alone.predictions[0], alone.predictions[1]],
};

test("synergiesOf() takes both single drops from the pair's, image by image", () => {
  const [pair] = synergiesOf(together, alone);
  // Image by image d(pair) - d(first) - d(second) is -1 0 1 1 1 0 0 1: mean 3/8, variance (5 - 8 (3/8)^2) / 7.
  const half = 1.959963985 * Math.sqrt((5 - 9 / 8) / 7 / 8);
  assert.deepEqual([pair.first, pair.second, pair.images], [layers[0], layers[1], 8]);
  assert.deepEqual([pair.dropFirst, pair.dropSecond, pair.drop, pair.synergy], [0, 2 / 8, 5 / 8, 3 / 8]);
  assert.ok(Math.abs(pair.low - (3 / 8 - half)) < 1e-9 && Math.abs(pair.high - (3 / 8 + half)) < 1e-9);
  assert.ok(Math.abs(pair.p - (2 * (1 + 5)) / 32) < 1e-12, "four of five images are above 0");
  assert.equal(pair.forced, undefined);
});

test("synergiesOf() adjusts the p values over all pairs (Holm)", () => {
  const found = synergiesOf(together, alone);
  assert.deepEqual(
    found.slice(1).map(({ p, adjusted, synergy }) => [p, adjusted, synergy]),
    [
      [1, 1, 0],
      [1, 1, 0],
    ],
  );
  assert.ok(Math.abs(found[0].adjusted - 1) < 1e-12, "three times 0.375 is more than 1");
  const only = { ...together, sets: together.sets.slice(0, 1), predictions: together.predictions.slice(0, 1) };
  assert.equal(synergiesOf(only, alone)[0].adjusted, found[0].p);
});

test("synergiesOf() says where the sum of the drops could not be reached: masked or saturated", () => {
  const [free, ...masked] = synergiesOf(together, alone);
  assert.deepEqual([free.forced, ...masked.map(({ forced }) => forced)], [undefined, "masked", "masked"]);
  // 0 + 2/8 is as much as the accuracy of 6/8 is above chance among two classes; with one class there is nothing to lose.
  const among = (classes: number) => synergiesOf({ ...together, classes }, { ...alone, classes })[0].forced;
  assert.deepEqual([1, 2, 10].map(among), ["saturated", undefined, undefined]);
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
  const refuses = (pairs: Sweep, singles: Sweep, message: RegExp) =>
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
