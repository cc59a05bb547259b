// Rows from a prediction matrix small enough to count by hand; Wilson's interval against statsmodels.
import assert from "node:assert/strict";
import { test } from "node:test";
import { pairs, singles } from "../lib/ablations/sets";
import type { Layer } from "../lib/networks/layers";
import { evenSweep, type EvenSweep, type Sweep } from "../lib/results/matrix";
import { checkEven, classRowsOf, rowsOf } from "../lib/results/rows";
import { wilson } from "../lib/statistics/intervals";
import { accuracySequence, sequenceHalfWidth } from "../lib/statistics/confidence-sequences";

const layers: Layer[] = [
  { name: "stage1.block1.conv1", stage: 1, block: 1, size: 3, inputs: 16, outputs: 16, stride: 1, side: 32 },
  { name: "stage2.block1.shortcut", stage: 2, block: 1, size: 1, inputs: 16, outputs: 32, stride: 2, side: 16 },
];
const sweep: EvenSweep = {
  network: "tiny",
  operator: "zero",
  seed: 1,
  precision: "float32",
  sets: singles(layers),
  labels: Uint8Array.of(0, 0, 0, 1, 1, 3),
  classes: 5,
  baseline: Uint8Array.of(0, 0, 1, 1, 0, 2),
  predictions: [Uint8Array.of(0, 1, 0, 1, 0, 1), Uint8Array.of(0, 0, 1, 1, 0, 2)],
};

test("rowsOf() counts what each ablation loses, gains and flips", () => {
  const [first, second] = rowsOf(sweep);
  const [low, high] = wilson(3, 6);
  assert.deepEqual(first, {
    layer: "stage1.block1.conv1",
    layers: 1,
    operator: "zero",
    stage: 1,
    block: 1,
    changesChannels: false,
    precision: "float32",
    parameters: 2304,
    images: 6,
    correct: 3,
    accuracy: 0.5,
    low,
    high,
    baseline: 0.5,
    chance: 0.2, // of five classes, though the labels have three
    drop: 0,
    lost: 1, // image 1
    gained: 1, // image 2
    flips: 3, // and image 5, wrong before and after
  });
  assert.deepEqual(
    [second.changesChannels, second.parameters, second.correct, second.lost, second.gained, second.flips],
    [true, 512, 3, 0, 0, 0],
  );
});

test("rowsOf() agrees with itself: drop is (lost - gained) / images, and flips hold both", () => {
  const predictions = [Uint8Array.of(1, 1, 1, 0, 0, 3), Uint8Array.of(0, 0, 0, 1, 1, 3)];
  const rows = rowsOf({ ...sweep, predictions });
  assert.deepEqual(
    rows.map(({ lost, gained, correct, drop }) => ({ lost, gained, correct, drop })),
    [
      { lost: 3, gained: 1, correct: 1, drop: 2 / 6 },
      { lost: 0, gained: 3, correct: 6, drop: -3 / 6 },
    ],
  );
  for (const row of rows) {
    assert.equal(row.drop, (row.lost - row.gained) / row.images);
    assert.ok(row.flips >= row.lost + row.gained);
  }
});

test("rowsOf() marks the ablations that changed nothing, and those only", () => {
  const rows = rowsOf({ ...sweep, unchanged: [false, true] });
  assert.deepEqual(rows[0], rowsOf(sweep)[0]);
  assert.deepEqual(rows[1], { ...rowsOf(sweep)[1], unchanged: true });
});

