// The largest and the smallest number, of more than fit into a list of arguments.
import assert from "node:assert/strict";
import { test } from "node:test";
import { largestOf, smallestOf } from "../lib/statistics/extremes";

test("largestOf() and smallestOf() are Math.max and Math.min, of any many numbers", () => {
  for (const numbers of [[], [3], [-1, 2, -5], [1, NaN, 2], [-Infinity], [0, Infinity]]) {
    assert.equal(largestOf(numbers), Math.max(...numbers), String(numbers));
    assert.equal(smallestOf(Float32Array.from(numbers)), Math.min(...numbers), String(numbers));
  }
  const many = Array.from({ length: 1_000_000 }, (_, index) => (index * 7919) % 1_000_003);
  assert.equal(largestOf(many), 1_000_002);
  assert.equal(smallestOf(many), 0);
});
