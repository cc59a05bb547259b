// Runs side by side: tables and figure, by hand.
import assert from "node:assert/strict";
import { test } from "node:test";
import { collectionFigure } from "../lib/figures/collection";
import { loadCollection, type Member } from "../lib/runs/collection";
import { type RightAnswers, comparePairs } from "../lib/runs/network-pairs";
import { precisionPairs } from "../lib/runs/precision-pairs";
import { collectionTable, pairTable, precisionTable } from "../lib/tables/collection";

const base: Member = {
  run: "a",
  network: "resnet20",
  parameters: 269_722,
  data: "cifar10",
  images: 50_000,
  heldOut: 0,
  epochs: 2,
  precision: "float32",
  weightDecay: 5e-4,
  seed: 1,
  accuracy: 0.9,
  testImages: 10_000,
  seconds: 119,
  history: [1, 2].map((epoch) => ({
    epoch,
    rate: 0.1,
    trainLoss: 1,
    trainAccuracy: 0.5,
    testLoss: 1,
    testAccuracy: 0.4 * epoch,
    seconds: 60,
    imagesPerSecond: 800,
  })),
};

test("collectionTable() has a line per run, with the Wilson interval of its own number of test images", () => {
  const [large, small] = collectionTable([base, { ...base, testImages: 100 }]).objects() as Record<string, unknown>[];
  // Wilson's formula, computed in Python: 89.3966 to 90.5727, and 82.5634 to 94.4771.
  assert.equal(large["95 % interval"], "89.40 to 90.57");
  assert.equal(small["95 % interval"], "82.56 to 94.48");
  assert.deepEqual([large.minutes, large["test accuracy %"], large.seed], [2, 90, "1"]);
});

test("runs on several data sets are told apart: named in each row and panel, and never compared as the same training", () => {
  const hundred = { ...base, run: "b", data: "cifar100", precision: "bfloat16" };
  assert.deepEqual(collectionTable([base, hundred]).array("data"), ["cifar10", "cifar100"]);
  assert.ok(!collectionTable([base]).columnNames().includes("data"));
  assert.equal(precisionTable([base, hundred]).numRows(), 0);
  const [line] = precisionTable([{ ...hundred, precision: "float32" }, hundred]).objects() as Record<string, unknown>[];
  assert.equal(line.data, "cifar100");
  const titles = collectionFigure([base, hundred]).layout.annotations!.map(({ text }) => text);
  assert.ok(titles.some((text) => text?.startsWith("<b>resnet20</b> on cifar100, ")));
});

test("precisionTable() compares networks that were trained in both precisions seed by seed, by hand", () => {
  const runs = (precision: string, ...accuracies: number[]) =>
    accuracies.map((accuracy, index) => ({ ...base, precision, accuracy, seed: index + 1 }));
  const lines = (...members: Member[]) => precisionTable(members).objects() as Record<string, number | null>[];
  const trained = [...runs("float32", 0.9, 0.92), ...runs("bfloat16", 0.94, 0.9).reverse()];
  const [line, ...others] = lines(...trained, { ...base, network: "resnet8" });
  assert.deepEqual(others, []);
  const close = (name: string, wanted: number) =>
    assert.ok(Math.abs(line[name]! - wanted) < 1e-9, `${name} ${line[name]}`);
  close("float32 mean %", 91);
  close("bfloat16 mean %", 92);
  close("float32 SD pp", 100 * Math.sqrt(0.0002));
  // Seed 1 gains 4 points, seed 2 loses 2: mean 1, deviation sqrt(18), error 3; of the sums 2, 6, -6 and -2 all reach 2.
  for (const [name, wanted] of Object.entries({ "seeds in both": 2, "difference pp": 1, "standard error pp": 3 }))
    close(name, wanted);
  close("sign-flip p", 1);
  close("smallest p", 0.5);
  const [below] = lines(...runs("float32", 0.9, 0.92, 0.93), ...runs("bfloat16", 0.89, 0.9, 0.925));
  assert.deepEqual([below["sign-flip p"], below["smallest p"]], [0.25, 0.25]);
});

test("precisionTable() leaves out what seeds that were trained in one precision alone cannot say", () => {
  const rounded = { ...base, precision: "bfloat16" };
  const [apart] = precisionTable([base, { ...rounded, seed: 2 }]).objects() as Record<string, unknown>[];
  const empty = ["float32 SD pp", "difference pp", "standard error pp", "sign-flip p", "smallest p"];
  assert.deepEqual([apart["seeds in both"], ...empty.map((name) => apart[name])], [0, null, null, null, null, null]);
  const [alone] = precisionTable([base, { ...rounded, accuracy: 0.91 }]).objects() as Record<string, unknown>[];
  assert.deepEqual([alone["standard error pp"], alone["sign-flip p"], alone["smallest p"]], [null, 1, 1]);
});

const answers = (run: string, network: string, ...right: number[]): RightAnswers => ({
  run,
  network,
  parameters: 269_722,
  right: Uint8Array.from(right),
});

