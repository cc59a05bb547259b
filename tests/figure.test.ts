// Figures as values: what is drawn where, from rows that can be counted; nothing in them that JSON or plotly would change.
import assert from "node:assert/strict";
import { test } from "node:test";
import { PNG } from "pngjs";
import { accuracyByLayer, dropByLayer } from "../lib/figures/layers";
import { dropByDose } from "../lib/figures/doses";
import { historyFigure } from "../lib/figures/history";
import { classHistogram, imageGrid } from "../lib/figures/images";
import { agreementMap, dropByOperator } from "../lib/figures/operators";
import type { Figure } from "../lib/figures/style";
import { colouredImages, someEpochs, someRows } from "./figures";

type Trace = {
  name?: string;
  x: unknown[];
  y: unknown[];
  customdata?: string[];
  error_y?: { array: number[]; arrayminus: number[] };
} & Record<string, unknown>;
const traces = (figure: Figure) => figure.data as unknown as Trace[];
const hostile = `<script>alert("x")</script><a href="javascript:alert(1)">`;

test("every figure survives JSON unchanged: plain arrays, no NaN, nothing undefined that matters", () => {
  const data = colouredImages(["a", "b"]);
  const figures = [
    accuracyByLayer(someRows()),
    dropByLayer(someRows()),
    historyFigure(someEpochs(3)),
    historyFigure({ a: someEpochs(2), b: someEpochs(2) }),
    imageGrid(data, [0, 1]),
    classHistogram(data),
    dropByOperator({ zero: someRows() }),
    agreementMap({
      operators: ["a", "b"],
      taus: [
        [1, NaN],
        [0, 1],
      ],
    }),
    dropByDose([{ dose: 1, rows: someRows() }]),
  ];
  for (const figure of figures) {
    const check = (value: unknown, place: string): void => {
      if (typeof value === "number") assert.ok(Number.isFinite(value), `${place} is ${value}`);
      if (typeof value !== "object" || value === null) return;
      assert.ok(Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype, `${place} is no plain data`);
      for (const [key, inner] of Object.entries(value)) check(inner, `${place}.${key}`);
    };
    check(figure, "figure");
    assert.equal(typeof figure.layout.title, "object");
  }
});

test("accuracyByLayer() has one mark per layer in forward order, channel-changing layers apart", () => {
  const rows = someRows();
  const [, changing, others] = traces(accuracyByLayer(rows));
  assert.deepEqual([changing.x, changing.name], [[1, 8, 14], "channel-changing layer"]);
  assert.equal(others.x.length, 16);
  const at = (position: number) => rows[position - 1];
  for (const { x, y, error_y: bars } of [changing, others]) {
    x.forEach((position, index) => {
      const row = at(position as number);
      assert.equal(y[index], 100 * row.accuracy);
      assert.ok(Math.abs((y[index] as number) + bars!.array[index] - 100 * row.high) < 1e-9);
      assert.ok(Math.abs((y[index] as number) - bars!.arrayminus[index] - 100 * row.low) < 1e-9);
    });
  }
  assert.notEqual((changing.marker as { color: string }).color, (others.marker as { color: string }).color);
});

test("accuracyByLayer() says which intervals its bars are: Wilson's, or those that hold while a sweep runs", () => {
  const titleOf = ({ layout }: Figure) => JSON.stringify(layout.title);
  assert.match(titleOf(accuracyByLayer(someRows())), /bars: 95 % Wilson intervals, at most/);
  const running = someRows().map((row) => ({ ...row, look: "running" as const }));
  assert.match(titleOf(accuracyByLayer(running)), /bars: 95 % intervals that hold at every look, at most/);
});

test("accuracyByLayer() names every layer, the stages, the intact accuracy and chance", () => {
  const rows = someRows("resnet56");
  const { xaxis, shapes = [], annotations = [] } = accuracyByLayer(rows).layout;
  assert.deepEqual(
    xaxis?.ticktext,
    rows.map((row) => row.layer),
  );
  const lines = shapes.filter((shape) => shape.type === "line");
  assert.deepEqual(
    lines.map((line) => [line.y0, line.line?.dash]),
    [
      [100 * rows[0].baseline, "dash"],
      [10, "dot"],
    ],
  );
  const texts = annotations.map((annotation) => annotation.text);
  assert.deepEqual(texts, ["stage 1", "stage 2", "stage 3", "intact<br>98.20 %", "chance<br>10 %"]);
});

test("figures of a sweep say what was done to how many layers, whatever the operator is called", () => {
  const headOf = (figure: Figure) => (figure.layout.title as { text: string }).text.split("<br>")[0];
  const title = (operator: string, ...sizes: number[]) => {
    const rows = someRows().map((row, index) => ({ ...row, operator, layers: sizes[index % sizes.length] }));
    const done = headOf(accuracyByLayer(rows)).replace("<b>Accuracy with ", "");
    assert.equal(headOf(dropByLayer(rows)), `<b>Drop in accuracy with ${done}`);
    return done.replace("</b>", "");
  };
  assert.equal(title("zero", 1), "one layer&#39;s kernel set to zero");
  assert.equal(title("noise:0.5", 1), "one layer changed by noise:0.5");
  assert.equal(title("zero", 2), "two layers&#39; kernels set to zero");
  assert.equal(title("mean", 3), "3 layers changed by mean");
  assert.equal(title("zero", 1, 2), "the kernels of one set of layers set to zero");
  assert.equal(title("an unnamed operator", 1, 2), "one set of layers changed by an unnamed operator");
  assert.equal(title(`<i>"`, 1), "one layer changed by &lt;i&gt;&quot;");
  const mixed = someRows().map((row, index) => ({ ...row, operator: index ? "mean" : "zero" }));
  assert.match(headOf(accuracyByLayer(mixed)), /one layer changed by zero or mean/);
});