test("rowsOf() refuses a sweep whose parts differ in length, and says which", () => {
  const refuses = (change: Partial<Sweep>, message: RegExp) =>
    assert.throws(() => rowsOf({ ...sweep, ...change }), { name: "RangeError", message });
  refuses({ labels: new Uint8Array(0) }, /at least one image/);
  refuses({ baseline: new Uint8Array(5) }, /6 predictions of the intact network but found 5/);
  refuses({ predictions: sweep.predictions.slice(1) }, /2 predictions, one per ablation, but found 1/);
  refuses({ unchanged: [true] }, /2 flags, one per ablation, but found 1/);
  refuses({ stopping: { margin: 0.005, looks: ["stopped"] } }, /2 looks, one per ablation, but found 1/);
  const short = [sweep.predictions[0], new Uint8Array(7)];
  refuses({ predictions: short }, /6 predictions without "stage2.block1.shortcut" but found 7/);
});

test("rowsOf() gives the mean change of the cross-entropy with its paired interval, by hand", () => {
  const baseline = Float32Array.of(1, 1, 1, 1, 1, 1);
  const ablations = [Float32Array.of(2, 1, 1, 1, 1, 1), baseline];
  const [first, second] = rowsOf({ ...sweep, losses: { baseline, ablations } });
  // Six changes, one of 1: mean 1/6, variance ((5/6)^2 + 5 (1/6)^2) / 5 = 1/6.
  const half = 1.959964 * Math.sqrt(1 / 6 / 6);
  assert.equal(first.lossChange!.toFixed(6), (1 / 6).toFixed(6));
  assert.equal(first.lossLow!.toFixed(6), (1 / 6 - half).toFixed(6));
  assert.equal(first.lossHigh!.toFixed(6), (1 / 6 + half).toFixed(6));
  assert.deepEqual([second.lossChange, second.lossLow, second.lossHigh], [0, 0, 0]);
});

test("rowsOf() compares an ablation that was stopped with the intact network on the images that both have seen", () => {
  const predictions = [Uint8Array.of(0, 1), sweep.predictions[1]];
  const stopped = { ...sweep, predictions, stopping: { margin: 0.005, looks: ["stopped", "complete"] } } as const;
  const [first, second] = rowsOf(stopped);
  assert.deepEqual([first.images, first.baseline, first.correct, first.lost, first.look], [2, 1, 1, 1, "stopped"]);
  assert.deepEqual(second, { ...rowsOf(sweep)[1], look: "complete" });
});

test("rowsOf() gives intervals that hold at every look until all images are seen, and Wilson's then", () => {
  const baseline = Float32Array.of(1, 1, 1, 1, 1, 1);
  const losses = { baseline, ablations: [Float32Array.of(2, 1, 1, 1, 1, 1), baseline] };
  const [running] = rowsOf({ ...sweep, losses, stopping: { looks: ["running", "running"] } });
  assert.deepEqual([running.low, running.high], accuracySequence(3, 6));
  const half = sequenceHalfWidth(Math.sqrt(1 / 6), 6);
  assert.ok(Math.abs(running.lossHigh! - 1 / 6 - half) < 1e-7 && half > (1.96 * Math.sqrt(1 / 6)) / Math.sqrt(6));
  const complete = rowsOf({ ...sweep, losses, stopping: { margin: 0.01, looks: ["complete", "complete"] } })[0];
  assert.deepEqual([complete.low, complete.high], wilson(3, 6));
});

test("rowsOf() gives the cross-entropy's change on one image no interval", () => {
  const one = {
    labels: Uint8Array.of(0),
    baseline: Uint8Array.of(0),
    predictions: [Uint8Array.of(1), Uint8Array.of(0)],
  };
  const losses = { baseline: Float32Array.of(1), ablations: [Float32Array.of(3), Float32Array.of(1)] };
  const [first] = rowsOf({ ...sweep, ...one, losses });
  assert.deepEqual([first.lossChange, first.lossLow, first.lossHigh], [2, undefined, undefined]);
});

