// What values look like when they are shown: rows, sweeps, runs, networks, tensors, data sets, and what has no look.
import assert from "node:assert/strict";
import { test } from "node:test";
import { tf } from "../lib/engine/backend";
import type { Figure } from "../lib/figures/style";
import { type Html, resultView, viewOf } from "../lib/notebook/view";
import { loadRun } from "../lib/runs/run-folder";
import { sweep } from "../lib/sweeps/sweep";
import { dataFrame } from "../lib/tables/data-frame";
import { type Table, tableOf } from "../lib/tables/table";
import { accuracyByLayer } from "../lib/figures/layers";
import { someRows } from "./figures";
import { expectNoLeak, smallDataset, smallNetwork } from "./small";

const tableIn = (value: unknown): Table => viewOf(value).what as Table;
const factsIn = (value: unknown): Record<string, string> =>
  Object.fromEntries(
    (tableIn(value).objects() as { fact: string; value: string }[]).map(({ fact, value }) => [fact, value]),
  );

test("a figure, a table and HTML are shown as they are", () => {
  const [figure, table, html] = [
    accuracyByLayer(someRows()),
    tableOf([{ a: 1 }]),
    { html: "<b>a</b>", text: "a" } satisfies Html,
  ];
  for (const what of [figure, table, html]) assert.equal(viewOf(what).what, what);
});

test("rows of a sweep are its table, other records a table of their fields, one record a list of facts", () => {
  assert.deepEqual(tableIn(someRows()).columnNames().slice(0, 2), ["layer", "drop pp"]);
  assert.deepEqual(tableIn([{ a: 1 }, { b: "x" }]).columnNames(), ["a", "b"]);
  assert.deepEqual(factsIn({ margin: 0.005 }), { margin: "0.005" });
});

test("a sweep, also within what sweepLive() gives, is the table of its verdicts under what it is about", async () => {
  const found = await sweep(smallNetwork(), smallDataset(12));
  for (const value of [found, { sweep: found, verdicts: [], rows: [] }]) {
    const { what, caption } = viewOf(value);
    assert.ok((what as Table).columnNames().includes("verdict"));
    assert.match(caption!, /one layer's kernel set to zero, \d+ images$/);
  }
});

test("a danfojs frame is a table of its columns, which loads no danfojs", async () => {
  const table = tableIn(
    await dataFrame([
      { layer: "a", cost: 0.5 },
      { layer: "b", cost: 1.5 },
    ]),
  );
  assert.deepEqual(table.objects(), [
    { layer: "a", cost: 0.5 },
    { layer: "b", cost: 1.5 },
  ]);
});

test("a tensor is its shape, type, range and first numbers, and stays as it was", async () => {
  await expectNoLeak(() => {
    const tensor = tf.tensor2d([3, 1, 2, 9, 8, 7, 6, 5, 4, 0], [2, 5], "int32");
    assert.deepEqual(factsIn(tensor), {
      shape: "[2, 5]",
      type: "int32",
      least: "0",
      greatest: "9",
      first: "3, 1, 2, 9, 8, 7, 6, 5, ...",
    });
    assert.ok(!tensor.isDisposed);
    tensor.dispose();
  });
});

test("a network and a run are cards of what they are, with a picture of their blocks", async () => {
  const card = (value: unknown) => viewOf(value).what as Html;
  const { html, text } = card(await loadRun("data/runs/resnet20-seed1"));
  for (const [fact, value] of Object.entries({
    architecture: "resnet20",
    "test accuracy": "90.83 %",
    "trained on": "cifar10",
  }))
    assert.match(text, new RegExp(`^${fact} +${value}$`, "m"));
  assert.match(text, /\nstem: one convolution, 16 channels, 32 x 32 pixels; stage 1: three blocks of two convolutions/);
  assert.match(html, /<img src="data:image\/svg\+xml;base64,[\w+/=]+" alt="stem: one convolution/);
  const hostile = { ...smallNetwork(), name: '<img src=x onerror="alert(1)">' };
  assert.doesNotMatch(card(hostile).html, /<img src=x/);
});

test("the result of a cell is shown by its look; text, numbers and nested records are left to be printed", () => {
  for (const value of [accuracyByLayer(someRows()), someRows(), smallNetwork(), { margin: 0.005 }, [{ a: 1 }]])
    assert.ok(resultView(value), JSON.stringify(value).slice(0, 60));
  for (const value of [{}, [], { a: { b: 1 } }, [{ a: [1] }], [1, 2], new Uint8Array(3), new Map(), new Date(0)])
    assert.equal(resultView(value), undefined, JSON.stringify(value));
});

test("a dataset is its first pictures under its name and number of images", () => {
  const data = smallDataset(12);
  const { layout } = viewOf(data).what as Figure;
  assert.match(
    (layout.title as { text: string }).text,
    new RegExp(`${data.name}, ${data.split}: ${data.count} images`),
  );
});

test("what has no look is named, with what would have one", () => {
  for (const [value, name] of [
    [3, "number"],
    [null, "null"],
    [[1, 2], "an array of 2"],
    [new Map(), "object"],
  ] as const)
    assert.throws(() => viewOf(value), {
      name: "TypeError",
      message: `Cannot show ${name}: expected HTML, a figure, a table, a DataFrame, a tensor, a result of sweepLive, exact verdicts, a sweep, a run, a network, a dataset, rows, a record; console.log() prints anything`,
    });
});
