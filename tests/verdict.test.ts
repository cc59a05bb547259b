// Verdicts on made-up counts whose answer is known, and on the real counts of the public ResNet-20.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { verdictsOf } from "../lib/verdict";
import { countedRow as row } from "./figures";

test("verdictsOf() tells trivial, detectable, non-trivial and undecided layers apart", () => {
  const verdicts = verdictsOf([
    row("unchanged", 0, 0),
    row("small but certain", 25, 2),
    row("large", 2426, 248),
    row("too noisy", 130, 100),
    row("better", 100, 600),
  ]);
  assert.deepEqual(
    verdicts.map(({ layer, verdict, detectable }) => [layer, verdict, detectable]),
    [
      ["unchanged", "trivial", false],
      ["small but certain", "trivial", true],
      ["large", "non-trivial", false],
      ["too noisy", "undecided", false],
      ["better", "trivial", false],
    ],
  );
  assert.equal(verdicts[0].lost, 0, "a verdict keeps its row");
  assert.equal((100 * verdicts[0].upper).toFixed(3), "0.027");
});

test("verdictsOf() never calls a layer trivial that the operator left unchanged, and judges the others as before", () => {
  const rows = [row("a", 0, 0), row("b", 25, 2), row("c", 2426, 248)];
  const verdicts = verdictsOf([{ ...rows[0], unchanged: true }, ...rows.slice(1)]);
  assert.deepEqual(
    verdicts.map(({ verdict, detectable }) => [verdict, detectable]),
    [
      ["unchanged", false],
      ["trivial", true],
      ["non-trivial", false],
    ],
  );
  assert.deepEqual(verdicts.slice(1), verdictsOf(rows).slice(1));
});

test("verdictsOf() shows raw and adjusted evidence in each family", () => {
  const verdicts = verdictsOf([row("a", 130, 100), row("b", 300, 250), row("c", 10, 2), row("d", 50, 50)]);
  const shown = (values: number[]) => values.map((value) => value.toPrecision(6));
  // scipy.stats.binomtest, then statsmodels' multipletests(method="holm")
  assert.deepEqual(shown(verdicts.map(({ harmP }) => harmP)), ["0.0556136", "0.0365787", "0.0385742", "1.00000"]);
  assert.deepEqual(shown(verdicts.map(({ harmAdjusted }) => harmAdjusted)), [
    "0.146315",
    "0.146315",
    "0.146315",
    "1.00000",
  ]);
  assert.equal(verdicts[3].trivialP.toPrecision(6), "0.00000257027");
  assert.equal(verdicts[3].trivialAdjusted, 3 * verdicts[3].trivialP, "second smallest of four");
});

test("verdictsOf() decides on adjusted p values in both families: among many layers the same evidence is weaker", () => {
  const harmed = row("harmed", 60, 25);
  const harmless = row("harmless", 115, 100);
  assert.equal(verdictsOf([harmed], { margin: 0.001 })[0].verdict, "non-trivial");
  assert.equal(verdictsOf([harmless])[0].verdict, "trivial");
  const others = (count: number) => Array.from({ length: count }, (_, index) => row(`other ${index}`, 300, 300));
  const [first] = verdictsOf([harmed, ...others(400)], { margin: 0.001 });
  assert.equal(first.verdict, "undecided");
  assert.ok(first.harmP < 0.05 && first.harmAdjusted > 0.05);
  const noisy = Array.from({ length: 19 }, (_, index) => row(`noisy ${index}`, 300, 250));
  const [second] = verdictsOf([harmless, ...noisy]);
  assert.equal(second.verdict, "undecided");
  assert.ok(second.trivialP < 0.05 && second.trivialAdjusted > 0.05);
});

test("verdictsOf() never turns trivial layers away as the margin grows", () => {
  const rows = [20, 30, 40, 60, 100, 200, 400].map((lost) => row(`lost ${lost}`, lost, 20));
  const counts = [0.0001, 0.001, 0.002, 0.005, 0.01, 0.03, 0.1].map(
    (margin) => verdictsOf(rows, { margin }).filter(({ verdict }) => verdict === "trivial").length,
  );
  assert.deepEqual(
    counts,
    [...counts].sort((a, b) => a - b),
  );
  assert.equal(counts[0], 0);
  assert.equal(counts[counts.length - 1], rows.length);
});

test("verdictsOf() calls an improvement never non-trivial", () => {
  assert.equal(verdictsOf([row("better", 5, 60)], { margin: 0.0001 })[0].verdict, "trivial");
  assert.equal(verdictsOf([row("better", 5, 60, { images: 9400 })])[0].verdict, "trivial");
});

test("verdictsOf() refuses a layer given twice and margins that are no fraction", () => {
  assert.throws(() => verdictsOf([row("a", 0, 0), row("a", 1, 0)]), { name: "RangeError", message: /"a" twice/ });
  assert.throws(() => verdictsOf([row("a", 0, 0)], { margin: 1.5 }), { name: "RangeError", message: /1\.5/ });
  assert.throws(() => verdictsOf([row("a", 0, 0)], { level: 0.5 }), RangeError);
});

const reference = path.resolve("..", "shared", "reference", "resnet20-zero-kernel.json");
const absent = existsSync(reference) ? false : "the reference sweep ../shared/reference is not on this machine";

test("verdictsOf() calls every layer of the public ResNet-20 non-trivial", { skip: absent }, () => {
  const { baseline, layers } = JSON.parse(readFileSync(reference, "utf8")) as {
    baseline: number;
    layers: Record<string, { correct: number; b: number; c: number }>;
  };
  const rows = Object.entries(layers).map(([name, { b, c }]) => row(name, b, c, { before: baseline }));
  assert.deepEqual(
    rows.map(({ correct }) => correct),
    Object.values(layers).map(({ correct }) => correct),
  );
  const verdicts = verdictsOf(rows);
  assert.equal(verdicts.length, 19);
  assert.ok(verdicts.every(({ verdict, detectable }) => verdict === "non-trivial" && !detectable));
});