test("evenSweep() and checkEven() refuse to compare ablations that have seen different images", () => {
  assert.equal(evenSweep(sweep), sweep);
  const stopped: Sweep = { ...sweep, stopping: { margin: 0.005, looks: ["complete", "complete"] } };
  assert.throws(() => evenSweep(stopped), { name: "RangeError", message: /it stops what is decided/ });
  const [first, second] = rowsOf(sweep);
  checkEven([first, second]);
  assert.throws(() => checkEven([first, { ...second, images: 4 }]), {
    name: "RangeError",
    message: /expected all on 6 but "stage2.block1.shortcut" has seen 4/,
  });
});

test("rowsOf() names a set by its layers and adds up their weights", () => {
  const [both] = rowsOf({ ...sweep, sets: pairs(layers), predictions: sweep.predictions.slice(1) });
  assert.equal(both.layer, "stage1.block1.conv1 + stage2.block1.shortcut");
  assert.deepEqual([both.parameters, both.changesChannels, both.stage], [2304 + 512, true, 1]);
});

test("classRowsOf() splits the damage by class and leaves out classes without images", () => {
  const rows = classRowsOf(sweep).filter(({ layer }) => layer === "stage1.block1.conv1");
  assert.deepEqual(
    rows.map(({ label, images, drop, lost, gained, flips }) => [label, images, drop, lost, gained, flips]),
    [
      [0, 3, 0, 1, 1, 2],
      [1, 2, 0, 0, 0, 0],
      [3, 1, 0, 0, 0, 1],
    ],
  );
  assert.deepEqual([rows[0].baseline, rows[0].accuracy, rows[0].flipRate], [2 / 3, 2 / 3, 2 / 3]);
  assert.deepEqual([rows[2].baseline, rows[2].accuracy, rows[2].flipRate], [0, 0, 1]);
});

test("classRowsOf() adds up to rowsOf()", () => {
  for (const [index, row] of rowsOf(sweep).entries()) {
    const parts = classRowsOf(sweep).filter(({ layer }) => layer === layers[index].name);
    for (const count of ["images", "lost", "gained", "flips"] as const) {
      assert.equal(
        parts.reduce((total, part) => total + part[count], 0),
        row[count],
      );
    }
  }
});

test("wilson() equals statsmodels' proportion_confint(method='wilson')", () => {
  const wanted: [correct: number, images: number, confidence: number, low: number, high: number][] = [
    [9200, 10_000, 0.95, 0.914520046874101, 0.9251573944945306],
    [1000, 10_000, 0.95, 0.09427283017063046, 0.10603436852591083],
    [9173, 10_000, 0.95, 0.9117401216863086, 0.9225393932735246],
    [9173, 10_000, 0.9, 0.9126559436733493, 0.9217183127458785],
    [7, 10, 0.95, 0.39677814746114537, 0.8922087325936989],
    [0, 10, 0.95, 0, 0.27753279986288926],
    [10_000, 10_000, 0.95, 0.9996160016293234, 1],
  ];
  for (const [correct, images, confidence, low, high] of wanted) {
    const found = wilson(correct, images, confidence);
    assert.ok(
      Math.abs(found[0] - low) < 1e-13 && Math.abs(found[1] - high) < 1e-13,
      `${correct} of ${images}: ${found}`,
    );
  }
});

test("wilson() gives the reference intervals of 92.00 % and 10.00 %, and mirrors for the errors", () => {
  const shown = (correct: number) => wilson(correct, 10_000).map((bound) => (100 * bound).toFixed(2));
  assert.deepEqual(shown(9200), ["91.45", "92.52"]);
  assert.deepEqual(shown(1000), ["9.43", "10.60"]);
  assert.deepEqual(shown(800), ["7.48", "8.55"]);
});

test("wilson() refuses impossible counts and confidences", () => {
  for (const [correct, images] of [
    [1, 0],
    [-1, 10],
    [11, 10],
    [NaN, 10],
  ]) {
    assert.throws(() => wilson(correct, images), { name: "RangeError", message: /expected 0 <= correct <= images/ });
  }
  assert.throws(() => wilson(5, 10, 1), RangeError);
});
