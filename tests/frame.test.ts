// Data frames: every field of every row under its name and with its type, and no method hidden.
import assert from "node:assert/strict";
import { test } from "node:test";
import { dataFrame } from "../lib/tables/data-frame";
import { verdictsOf } from "../lib/results/verdict";
import { countedRow, someRows } from "./figures";

test("dataFrame() gives the rows as a danfojs DataFrame", async () => {
  const rows = someRows();
  const frame = await dataFrame(rows);
  assert.deepEqual(frame.shape, [19, Object.keys(rows[0]).length]);
  assert.deepEqual(frame.column("layer").values.slice(0, 2), ["stem.conv", "stage1.block1.conv1"]);
});

test("dataFrame() keeps each field in its own column where rows have different ones, NaN where a row has none", async () => {
  const loss = { lossChange: 1.5, lossLow: 1, lossHigh: 2 };
  const verdicts = verdictsOf([
    countedRow("a", 60, 2, { images: 150, look: "stopped", ...loss }),
    countedRow("b", 3, 0, { unchanged: true }),
    countedRow("c", 30, 40),
  ]);
  const frame = await dataFrame(verdicts);
  const fields = [...new Set(verdicts.flatMap((row) => Object.keys(row)))];
  assert.deepEqual(
    frame.columns,
    fields.map((field) => (field === "drop" ? "drop_" : field)),
  );
  for (const field of fields)
    assert.deepEqual(
      frame.column(field === "drop" ? "drop_" : field).values,
      verdicts.map((row) => (row as unknown as Record<string, unknown>)[field] ?? NaN),
      field,
    );
  const types = Object.fromEntries(fields.map((field, index) => [field, frame.dtypes[index]]));
  const { layer, images, accuracy, lossChange, look, unchanged, harm, verdict } = types;
  assert.deepEqual([layer, images, accuracy, lossChange], ["string", "int32", "float32", "float32"]);
  assert.deepEqual([look, unchanged, harm, verdict], ["string", "boolean", "boolean", "string"]);
  assert.deepEqual(frame.column("lossChange").isNa().values, [false, true, true]);
  assert.equal(frame.column("lossChange").mean(), 1.5);
});

test("dataFrame() says the type of a column by all of its values, and writes as text what is none of them", async () => {
  const frame = await dataFrame([
    { late: 0, mixed: 1, list: [1, 2], big: 3e9, none: undefined },
    { late: 0.5, mixed: "two", list: { a: 1 }, big: 1, none: null },
  ]);
  assert.deepEqual(frame.dtypes, ["float32", "string", "string", "float32", "float32"]);
  assert.deepEqual(frame.values, [
    [0, "1", "[1,2]", 3e9, NaN],
    [0.5, "two", '{"a":1}', 1, NaN],
  ]);
  assert.deepEqual((await dataFrame([])).shape, [0, 0]);
});

test("dataFrame() lets no column hide a method: its name gets an underscore", async () => {
  const names = [
    "columns",
    "values",
    "shape",
    "index",
    "size",
    "count",
    "drop",
    "drop_",
    "mean",
    "$data",
    "constructor",
  ];
  const frame = await dataFrame([1, 2, 3].map((value) => Object.fromEntries(names.map((name) => [name, value]))));
  assert.deepEqual(frame.columns, [
    "columns_",
    "values_",
    "shape_",
    "index_",
    "size_",
    "count_",
    "drop__",
    "drop_",
    "mean_",
    "$data_",
    "constructor_",
  ]);
  assert.deepEqual(frame.shape, [3, 11]);
  assert.deepEqual(frame.drop({ columns: ["mean_"] }).shape, [3, 10]);
  assert.deepEqual(frame.head(1).values, [names.map(() => 1)]);
  assert.deepEqual(frame.count({ axis: 0 }).values.length, 11);
});

test("dataFrame() groups numbers: the mean of a group with a missing one is missing, not smaller", async () => {
  const rows = [
    { stage: 1, "drop pp": 2 },
    { stage: 1, "drop pp": 4, loss: 3 },
    { stage: 2, "drop pp": 5, loss: 1 },
  ];
  const means = (await dataFrame(rows)).groupby(["stage"]).col(["drop pp", "loss"]).mean();
  assert.deepEqual(means.columns, ["stage", "drop pp_mean", "loss_mean"]);
  assert.deepEqual(means.values, [
    [1, 3, NaN],
    [2, 5, 1],
  ]);
});
