// A metric of one's own, and damage by class: against what rows count.
import assert from "node:assert/strict";
import { test } from "node:test";
import { classRowsOf, rowsOf } from "../lib/results/rows";
import { metricRowsOf } from "../lib/results/metric";
import { sweep, sweepSteps } from "../lib/sweeps/sweep";
import { classTable } from "../lib/tables/classes";
import { where } from "../lib/data/select";
import { evaluate } from "../lib/training/evaluate";
import { smallDataset, smallNetwork } from "./small";

const [NETWORK, TEST] = [smallNetwork(), smallDataset(100)];
const isRight = (predicted: number, label: number) => Number(predicted === label);

test("metricRowsOf() of right answers is what rows count, with its paired interval", async () => {
  const swept = await sweep(NETWORK, TEST);
  const rows = rowsOf(swept);
  metricRowsOf(swept, isRight).forEach((row, index) => {
    const { layer, images, accuracy, baseline, lost, gained } = rows[index];
    assert.deepEqual([row.layer, row.images, row.ablated, row.intact], [layer, images, accuracy, baseline]);
    const mean = (gained - lost) / images;
    const deviation = Math.sqrt((lost + gained - images * mean ** 2) / (images - 1));
    assert.ok(Math.abs(row.change - mean) < 1e-12);
    assert.ok(Math.abs(row.high - mean - (1.959963985 * deviation) / Math.sqrt(images)) < 1e-9);
    assert.ok(Math.abs(row.high + row.low - 2 * mean) < 1e-12);
  });
});

test("metricRowsOf() before the end of a sweep has intervals that allow for looking", async () => {
  for await (const step of sweepSteps(NETWORK, TEST)) {
    const [{ images, low, high, change }] = metricRowsOf(step, (predicted) => predicted);
    const normal = (1.96 * 4.5) / Math.sqrt(images);
    assert.equal(images, 50);
    assert.ok(high - change > normal / 4 && low < change);
    break;
  }
});

test("metricRowsOf() names the image for which a metric has no number", async () => {
  const swept = await sweep(NETWORK, TEST);
  assert.throws(() => metricRowsOf(swept, (_, __, image) => (image === 3 ? NaN : 0)), /found NaN for image 3/);
});

test("classTable() has a column for each class with images, which average to the layer's drop", async () => {
  const few = where(TEST, (label) => label < 3);
  const swept = await sweep(NETWORK, few);
  const table = classTable(classRowsOf(swept), few.classes);
  assert.deepEqual(table.columnNames(), ["layer", "class 0 pp", "class 1 pp", "class 2 pp"]);
  const lines = table.objects() as Record<string, number>[];
  rowsOf(swept).forEach(({ drop }, index) => {
    const [, ...drops] = Object.values(lines[index]);
    assert.ok(Math.abs(drops.reduce((sum, each) => sum + each, 0) / 3 - 100 * drop) < 1e-9);
  });
});

test("evaluate() says how sure the network is: the largest of the probabilities, at least an equal share", async () => {
  const { confidences, predictions } = await evaluate(NETWORK, TEST);
  assert.equal(confidences.length, TEST.count);
  assert.ok(confidences.every((confidence) => confidence >= 0.1 - 1e-6 && confidence <= 1));
  const { loss } = await evaluate(NETWORK, { ...TEST, labels: predictions });
  const ofOwn = confidences.reduce((sum, confidence) => sum - Math.log(confidence), 0) / TEST.count;
  assert.ok(Math.abs(ofOwn - loss) < 1e-5);
});
