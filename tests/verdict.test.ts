// Verdicts on made-up counts whose answer is known, and on the real counts of the public ResNet-20.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { countVerdicts, verdictsOf } from "../lib/results/verdict";
import { countedRow as row } from "./figures";

test("verdictsOf() calls trivial what is shown to cost less than the margin, non-trivial what is shown to cost more", () => {
  const verdicts = verdictsOf([
    row("nothing", 0, 0),
    row("small but certain", 25, 2),
    row("large", 2426, 248),
    row("too noisy", 130, 100),
    row("harm of unknown size", 145, 90),
    row("better", 100, 600),
  ]);
  assert.deepEqual(
    verdicts.map(({ layer, verdict, harm }) => [layer, verdict, harm]),
    [
      ["nothing", "trivial", false],
      ["small but certain", "trivial", true],
      ["large", "non-trivial", true],
      ["too noisy", "undecided", false],
      ["harm of unknown size", "undecided", true],
      ["better", "trivial", false],
    ],
  );
  assert.equal(verdicts[0].lost, 0, "a verdict keeps its row");
  assert.equal((100 * verdicts[0].upper).toFixed(3), "0.030", "the exact bound, 1 - 0.05^(1/10000)");
});

test("verdictsOf() calls a layer inside the margin never non-trivial: two layers of ResNet-56 that harm by 0.35 and 0.39 pp", () => {
  // Lost and gained of stage1.block6.conv2 (public) and stage2.block3.conv2 (own network) with a zeroed kernel.
  for (const counts of [row("public", 145, 110), row("own", 165, 126)]) {
    const [{ verdict, harmP }] = verdictsOf([counts]);
    assert.equal(verdict, "undecided");
    assert.ok(harmP < 0.05, `some harm is shown: ${harmP}`);
  }
});

test("verdictsOf() calls nothing trivial on a single image, whatever the margin", () => {
  const [one] = verdictsOf([row("a", 0, 0, { images: 1, before: 10_000 })], { margin: 0.8 });
  assert.equal(one.verdict, "undecided");
  assert.ok(Math.abs(one.trivialP - 0.2) < 1e-12 && Math.abs(one.upper - 0.95) < 1e-12);
});

test("verdictsOf() calls no layer trivial in bfloat16, whose rounding moves drops by itself", () => {
  const rounded = row("a", 0, 0, { precision: "bfloat16" });
  assert.equal(verdictsOf([rounded])[0].verdict, "undecided");
  assert.equal(verdictsOf([row("b", 2426, 248, { precision: "bfloat16" })])[0].verdict, "non-trivial");
});

test("verdictsOf() refuses complete rows on other images or of another network", () => {
  const refuses = (other: ReturnType<typeof row>) =>
    assert.throws(() => verdictsOf([row("a", 0, 0), other]), {
      name: "RangeError",
      message: /same 10000 images but found "b"/,
    });
  refuses(row("b", 0, 0, { images: 1000 }));
  refuses(row("b", 0, 0, { before: 9000 }));
  assert.equal(
    verdictsOf([row("a", 0, 0), row("b", 90, 0, { images: 100, look: "stopped" })])[1].verdict,
    "non-trivial",
  );
});

test("countVerdicts() counts each call, and harm apart from it", () => {
  const verdicts = verdictsOf([
    row("a", 0, 0),
    row("b", 25, 2),
    row("c", 2426, 248),
    row("d", 0, 0, { unchanged: true }),
  ]);
  assert.deepEqual(countVerdicts(verdicts), {
    layers: 4,
    trivial: 2,
    undecided: 0,
    "non-trivial": 1,
    unchanged: 1,
    harm: 2,
  });
});

test("verdictsOf() never calls a layer trivial that the operator left unchanged, and judges the others as before", () => {
  const rows = [row("a", 0, 0), row("b", 25, 2), row("c", 2426, 248)];
  const verdicts = verdictsOf([{ ...rows[0], unchanged: true }, ...rows.slice(1)]);
  assert.deepEqual(
    verdicts.map(({ verdict }) => verdict),
    ["unchanged", "trivial", "non-trivial"],
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
  assert.ok(first.nonTrivialP < 0.05 && first.nonTrivialAdjusted > 0.05);
  assert.ok(first.harmP < 0.05 && first.harmAdjusted > 0.05 && !first.harm);
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
  assert.ok(verdicts.every(({ verdict, harm }) => verdict === "non-trivial" && harm));
});
