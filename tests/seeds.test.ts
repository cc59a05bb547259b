// Several seeds: verdict counts by hand, Kendall's tau against SciPy, the bootstrap against the formulas it must meet.
import assert from "node:assert/strict";
import { test } from "node:test";
import { randomStream } from "../lib/random";
import type { Sweep } from "../lib/rows";
import { acrossSeeds, bootstrapDrop, dropByImage, kendallTau } from "../lib/seeds";
import type { Verdict } from "../lib/verdict";

const judged = (layer: string, verdict: Verdict["verdict"], drop: number) => ({ layer, verdict, drop }) as Verdict;
const random = () => randomStream(7, "bootstrap");

test("acrossSeeds() counts the verdicts of each layer and averages its drop", () => {
  const runs = [
    [judged("a", "trivial", 0.002), judged("b", "non-trivial", 0.3)],
    [judged("a", "undecided", 0.004), judged("b", "non-trivial", 0.5)],
    [judged("a", "trivial", 0), judged("b", "non-trivial", 0.1)],
  ];
  const [a, b] = acrossSeeds(runs);
  assert.deepEqual([a.layer, a.seeds, a.trivial, a.nonTrivial, a.undecided, a.meanDrop], ["a", 3, 2, 0, 1, 0.002]);
  assert.deepEqual([b.trivial, b.nonTrivial, b.undecided, b.meanDrop.toFixed(12)], [0, 3, 0, "0.300000000000"]);
  const [idle] = acrossSeeds([[judged("a", "unchanged", 0)], [judged("a", "undecided", 0)]]);
  assert.deepEqual([idle.unchanged, idle.undecided, a.unchanged], [1, 1, 0]);
});

test("acrossSeeds() refuses runs over different layers", () => {
  assert.throws(() => acrossSeeds([]), { name: "RangeError", message: /at least one run/ });
  const runs = [[judged("a", "trivial", 0)], [judged("b", "trivial", 0)]];
  assert.throws(() => acrossSeeds(runs), { name: "RangeError", message: /run 2/ });
});

test("dropByImage() is 1 for a lost image, -1 for a gained one and 0 for a wrong answer that changed", () => {
  const sweep: Sweep = {
    network: "tiny",
    operator: "zero",
    seed: 1,
    precision: "float32",
    sets: [],
    labels: Uint8Array.of(0, 0, 1, 1),
    classes: 3,
    baseline: Uint8Array.of(0, 1, 2, 1),
    predictions: [Uint8Array.of(1, 0, 0, 1)],
  };
  assert.deepEqual(dropByImage(sweep, 0), Int8Array.of(1, -1, 0, 0));
  const stopped = { ...sweep, predictions: [Uint8Array.of(1, 0)], stopping: { margin: 0.005, stopped: [true] } };
  assert.deepEqual(dropByImage(stopped, 0), Int8Array.of(1, -1), "images that were not seen are not lost");
});

test("bootstrapDrop() of one seed is as wide as the normal interval of a mean", () => {
  const drops = Int8Array.from({ length: 2000 }, (_, image) => (image < 300 ? 1 : image < 400 ? -1 : 0));
  const { mean, low, high, resamples } = bootstrapDrop([drops], { random: random(), resamples: 4000 });
  assert.equal(mean, 0.1);
  assert.equal(resamples, 4000);
  const half = 1.96 * Math.sqrt((0.2 - 0.1 ** 2) / 2000);
  assert.ok(Math.abs((high - low) / 2 - half) < 0.05 * half, `half width ${(high - low) / 2}, not ${half}`);
  assert.ok(Math.abs((high + low) / 2 - mean) < 0.1 * half);
});

test("bootstrapDrop() holds the spread between seeds, which no number of images takes away", () => {
  const constant = (share: number) => Int8Array.from({ length: 1000 }, (_, image) => Number(image < share * 1000));
  const { mean, low, high } = bootstrapDrop([constant(0.1), constant(0.5), constant(0.9)], { random: random() });
  assert.ok(Math.abs(mean - 0.5) < 1e-12);
  assert.ok(low < 0.2 && high > 0.8, `${low} to ${high}`);
});

test("bootstrapDrop() draws the same images for all seeds: equal seeds are no more certain than one", () => {
  const drops = Int8Array.from({ length: 1000 }, (_, image) => Number(image % 5 === 0));
  const width = (seeds: Int8Array[]) => {
    const { low, high } = bootstrapDrop(seeds, { random: random(), resamples: 2000 });
    return high - low;
  };
  const ratio = width([drops, drops, drops, drops]) / width([drops]);
  assert.ok(ratio > 0.9 && ratio < 1.1, `ratio ${ratio}`);
});

test("bootstrapDrop() gives the same interval for the same seed and refuses what it cannot resample", () => {
  const drops = [Int8Array.of(1, 0, -1, 0, 1), Int8Array.of(0, 0, 1, 1, 1)];
  assert.deepEqual(bootstrapDrop(drops, { random: random() }), bootstrapDrop(drops, { random: random() }));
  for (const wrong of [[], [new Int8Array(0)], [Int8Array.of(1), Int8Array.of(1, 0)]]) {
    assert.throws(() => bootstrapDrop(wrong, { random: random() }), { name: "RangeError", message: /same images/ });
  }
  assert.throws(() => bootstrapDrop(drops, { random: random(), confidence: 95 }), RangeError);
});

test("kendallTau() equals scipy.stats.kendalltau (tau-b)", () => {
  const wanted: [first: number[], second: number[], tau: number][] = [
    [[1, 2, 3, 4, 5], [1, 2, 3, 4, 5], 1],
    [[1, 2, 3, 4, 5], [5, 4, 3, 2, 1], -1],
    [[1, 2, 3, 4, 5], [3, 1, 2, 5, 4], 0.4],
    [[1, 1, 2, 3, 3, 4], [2, 1, 1, 3, 4, 4], 0.6923076923076924],
    [[12, 2, 1, 12, 2], [1, 4, 7, 1, 0], -0.4714045207910316],
  ];
  for (const [first, second, tau] of wanted) {
    assert.ok(Math.abs(kendallTau(first, second) - tau) < 1e-12);
    assert.equal(kendallTau(second, first), kendallTau(first, second));
  }
  assert.ok(Number.isNaN(kendallTau([1, 1, 1], [1, 2, 3])), "all ties");
  assert.throws(() => kendallTau([1], [1, 2]), RangeError);
});
