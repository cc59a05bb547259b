// Tables: rows in, columns out, and the three ways to write them down.
import assert from "node:assert/strict";
import { test } from "node:test";
import { layersOf } from "../lib/networks/layers";
import { specOf } from "../lib/networks/spec";
import { verdictsOf } from "../lib/results/verdict";
import { ablationTable, verdictTable } from "../lib/tables/ablations";
import { historyTable, layerTable } from "../lib/tables/networks";
import { toHtml, toMarkdown, toText } from "../lib/tables/render";
import { tableOf } from "../lib/tables/table";
import { countedRow, someEpochs, someRows } from "./figures";

const hostile = `<img src=x onerror="alert('x')">&|*\n\u202e`;

test("ablationTable() has one line per layer in forward order, in percent and percentage points", () => {
  const [stem, second] = ablationTable(someRows()).objects() as Record<string, unknown>[];
  assert.equal(ablationTable(someRows()).numRows(), 19);
  assert.deepEqual(stem, {
    layer: "stem.conv",
    channels: "changes",
    weights: 432,
    "accuracy %": 100,
    "95 % interval": "99.62 to 100.00",
    "drop pp": -5,
    lost: 0,
    gained: 50,
    flips: 50,
  });
  assert.deepEqual([second.layer, second.channels, second["drop pp"]], ["stage1.block1.conv1", "keeps", 0]);
});

test("ablationTable() can put the largest drop first, and shows verdicts where rows have them", () => {
  const table = ablationTable(verdictsOf(someRows()), { order: "drop" });
  const [first] = table.objects() as Record<string, unknown>[];
  assert.deepEqual([first.layer, first.verdict], ["stage3.block3.conv2", "non-trivial"]);
  assert.deepEqual(
    table.columnNames().slice(0, 5),
    ["layer", "verdict", "harm", "drop pp", "drop ≤ pp"],
    "first things first",
  );
  assert.ok((first["drop ≤ pp"] as number) > (first["drop pp"] as number));
});

/** Two layers of a sweep that stops and holds losses; only the first was stopped. */
function watchedRows() {
  const loss = { lossChange: 1.2346, lossLow: 1.1346, lossHigh: 1.3346 };
  const better = { lossChange: -0.0401, lossLow: -0.0501, lossHigh: -0.0301 };
  const first = countedRow("stage1.block1.conv1", 60, 2, { images: 150, look: "stopped", ...loss });
  return verdictsOf([first, countedRow("stage2.block1.shortcut", 30, 40, { look: "complete", ...better })]);
}

test("ablationTable() says which ablations were stopped after how many images, and how the cross-entropy changed", () => {
  const [first, second] = ablationTable(watchedRows()).objects() as Record<string, unknown>[];
  assert.deepEqual([first["stopped at"], first["loss nats"]], [150, "+1.235 ± 0.100"]);
  assert.deepEqual([second["stopped at"], second["loss nats"]], [null, "−0.040 ± 0.010"]);
  assert.deepEqual([first.verdict, second.verdict], ["non-trivial", "trivial"]);
  const all = ablationTable([countedRow("a", 1, 0, { look: "complete" }), countedRow("b", 2, 0, { look: "running" })]);
  assert.deepEqual(all.columnNames(), ablationTable(someRows()).columnNames(), "no column where nothing was stopped");
  const partly = ablationTable([countedRow("a", 1, 0), countedRow("b", 2, 0, { lossChange: 0, lossHigh: 0.5 })]);
  assert.deepEqual(partly.array("loss nats"), [null, "0.000 ± 0.500"]);
  assert.deepEqual(ablationTable([countedRow("a", 1, 0, { lossChange: 0.25 })]).array("loss nats"), ["+0.250"]);
});

test("ablationTable() with everything fits into a terminal of 80 characters, and into HTML", () => {
  const text = toText(ablationTable(watchedRows()), { width: 80 });
  assert.ok(Math.max(...text.split("\n").map((line) => line.length)) <= 80, text);
  assert.match(text, /^stage1\.block1\.conv1 +non-trivial +yes .* 150\b/m);
  assert.match(text, /\n\.\.\. and 8 more columns: accuracy %, \.\.\.$/);
  assert.match(toHtml(ablationTable(watchedRows())), />trivial<.*>−0\.040 ± 0\.010</);
});

test("toText() leaves out no column where all fit, and never the first", () => {
  const table = tableOf([{ layer: "a", verdict: "trivial" }]);
  assert.equal(toText(table, { width: 14 }), toText(table));
  assert.equal(toText(table, { width: 13 }), "layer\n-----\na\n... and 1 more column: verdict");
  assert.equal(toText(table, { width: 1 }), toText(table, { width: 13 }));
});

test("verdictTable() has the same columns for every kind of sweep, whichever row comes first", () => {
  const [stopped, whole] = watchedRows();
  const plain = verdictsOf(someRows());
  const idle = verdictsOf([countedRow("idle", 0, 0, { unchanged: true })]);
  const columns = verdictTable(plain).columnNames();
  for (const rows of [[stopped, whole], [whole, stopped], idle, [...plain, stopped], [stopped, ...plain]]) {
    assert.deepEqual(verdictTable(rows).columnNames(), columns);
  }
  assert.deepEqual(columns.slice(-5), ["lossChange", "lossLow", "lossHigh", "look", "unchanged"]);
  const [header, line] = verdictTable(idle).toCSV().split("\n");
  assert.equal(header.split(",").length, line.split(",").length);
  assert.match(line, /^idle,.*,unchanged,false,.*,,,,,true$/, "no losses, nobody looked, unchanged");
});