test("comparePairs() pairs the seeds of one network, and the others with each seed, image by image", () => {
  const bits = (value: number) => Array.from({ length: 12 }, (_, bit) => (value >> bit) & 1);
  const [a, b, deep] = [
    answers("a", "resnet20", ...bits(0b000000111111)),
    answers("b", "resnet20", ...bits(0b000000011111)),
    answers("deep", "resnet56", ...bits(0b111111111110)),
  ];
  const pairs = comparePairs([a, deep, b], "resnet20");
  assert.deepEqual(
    pairs.map(({ first, second, firstOnly, secondOnly }) => [first.run, second.run, firstOnly, secondOnly]),
    [
      ["a", "b", 1, 0],
      ["a", "deep", 1, 6],
      ["b", "deep", 1, 7],
    ],
  );
  // Binomial tails: 2 * (1 + 7) / 2^7 and 2 * (1 + 8) / 2^8; Holm multiplies the smallest by 3, the next by 2.
  assert.deepEqual(
    pairs.map(({ p }) => Number(p.toFixed(9))),
    [1, 0.125, 0.0703125],
  );
  assert.deepEqual(
    pairs.map(({ adjusted }) => Number(adjusted.toFixed(9))),
    [1, 0.25, 0.2109375],
  );
  assert.equal(pairs[1].difference, 5 / 12);
  assert.deepEqual((pairTable(pairs).object(2) as Record<string, unknown>)["p (Holm)"], "0.2109");
});

test("comparePairs() says what it cannot compare", () => {
  const a = answers("a", "resnet20", 1, 0);
  assert.throws(() => comparePairs([a], "resnet20"), {
    name: "RangeError",
    message: /a resnet20 and another one .* 1 net/,
  });
  assert.throws(() => comparePairs([a, answers("b", "resnet8", 1)], "resnet20"), {
    name: "RangeError",
    message: 'Cannot compare "a" with "b": expected the same images but found 2 and 1',
  });
});

test("precisionTable() does not mix trainings on different images or of different length", () => {
  const rounded = { ...base, precision: "bfloat16" };
  for (const other of [{ images: 5000 }, { epochs: 3 }, { heldOut: 5000 }])
    assert.equal(precisionTable([base, { ...rounded, ...other }]).numRows(), 0);
});

test("loadCollection() reads the committed runs, the smallest first", async () => {
  const family = await loadCollection("data/runs");
  const sizes = family.map(({ parameters }) => parameters);
  assert.deepEqual(
    sizes,
    [...sizes].sort((a, b) => a - b),
  );
  const { accuracy, images, epochs, seconds } = family.find(({ run }) => run === "resnet20-seed1")!;
  assert.deepEqual([accuracy, images, epochs, seconds], [0.9083, 50_000, 30, 2312]);
});

test("collectionFigure() has a panel per network, number of images and length, with all runs in each and its own named", () => {
  const members = [
    base,
    { ...base, seed: 2, run: "b" },
    { ...base, images: 5000, run: "c" },
    {
      ...base,
      epochs: 3,
      run: "d",
      history: base.history.map((each) => ({ ...each, testAccuracy: each.testAccuracy! / 2 })),
    },
  ];
  const { data, layout } = collectionFigure(members);
  const curves = data as { y: (number | null)[]; x: (number | null)[]; name?: string }[];
  assert.deepEqual(
    curves.map(({ name, y }) => [name, y]),
    [
      [undefined, [40, 80, 40, 20]], // the range of "c" and "d" behind the first panel: greatest forth, least back
      ["a", [40, 80]],
      ["b", [40, 80]],
      [undefined, [40, 80, 40, 20]],
      ["c", [40, 80]],
      [undefined, [40, 80, 80, 40]],
      ["d", [20, 40]],
    ],
  );
  assert.deepEqual(curves[0].x, [1, 2, 2, 1]);
  const texts = (layout.annotations ?? []).map(({ text }) => text);
  assert.deepEqual(texts, [
    "<b>resnet20</b>, 269,722 parameters, 2 epochs",
    "seed 1, float32: 90.00 %",
    "seed 2, float32: 90.00 %",
    "<b>resnet20</b>, 5,000 images, 2 epochs",
    "seed 1, float32: 90.00 %",
    "<b>resnet20</b>, 269,722 parameters, 3 epochs",
    "seed 1, float32: 90.00 %",
  ]);
  assert.throws(() => collectionFigure([]), { name: "RangeError" });
});

test("collectionFigure() shows held-out accuracy where the test images were not watched, and no markup of a run's name", () => {
  const history = base.history.map((epoch) => ({ ...epoch, testAccuracy: undefined, heldOutAccuracy: 0.7 }));
  const { data, layout } = collectionFigure([{ ...base, run: "<a href='x'>", history, heldOut: 5000 }]);
  assert.deepEqual((data[1] as { y: number[] }).y, [70, 70]);
  assert.match(
    layout.title && typeof layout.title === "object" ? layout.title.text! : "",
    /held-out images: accuracy on those/,
  );
  assert.doesNotMatch(JSON.stringify(data), /<a /);
});

test("a run with another weight decay stands apart: in the table, the panels, and where precisions are compared", () => {
  const [usual, other] = [base, { ...base, run: "b", precision: "bfloat16", weightDecay: 1e-4 }];
  assert.deepEqual(collectionTable([usual, other]).array("weight decay"), ["5e−4", "1e−4"]);
  assert.ok(!collectionTable([usual]).columnNames().includes("weight decay"));
  assert.deepEqual(precisionPairs([usual, other]), [], "not the same way of training in two precisions");
  const titles = collectionFigure([usual, other]).layout.annotations!.map(({ text }) => text);
  assert.equal(titles.filter((text) => /resnet20<\/b>, weight decay 0\.0001, /.test(text!)).length, 1);
});
