// Several seeds: verdict counts and drops by hand, Kendall's tau against SciPy.
import assert from "node:assert/strict";
import { test } from "node:test";
import { acrossSeeds } from "../lib/results/seeds";
import type { Verdict } from "../lib/results/verdict";
import { kendallTau } from "../lib/statistics/ranking";

const judged = (layer: string, verdict: Verdict["verdict"], drop: number) =>
  ({ layer, operator: "zero", verdict, drop }) as Verdict;

test("acrossSeeds() counts the verdicts of each layer and averages its drop", () => {
  const runs = [
    [judged("a", "trivial", 0.002), judged("b", "non-trivial", 0.3)],
    [judged("a", "undecided", 0.004), judged("b", "non-trivial", 0.5)],
    [judged("a", "trivial", 0), judged("b", "non-trivial", 0.1)],
  ];
  const [a, b] = acrossSeeds(runs);
  assert.deepEqual([a.layer, a.seeds, a.trivial, a.nonTrivial, a.undecided, a.meanDrop], ["a", 3, 2, 0, 1, 0.002]);
  assert.deepEqual(b.drops, [0.3, 0.5, 0.1], "every seed's drop stays visible");
  assert.deepEqual([b.trivial, b.nonTrivial, b.undecided, b.meanDrop.toFixed(12)], [0, 3, 0, "0.300000000000"]);
  const [idle] = acrossSeeds([[judged("a", "unchanged", 0)], [judged("a", "undecided", 0)]]);
  assert.deepEqual([idle.unchanged, idle.undecided, a.unchanged], [1, 1, 0]);
});

test("acrossSeeds() refuses runs over different layers, or with different operators", () => {
  assert.throws(() => acrossSeeds([]), { name: "RangeError", message: /at least one run/ });
  const runs = [[judged("a", "trivial", 0)], [judged("b", "trivial", 0)]];
  assert.throws(() => acrossSeeds(runs), { name: "RangeError", message: /run 2/ });
  const operators = [[judged("a", "trivial", 0)], [{ ...judged("a", "trivial", 0), operator: "mean" }]];
  assert.throws(() => acrossSeeds(operators), {
    name: "RangeError",
    message: /expected the operator zero everywhere but found mean$/,
  });
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