test("layerTable() shows kernels and channels", () => {
  const [stem] = layerTable(layersOf(specOf("resnet20"))).objects() as Record<string, unknown>[];
  assert.deepEqual(stem, {
    layer: "stem.conv",
    stage: 0,
    block: 0,
    kernel: "3 × 3",
    inputs: 3,
    outputs: 16,
    stride: 1,
    weights: 432,
    channels: "changes",
  });
});

test("historyTable() leaves empty what was not measured", () => {
  const epochs = someEpochs(3).map((epoch) => ({ ...epoch, seconds: 12.4, imagesPerSecond: 512.3 }));
  const lines = toText(historyTable(epochs)).split("\n");
  assert.match(lines[2], /^ +1 +0\.1000 +2\.000 +40\.00 +12 +512$/);
  assert.match(lines[4], /0\.0333 +0\.667 +73\.33 +1 +80\.00/);
  assert.match(lines[3], /0\.0500 +not a number +65\.00 +12/);
});

test("historyTable() names held-out images where those were watched", () => {
  const epochs = [{ epoch: 1, rate: 0.1, trainLoss: 1, trainAccuracy: 0.5, seconds: 1, imagesPerSecond: 1 }];
  const names = historyTable(epochs.map((epoch) => ({ ...epoch, heldOutLoss: 2, heldOutAccuracy: 0.25 })));
  assert.deepEqual(names.columnNames().slice(4, 6), ["held-out loss", "held-out accuracy %"]);
  assert.equal(names.get("held-out accuracy %", 0), 25);
});

test("toText() sets numbers right, text left, thousands apart", () => {
  const table = tableOf([
    { name: "a", count: 12345, "share %": -3.14159, ok: true },
    { name: "bcd", count: 7, "share %": 10, ok: false },
  ]);
  assert.equal(
    toText(table, { caption: "Title" }),
    [
      "Title",
      "name   count  share %  ok",
      "----  ------  -------  ---",
      "a     12,345    −3.14  yes",
      "bcd        7    10.00  no",
    ].join("\n"),
  );
});

test("toHtml() counts the rows that it leaves out", () => {
  const table = tableOf(Array.from({ length: 1234 }, (_, index) => ({ index })));
  assert.match(toHtml(table, { limit: 10 }), /… 1,224 more rows/);
  assert.equal(toHtml(table, { limit: 10 }).match(/<tr/g)?.length, 11);
  assert.match(toText(table, { limit: 1233 }), /\.\.\. 1 more row$/);
  assert.doesNotMatch(toHtml(table, { limit: 1234 }), /more row/);
});

test("toHtml() aligns by attribute and by style, for pages that drop one of them", () => {
  const html = toHtml(tableOf([{ layer: "a", drop: 0.25 }]), { align: { layer: "center" }, digits: { drop: 1 } });
  assert.match(html, /<td align="right" style="text-align:right;[^"]*">0\.3<\/td>/);
  assert.match(html, /<td align="center"/);
});

test("names that look like markup are shown, not obeyed, in HTML and Markdown", () => {
  const table = tableOf([{ [hostile]: hostile }]);
  const html = toHtml(table, { caption: hostile });
  assert.equal(html.match(/&lt;img src=x onerror=&quot;alert\(&#39;x&#39;\)&quot;&gt;&amp;\|\* /g)?.length, 3);
  assert.doesNotMatch(html, /<img|\u202e/);
  const markdown = toMarkdown(table);
  assert.equal(markdown.split("\n").length, 3);
  assert.match(markdown.split("\n")[2], /^\| &lt;img src=x onerror=.*&amp;\\\|\\\* +\|$/);
});

test("tableOf() has every field of every record under its name, empty where a record has none", () => {
  const table = tableOf([
    { layer: "a", verdict: "trivial" },
    { layer: "b", lossChange: 0.5, verdict: undefined },
    { stopped: false, layer: "c" },
  ]);
  assert.deepEqual(table.columnNames(), ["layer", "verdict", "lossChange", "stopped"]);
  assert.deepEqual(
    table.objects().map((record) => Object.values(record)),
    [
      ["a", "trivial", null, null],
      ["b", null, 0.5, null],
      ["c", null, null, false],
    ],
  );
  assert.match(toText(table), /^a +trivial$/m);
  assert.equal(tableOf([]).numRows(), 0);
});

test("a table of 200,000 rows is written as any other, in every form", () => {
  const table = tableOf(
    Array.from({ length: 200_000 }, (_, index) => ({ index, share: index / 3, name: `row ${index}` })),
  );
  for (const write of [toText, toHtml, toMarkdown]) {
    const text = write(table, { limit: 2 });
    assert.match(text, /199,998 more rows/);
    assert.equal(text.match(/row \d/g)?.length, 2);
  }
  assert.equal(toText(table, { limit: 200_000 }).split("\n").length, 200_002);
});
