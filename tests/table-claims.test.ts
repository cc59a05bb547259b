// The claims side by side, on sweeps whose counts are made up.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { EvenRow } from "../lib/results/rows";
import { claimTable } from "../lib/tables/claims";
import { someRows } from "./figures";

/** Rows of a ResNet-20 whose channel-changing layers lose other numbers of images than the rest, of 1,000. */
const rowsWith = (changing: number, rest: number): EvenRow[] =>
  someRows().map((row) => {
    const lost = row.changesChannels ? changing : rest;
    return { ...row, lost, gained: 0, drop: lost / row.images };
  });

test("claimTable() has a line per network and one for their mean, relabelled once", () => {
  const table = claimTable({ one: rowsWith(500, 100), other: rowsWith(300, 200) });
  const [one, other, mean] = table.objects() as Record<string, unknown>[];
  assert.deepEqual([one.network, one.trivial, one["non-trivial"], one["least pp"]], ["one", 0, 19, 10]);
  assert.equal(one["ranks of channel-changing"], "1, 1", "together with the stem");
  const near = (found: unknown, wanted: number) => assert.ok(Math.abs((found as number) - wanted) < 1e-9, `${found}`);
  near(one["difference pp"], 40);
  near(other["difference pp"], 10);
  near(mean["difference pp"], 25);
  assert.deepEqual([mean.network, mean.p, mean["p among first convolutions"]], ["their mean", 1 / 153, 1 / 36]);
  near(mean["mean pp"], (3 * 40 + 16 * 15) / 19);
  assert.equal(claimTable({ alone: rowsWith(500, 100) }).numRows(), 1);
});

test("claimTable() refuses networks of different layers, or none", () => {
  const rows = rowsWith(500, 100);
  assert.throws(() => claimTable({}), { name: "RangeError", message: /at least one network/ });
  assert.throws(() => claimTable({ a: rows, b: rows.slice(1) }), { name: "RangeError", message: /of "a" in "b"/ });
});
