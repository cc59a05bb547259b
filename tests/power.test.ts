// The power of a sweep against sums over all counts in NumPy and SciPy, and the tables and sentences made of it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { channelTests } from "../lib/results/channels";
import { trivialPower } from "../lib/results/power";
import { channelTable, powerSentence, verdictCountTable } from "../lib/tables/verdicts";
import { countedRow, someRows } from "./figures";

test("trivialPower() equals the sum over all counts, computed with SciPy", () => {
  const wanted: [layers: number, discordance: number, powers: number[]][] = [
    [55, 0.02, [0.6339529422866708, 0.3598062597903982, 0.14512948681993132]],
    [55, 0.01, [0.9500737370388916, 0.7461793119895083, 0.3792033933408747]],
    [19, 0.02, [0.752157579776868, 0.4917114173255442, 0.23571261630502963]],
    [55, 0.03, [0.39297359630013334, 0.19874766485506953, 0.07786000619559436]],
  ];
  for (const [layers, discordance, powers] of wanted)
    powers.forEach((power, tenths) => {
      const found = trivialPower(tenths / 1000, { layers, images: 10_000, margin: 0.005, discordance });
      assert.ok(
        Math.abs(found - power) < 1e-6,
        `${layers} layers, ${discordance}, 0.${tenths} pp: ${found}, not ${power}`,
      );
    });
});

test("trivialPower() is small at the margin and refuses a drop beyond the discordance", () => {
  const design = { layers: 19, images: 10_000, margin: 0.005, discordance: 0.02 };
  assert.ok(trivialPower(0.005, design) < 0.05 / 19 / 0.98);
  assert.throws(() => trivialPower(0.03, design), { name: "RangeError", message: /at most the discordance, 0.02/ });
});

test("powerSentence() speaks of the least discordance of any layer", () => {
  const rows = Array.from({ length: 55 }, (_, index) => countedRow(`layer ${index}`, 150 + index, 150));
  assert.equal(
    powerSentence(rows),
    "Power: among 55 layers on 10,000 images, a layer that changes 3.0 % of the answers (the least here) is called trivial at 0.5 pp " +
      "if it really costs 0.0 pp in 39 %, 0.1 pp in 20 %, 0.2 pp in 8 % of such sweeps.",
  );
  assert.throws(() => powerSentence([countedRow("a", 0, 0)]), { name: "RangeError" });
});

test("verdictCountTable() gives the margins side by side, and the harm that none of them changes", () => {
  const rows = [countedRow("a", 20, 20), countedRow("b", 200, 100), countedRow("c", 400, 20)];
  assert.deepEqual(verdictCountTable(rows).objects(), [
    { "margin pp": 0.5, layers: 3, trivial: 1, undecided: 0, "non-trivial": 2, "harm shown": 2 },
    { "margin pp": 1, layers: 3, trivial: 1, undecided: 1, "non-trivial": 1, "harm shown": 2 },
    { "margin pp": 2, layers: 3, trivial: 2, undecided: 0, "non-trivial": 1, "harm shown": 2 },
  ]);
  const [idle] = verdictCountTable([countedRow("a", 0, 0, { unchanged: true })]).objects() as Record<string, unknown>[];
  assert.equal(idle.unchanged, 1);
});

test("channelTable() has a line per test with the best p that there could be", () => {
  const [all, first] = channelTable(channelTests([someRows()])).objects() as Record<string, unknown>[];
  assert.deepEqual([all.among, all.relabellings, all["smallest p"]], ["all layers", "all 153", 1 / 153]);
  assert.deepEqual([first.among, first.relabellings], ["first convolutions", "all 36"]);
});
