// Runs side by side: tables and figure, by hand.
import assert from "node:assert/strict";
import { test } from "node:test";
import { familyTable, loadFamily, type Member, precisionTable } from "../lib/family";
import { familyFigure } from "../lib/figure-family";

const base: Member = {
  run: "a",
  network: "resnet20",
  parameters: 269_722,
  data: "cifar10",
  images: 50_000,
  heldOut: 0,
  epochs: 2,
  precision: "float32",
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

test("familyTable() has a line per run, with the Wilson interval of its own number of test images", () => {
  const [large, small] = familyTable([base, { ...base, testImages: 100 }]).objects() as Record<string, unknown>[];
  // Wilson's formula, computed in Python: 89.3966 to 90.5727, and 82.5634 to 94.4771.
  assert.equal(large["95 % interval"], "89.40 to 90.57");
  assert.equal(small["95 % interval"], "82.56 to 94.48");
  assert.deepEqual([large.minutes, large["test accuracy %"], large.seed], [2, 90, "1"]);
});

test("runs on several data sets are told apart: named in each row and panel, and never compared as the same training", () => {
  const hundred = { ...base, run: "b", data: "cifar100", precision: "bfloat16" };
  assert.deepEqual(familyTable([base, hundred]).array("data"), ["cifar10", "cifar100"]);
  assert.ok(!familyTable([base]).columnNames().includes("data"));
  assert.equal(precisionTable([base, hundred]).numRows(), 0);
  const [line] = precisionTable([{ ...hundred, precision: "float32" }, hundred]).objects() as Record<string, unknown>[];
  assert.equal(line.data, "cifar100");
  const titles = familyFigure([base, hundred]).layout.annotations!.map(({ text }) => text);
  assert.ok(titles.some((text) => text?.startsWith("<b>resnet20</b> on cifar100, ")));
});

test("precisionTable() compares networks that were trained in both precisions, by hand", () => {
  const rounded = { ...base, precision: "bfloat16" };
  const members = [base, { ...base, accuracy: 0.92 }, { ...rounded, accuracy: 0.9 }, { ...rounded, accuracy: 0.94 }];
  const [line, ...others] = precisionTable([...members, { ...base, network: "resnet8" }]).objects() as Record<
    string,
    number
  >[];
  assert.deepEqual(others, []);
  // Variances 0.0002 and 0.0008: the error of the difference is sqrt(0.0001 + 0.0004).
  const close = (name: string, wanted: number) =>
    assert.ok(Math.abs(line[name] - wanted) < 1e-9, `${name} ${line[name]}`);
  close("float32 mean %", 91);
  close("bfloat16 mean %", 92);
  close("float32 SD pp", 100 * Math.sqrt(0.0002));
  close("difference pp", 1);
  close("standard error pp", 100 * Math.sqrt(0.0005));
  // Of the six pairs out of 90, 92, 90 and 94 three have a sum of at least 90 + 94; twice a half is 1.
  close("permutation p", 1);
  close("smallest p", 1 / 3);
  const apart = [base, { ...base, accuracy: 0.92 }, { ...rounded, accuracy: 0.95 }, { ...rounded, accuracy: 0.94 }];
  const [{ "permutation p": p }] = precisionTable(apart).objects() as Record<string, number>[];
  assert.ok(Math.abs(p - 1 / 3) < 1e-9, "one pair of six, either way");
  const [alone] = precisionTable([base, rounded]).objects() as Record<string, unknown>[];
  assert.deepEqual([alone["float32 seeds"], alone["float32 SD pp"], alone["standard error pp"]], [1, null, null]);
});

test("precisionTable() does not mix trainings on different images or of different length", () => {
  const rounded = { ...base, precision: "bfloat16" };
  for (const other of [{ images: 5000 }, { epochs: 3 }, { heldOut: 5000 }])
    assert.equal(precisionTable([base, { ...rounded, ...other }]).numRows(), 0);
});

test("loadFamily() reads the committed runs, the smallest first", async () => {
  const family = await loadFamily("data/runs");
  const sizes = family.map(({ parameters }) => parameters);
  assert.deepEqual(
    sizes,
    [...sizes].sort((a, b) => a - b),
  );
  const { accuracy, images, epochs, seconds } = family.find(({ run }) => run === "resnet20-seed1")!;
  assert.deepEqual([accuracy, images, epochs, seconds], [0.9083, 50_000, 30, 2312]);
});

test("familyFigure() has a panel per network, number of images and length, with all runs in each and its own named", () => {
  const members = [
    base,
    { ...base, seed: 2, run: "b" },
    { ...base, images: 5000, run: "c" },
    { ...base, epochs: 3, run: "d" },
  ];
  const { data, layout } = familyFigure(members);
  assert.equal(data.length, 3 * 4);
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
  assert.deepEqual((data[0] as { y: number[] }).y, [40, 80]);
  assert.throws(() => familyFigure([]), { name: "RangeError" });
});

test("familyFigure() shows held-out accuracy where the test images were not watched, and no markup of a run's name", () => {
  const history = base.history.map((epoch) => ({ ...epoch, testAccuracy: undefined, heldOutAccuracy: 0.7 }));
  const { data, layout } = familyFigure([{ ...base, run: "<a href='x'>", history, heldOut: 5000 }]);
  assert.deepEqual((data[0] as { y: number[] }).y, [70, 70]);
  assert.match(
    layout.title && typeof layout.title === "object" ? layout.title.text! : "",
    /held-out images: accuracy on those/,
  );
  assert.doesNotMatch(JSON.stringify(data), /<a /);
});
