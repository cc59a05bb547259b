// What sentences pick out of rows, by hand.
import assert from "node:assert/strict";
import { test } from "node:test";
import { dropGaps, dropOf, meanDrop, mostOften, rankOf, ranking } from "../lib/results/findings";
import { countedRow } from "./figures";

const rows = [
  countedRow("a", 500, 100),
  countedRow("b", 900, 100),
  countedRow("c", 600, 200),
  countedRow("d", 0, 0, { unchanged: true }),
];

test("means and rankings leave out what the operator did not change", () => {
  assert.ok(Math.abs(meanDrop(rows) - (0.04 + 0.08 + 0.04) / 3) < 1e-12);
  assert.ok(Number.isNaN(meanDrop([rows[3]])));
  assert.deepEqual(
    ranking(rows).map(({ layer }) => layer),
    ["b", "a", "c"],
  );
});

test("rankOf() gives equals the better place", () => {
  assert.deepEqual(
    ["a", "b", "c"].map((layer) => rankOf(rows, layer)),
    [2, 1, 2],
  );
});

test("dropOf() refuses a layer that was not changed", () => {
  assert.equal(dropOf(rows, "b"), 0.08);
  for (const layer of ["d", "e"])
    assert.throws(() => dropOf(rows, layer), {
      name: "RangeError",
      message: new RegExp(`"${layer}" costs: .* 4 rows`),
    });
});

test("dropGaps() pairs layers by name, the largest gap first", () => {
  const other = [countedRow("c", 100, 100), countedRow("a", 900, 100), countedRow("d", 5, 0), countedRow("e", 5, 0)];
  assert.deepEqual(dropGaps(rows, other), [
    { layer: "c", first: 0.04, second: 0 },
    { layer: "a", first: 0.04, second: 0.08 },
  ]);
});

test("mostOften() counts names, the most frequent first", () => {
  assert.deepEqual(mostOften(["x", "y", "y"]), [
    { name: "y", count: 2 },
    { name: "x", count: 1 },
  ]);
  assert.deepEqual(mostOften([]), []);
});
