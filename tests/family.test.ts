// Many networks beside each other: the numbers by hand, what the tables and the figure show of them, and the committed ones.
import assert from "node:assert/strict";
import { test } from "node:test";
import { dropsByNetwork } from "../lib/figures/family";
import { trivialityOf } from "../lib/results/family";
import type { EvenRow } from "../lib/results/rows";
import { enrichmentOf, type SweptMember } from "../lib/runs/family";
import { enrichmentTable, trivialityTable } from "../lib/tables/family";

/** A row that loses as many of 10,000 images as it is told, of 9,000 that are right. */
const rowOf = (layer: string, stage: number, changesChannels: boolean, lost: number, gained = 0): EvenRow => ({
  ...{ layer, layers: 1, operator: "zero", stage, block: 1, changesChannels, precision: "float32", parameters: 9 },
  ...{ images: 10_000, correct: 9000 - lost + gained, accuracy: (9000 - lost + gained) / 10_000, low: 0, high: 1 },
  ...{ baseline: 0.9, chance: 0.1, drop: (lost - gained) / 10_000, lost, gained, flips: lost + gained },
});

const ROWS = [
  rowOf("stem.conv", 0, true, 7000),
  rowOf("stage1.block1.conv1", 1, false, 5),
  rowOf("stage1.block1.conv2", 1, false, 110, 50),
  rowOf("stage2.block1.conv1", 2, true, 2000),
  rowOf("stage2.block1.conv2", 2, false, 700),
];
const MEMBER = { run: "<b>net", parameters: 45, rows: ROWS } as unknown as SweptMember;

test("trivialityOf() counts layers within each margin, shown or not, and the mean drop's share of what can be lost", () => {
  const found = trivialityOf(ROWS);
  assert.deepEqual(found.within, [1, 2, 2]);
  assert.deepEqual(
    found.verdicts.map(({ trivial, undecided, "non-trivial": nonTrivial }) => [trivial, undecided, nonTrivial]),
    [
      [1, 1, 3],
      [2, 0, 3],
      [2, 0, 3],
    ],
  );
  assert.ok(Math.abs(found.mean - 0.1953) < 1e-9 && Math.abs(found.share - 0.1953 / 0.8) < 1e-9);
  assert.deepEqual([found.least, found.median], [0.0005, 0.07]);
  assert.throws(() => trivialityOf([]), /expected at least one row/);
});

test("enrichmentOf() leaves the stem out of the layers that matter, and ranks among all", () => {
  const { ranks, important, importantChanging, tests } = enrichmentOf(ROWS);
  assert.deepEqual([ranks, important, importantChanging], [[2], 2, 1]);
  assert.equal(tests[0].relabellings, 4);
  assert.equal(tests[0].p, 1 / 4);
});

test("the tables have a line per network, with verdicts at three margins and both tests", () => {
  const [line] = trivialityTable([MEMBER]).objects() as Record<string, unknown>[];
  assert.equal(line["verdicts at 0.5 pp"], "1 / 1 / 3");
  assert.deepEqual([line["layers ≤ 0.5"], line["layers ≤ 1.0"], line.layers], [1, 2, 5]);
  const [enriched] = enrichmentTable([MEMBER]).objects() as Record<string, unknown>[];
  assert.deepEqual([enriched["ranks of channel-changing"], enriched["of those above 5 pp"]], ["2", "1 of 2"]);
});

test("dropsByNetwork() draws every layer once, from left to right, higher where more is lost, and no markup of names", () => {
  const { data, layout } = dropsByNetwork([MEMBER, { ...MEMBER, run: "other" }]);
  const traces = data as { name: string; x: number[]; y: number[]; text: string[] }[];
  assert.deepEqual(
    traces.map(({ x }) => x.length),
    [6, 4],
  );
  const [keeps, changes] = traces;
  assert.deepEqual(changes.x.slice(0, 2), [-0.35, 0.175]);
  assert.deepEqual(keeps.y.slice(0, 3), [0.0414, 0.3424, 1.1761]);
  assert.match(keeps.text[0], /^&lt;b&gt;net<br>stage1\.block1\.conv1: 0\.05 pp$/);
  assert.ok(!JSON.stringify(layout).includes("<b>net"));
  assert.equal(layout.annotations![1].text, "1 of 5");
  const counts = layout.updatemenus![0].buttons!.map(({ label, args }) => [label, args![1].annotations[1].text]);
  assert.deepEqual(counts, [
    ["0.5 pp", "1 of 5"],
    ["1 pp", "2 of 5"],
    ["2 pp", "2 of 5"],
  ]);
  assert.throws(() => dropsByNetwork([]), RangeError);
});