test("dropByLayer() lists the worst layer first", () => {
  const rows = someRows();
  const { categoryarray } = dropByLayer(rows).layout.yaxis as { categoryarray: string[] };
  assert.equal(categoryarray[0], "stage3.block3.conv2");
  assert.equal(categoryarray.length, 19);
  const bars = traces(dropByLayer(rows)).flatMap((trace) => trace.y.map((name, index) => [name, trace.x[index]]));
  assert.deepEqual(new Map(bars as [string, number][]).get("stem.conv"), 100 * rows[0].drop);
});

test("historyFigure() leaves gaps where a loss is not finite or the test set was not looked at", () => {
  const [trainLoss, testLoss, trainAccuracy, testAccuracy, rate] = traces(historyFigure(someEpochs(3)));
  assert.deepEqual(trainLoss.y, [2, null, 2 / 3]);
  assert.deepEqual(testLoss.y, [null, null, 1]);
  assert.deepEqual(testAccuracy.y, [null, null, 80]);
  assert.deepEqual(trainAccuracy.x, [1, 2, 3]);
  assert.deepEqual([rate.xaxis, rate.y], ["x3", [0.1, 0.05, 0.1 / 3]]);
});

test("historyFigure() shows held-out images under their own name", () => {
  const epochs = someEpochs(2).map(({ testLoss, testAccuracy, ...rest }) => ({
    ...rest,
    heldOutLoss: testLoss,
    heldOutAccuracy: testAccuracy,
  }));
  const names = traces(historyFigure(epochs)).map(({ name }) => name);
  assert.deepEqual(names, ["training", "held-out", "training", "held-out", "learning rate"]);
  assert.match(JSON.stringify(historyFigure({ a: epochs }).layout.title), /solid: held-out, dotted: training/);
});

test("historyFigure() draws what happened within epochs as thin lines, also before the first epoch has ended", () => {
  const steps = [0.25, 0.5].map((epoch) => ({ epoch, rate: 0.1, trainLoss: 2, trainAccuracy: 0.3 }));
  const drawn = traces(historyFigure([], { steps }));
  assert.deepEqual(
    drawn.map(({ x, y, name }) => [name, x, y]),
    [
      ["training", [0.25, 0.5], [2, 2]],
      ["training", [0.25, 0.5], [30, 30]],
      ["learning rate", [0.25, 0.5], [0.1, 0.1]],
    ],
  );
  assert.equal(traces(historyFigure(someEpochs(3), { steps })).length, 3 + 5);
});

test("historyFigure() gives each of several runs a colour and one name in the legend", () => {
  const shown = traces(historyFigure({ "seed 1": someEpochs(2), "seed 2": someEpochs(2) })).filter(
    (trace) => trace.showlegend,
  );
  assert.deepEqual(
    shown.map((trace) => trace.name),
    ["seed 1", "seed 2"],
  );
});

test("imageGrid() holds the images' own pixels, enlarged without smoothing", () => {
  const { images = [], annotations = [] } = imageGrid(colouredImages(["cat", "dog"]), [2, 0], {
    columns: 2,
    zoom: 3,
  }).layout;
  const sheet = PNG.sync.read(Buffer.from(images[0].source!.split(",")[1], "base64"));
  const pixel = (x: number, y: number) => [
    ...sheet.data.subarray(4 * (y * sheet.width + x), 4 * (y * sheet.width + x) + 3),
  ];
  assert.deepEqual(
    [pixel(0, 0), pixel(95, 95), pixel(96, 0), pixel(116, 0)],
    [
      [0, 0, 255],
      [0, 0, 255],
      [255, 255, 255],
      [255, 0, 0],
    ],
  );
  assert.deepEqual(
    annotations.map(({ text }) => text),
    ["dog", "cat"],
  );
});

test("imageGrid() refuses an image that is not there, and a grid without columns", () => {
  const data = colouredImages(["cat", "dog"]);
  assert.throws(() => imageGrid(data, [3]), {
    name: "RangeError",
    message: "Cannot show image 3: the data set has images 0 to 2",
  });
  assert.throws(() => imageGrid(data, [0], { columns: 0 }), RangeError);
  assert.throws(() => imageGrid(data, []), RangeError);
});

test("classHistogram() counts the labels", () => {
  assert.deepEqual(traces(classHistogram(colouredImages(["cat", "dog"])))[0].y, [1, 2]);
});

test("figures cannot be drawn from nothing", () => {
  assert.throws(() => accuracyByLayer([]), {
    name: "RangeError",
    message: "Cannot draw accuracy by layer: expected at least one row but found none",
  });
  assert.throws(() => dropByLayer([]), RangeError);
  assert.throws(() => historyFigure([]), RangeError);
  assert.throws(() => historyFigure({ run: [] }), RangeError);
});

test("names and titles that look like markup are shown, not obeyed", () => {
  const rows = someRows().map((row) => ({ ...row, layer: hostile }));
  const data = colouredImages([hostile, hostile]);
  const figures = [
    accuracyByLayer(rows, { title: hostile }),
    dropByLayer(rows),
    imageGrid(data, [0], { title: hostile }),
    classHistogram(data),
    historyFigure({ [hostile]: someEpochs(2) }),
  ];
  for (const figure of figures) {
    const text = JSON.stringify(figure);
    assert.doesNotMatch(text, /<script|<a /);
    assert.match(text, /&lt;script&gt;/);
  }
});
