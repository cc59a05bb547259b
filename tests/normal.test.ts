// The normal tail and quantile against 50-digit arithmetic (mpmath 1.4) and SciPy 1.17.
import assert from "node:assert/strict";
import { test } from "node:test";
import { normalQuantile, normalTail } from "../lib/statistics/normal";

const close = (found: number, wanted: number, relative: number) =>
  assert.ok(Math.abs(found - wanted) <= relative * Math.abs(wanted), `expected ${wanted} but found ${found}`);

test("normalTail() equals mpmath's erfc(z / sqrt 2) / 2, far into the tail and where its two formulas meet", () => {
  const wanted: [z: number, tail: number][] = [
    [-3, 0.99865010196836991],
    [-0.1, 0.53982783727702898],
    [0, 0.5],
    [0.5, 0.3085375387259869],
    [1, 0.15865525393145705],
    [2, 0.022750131948179207],
    [2.4999, 0.006211418374944586],
    [2.5, 0.0062096653257761352],
    [3, 0.0013498980316300945],
    [5, 2.8665157187919391e-7],
    [10, 7.6198530241605261e-24],
    [20, 2.7536241186062337e-89],
    [37, 5.7255712225245768e-300],
  ];
  for (const [z, tail] of wanted) close(normalTail(z), tail, 1e-13);
  assert.equal(normalTail(Infinity), 0);
  assert.equal(normalTail(-Infinity), 1);
});

test("normalQuantile() equals scipy.stats.norm.ppf", () => {
  close(normalQuantile(0.9), 1.2815515655446004, 1e-13);
  close(normalQuantile(0.95), 1.6448536269514722, 1e-13);
  close(normalQuantile(0.975), 1.959963984540054, 1e-13);
  close(normalQuantile(0.05), -1.6448536269514729, 1e-13);
  close(normalQuantile(1e-10), -6.361340902404056, 1e-13);
  assert.ok(Math.abs(normalQuantile(0.5)) < 1e-15);
});

test("normalQuantile() refuses what is no probability between 0 and 1", () => {
  for (const wrong of [0, 1, -0.1, NaN]) assert.throws(() => normalQuantile(wrong), RangeError);
});
