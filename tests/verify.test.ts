// `npm run verify`: what makes two runs of a notebook differ is found and named, and nothing else is.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { noise } from "../lib/ablations/operators";
import { compareNotebooks } from "../lib/cli/verify/compare";
import type { Notebook } from "../lib/cli/verify/outputs";
import { verifyNotebooks } from "../lib/cli/verify/notebooks";
import { differenceText, outcome } from "../lib/cli/verify/report";
import type { Dataset } from "../lib/data/dataset";
import { accuracyByLayer } from "../lib/figures/layers";
import type { Network } from "../lib/networks/network";
import { draftBundle, tableBundle } from "../lib/notebook/bundle";
import { rowsOf } from "../lib/results/rows";
import { verdictsOf } from "../lib/results/verdict";
import { sweep } from "../lib/sweeps/sweep";
import { ablationTable } from "../lib/tables/ablations";
import { factTable } from "../lib/tables/provenance";
import { tableOf } from "../lib/tables/table";
import { smallDataset, smallNetwork } from "./small";

/** A notebook whose only code cell shows these bundles. */
function shows(...bundles: readonly object[]): Notebook {
  const outputs = bundles.map((data) => ({ output_type: "display_data", data: { ...data } }));
  return { cells: [{ cell_type: "code", source: "await show(…)", metadata: {}, outputs }] };
}

const MACHINE = { processor: "one", cores: 2, backend: "tensorflow", tensorflow: "2", oneDNN: true, gpu: false };
const facts = (more: object = {}) => tableBundle(factTable({ ...MACHINE, images: 40, ...more }), {});
const texts = (one: string, other: string, options = { exact: false }) =>
  compareNotebooks(shows({ "text/markdown": one }), shows({ "text/markdown": other }), options).differences;
const tables = (one: readonly object[], other: readonly object[], options = { exact: false }) =>
  compareNotebooks(shows(tableBundle(tableOf(one), {})), shows(tableBundle(tableOf(other), {})), options).differences;

interface Made {
  readonly network?: Network;
  readonly dataset?: Dataset;
  readonly seed?: number;
  readonly digits?: number;
  readonly order?: "forward" | "drop";
}

/** What a sweep's cell shows: table, figure and provenance. */
async function sweptNotebook({ network = smallNetwork(), dataset = smallDataset(40), seed = 1, ...shown }: Made) {
  const rows = rowsOf(await sweep(network, dataset, { operator: noise(2), seed }));
  const table = tableBundle(ablationTable(verdictsOf(rows), { order: shown.order }), {
    caption: "A small network, 40 images",
    digits: shown.digits === undefined ? {} : { "drop pp": shown.digits },
  });
  return shows(table, draftBundle(accuracyByLayer(rows)), facts({ seed: 1 }));
}

/** The network with another weight, the first of one of its kernels. */
function withWeight(network: Network, layer: string, weight: number): Network {
  const { shape, data } = network.parameters.get(`${layer}.kernel`)!;
  const changed = { shape, data: data.map((value, index) => (index === 0 ? weight : value)) };
  return { ...network, parameters: new Map(network.parameters).set(`${layer}.kernel`, changed) };
}

test("a weight, a label, a seed, a rounding and the order of rows: each change is found, in its table and row, and named", async () => {
  const was = await sweptNotebook({});
  const found = async (made: Made) => compareNotebooks(was, await sweptNotebook(made));
  const same = await found({});
  assert.deepEqual(same, { exact: true, tables: 2, figures: 1, texts: 0, differences: [] });
  const dataset = smallDataset(40);
  const labels = dataset.labels.map((label, index) => (index === 7 ? (label + 1) % 10 : label));
  const mutations: [string, Made, RegExp][] = [
    [
      "a weight",
      { network: withWeight(smallNetwork(), "stage2.block1.conv1", 3) },
      /column (loss nats|accuracy %|drop pp)/,
    ],
    ["a label", { dataset: { ...dataset, labels } }, /column (loss nats|accuracy %|drop pp)/],
    ["a seed", { seed: 2 }, /column (loss nats|accuracy %|drop pp)/],
    ["a rounding", { digits: 1 }, /row stem\.conv, column drop pp: was −?\d+\.\d\d, is −?\d+\.\d \(exactly\)/],
    ["the order of rows", { order: "drop" }, /column order of rows: was (\S+), is (?!\1)/],
  ];
  for (const [name, made, place] of mutations) {
    const { differences } = await found(made);
    const lines = differences.map(differenceText);
    assert.ok(lines.length > 0 && lines.every((line) => line.startsWith("cell 1, ")), name);
    const line = lines.find((each) => place.test(each)) ?? "";
    assert.match(line, /table "A small network, 40 images", row (stem|stage)/, `${name}: ${lines.join("\n")}`);
  }
  assert.ok(
    (await found({ seed: 2 })).differences.some(({ output }) => output.startsWith("figure")),
    "and in the figure",
  );
});

test("between machines counts may differ by three images, shares by what these make, and words not at all", () => {
  const row = { layer: "stem.conv", "drop pp": 1.5, lost: 100, p: 0.04, weights: 432, verdict: "trivial" };
  const off = (change: object) =>
    tables([row], [{ ...row, ...change }]).map(({ column, tolerance }) => [column, tolerance]);
  assert.deepEqual(off({ lost: 103, "drop pp": 1.53, p: 0.05 }), []);
  assert.deepEqual(off({ lost: 104 }), [["lost", "± 3"]]);
  assert.deepEqual(off({ "drop pp": 1.55 }), [["drop pp", "± 0.04"]]);
  assert.deepEqual(off({ p: 0.08 }), [["p", "± 0.02"]]);
  assert.deepEqual(off({ weights: 433 }), [["weights", "exact"]]);
  assert.deepEqual(off({ verdict: "undecided" }), [["verdict", "exact"]]);
  assert.deepEqual(
    tables([row], [{ ...row, lost: 101 }], { exact: true }).length,
    1,
    "on the same machine nothing may differ",
  );
});

test("rounding errors may be others between machines, as long as they are rounding errors", () => {
  const off = (differs: number, digits = 8) => {
    const [was, is] = [0.00000017, differs].map((value) =>
      tableBundle(tableOf([{ "differs by": value }]), { digits: { "differs by": digits } }),
    );
    return compareNotebooks(shows(was), shows(is), { exact: false }).differences.map(({ tolerance }) => tolerance);
  };
  assert.deepEqual([off(0.0000029), off(0.00052)], [[], ["± 0.0001"]]);
});

test("names hold their digits, texts their words, and numbers in texts are allowed what their kind is", () => {
  assert.deepEqual(texts("A drop of 0.53 pp in 9,123 images.", "A drop of 0.51 pp in 9,121 images."), []);
  assert.equal(texts("A drop of 0.53 pp.", "A drop of 0.63 pp.").length, 1);
  assert.equal(texts("stage1.block2.conv1 of resnet20-seed1", "stage1.block3.conv1 of resnet20-seed1").length, 1);
  assert.equal(texts("resnet20-seed1", "resnet20-seed2").length, 1);
  assert.equal(texts("the prediction holds", "the prediction is refuted").length, 1);
});

test("times, rates, hardware and pictures do not count; parameters do", () => {
  const line = (time: string, rate: string) => `✓ zeroing: 1,000 images in ${time} · ${rate} images/s`;
  assert.deepEqual(texts(line("3.5 s", "269"), line("1 min 02 s", "16"), { exact: true }), []);
  assert.equal(texts(line("3.5 s", "269"), line("3.5 s", "269").replace("1,000", "999"), { exact: true }).length, 1);
  const picture = (png: string) => shows({ ...draftBundle({ data: [], layout: {} }), "image/png": png });
  assert.deepEqual(compareNotebooks(picture("a"), picture("b")).differences, []);
  const seconds = (value: number) => shows(tableBundle(tableOf([{ epoch: 1, seconds: value, "images/s": value }]), {}));
  assert.deepEqual(compareNotebooks(seconds(1), seconds(2), { exact: true }).differences, []);
  const elsewhere = compareNotebooks(shows(facts()), shows(facts({ processor: "two", commit: "abc" })));
  assert.deepEqual([elsewhere.exact, elsewhere.differences], [false, []], "another machine, so not to the last digit");
  const [parameter] = compareNotebooks(shows(facts()), shows(facts({ images: 50 }))).differences;
  assert.equal(differenceText(parameter), "cell 1, table, row images, column value: was 40, is 50 (exactly)");
});

test("what is missing, added or of another kind is named", () => {
  const [text, figure] = [{ "text/markdown": "one" }, draftBundle({ data: [{ type: "bar", y: [1, 2] }], layout: {} })];
  const lines = (was: object[], is: object[]) =>
    compareNotebooks(shows(...was), shows(...is)).differences.map(differenceText);
  assert.deepEqual(lines([text, figure], [text]), ["cell 1, outputs: was text, figure, is text (exactly)"]);
  assert.deepEqual(lines([text], [figure]), ["cell 1, text: was text, is figure (exactly)"]);
  const longer = draftBundle({ data: [{ type: "bar", y: [1, 2, 3] }], layout: {} });
  assert.deepEqual(lines([figure], [longer]), ["cell 1, figure, row data[0].y[2]: was undefined, is 3 (exactly)"]);
  const row = { layer: "a", drop: 1 };
  assert.deepEqual(tables([row], [row, row]).map(differenceText), [
    "cell 1, table, column rows: was 1 rows, is 2 rows (exactly)",
  ]);
  assert.deepEqual(
    tables([row], [{ layer: "a" }]).map(({ column }) => column),
    ["columns"],
  );
  const none = compareNotebooks(shows(text), { cells: [] });
  assert.deepEqual(none.differences.map(differenceText), ["cell 1, cells: was a cell, is no such cell (exactly)"]);
});

test("a committed notebook, executed again, gives the same numbers, but for a cell that was altered", async (context) => {
  const folder = mkdtempSync(join(tmpdir(), "verify-"));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const text = readFileSync("notebooks/12_your_hypothesis.ipynb", "utf8");
  const notebook = JSON.parse(text);
  const table = notebook.cells.flatMap((cell: { outputs?: object[] }) => cell.outputs ?? [])[1].data;
  const html: string = [table["text/html"]].flat().join("");
  table["text/html"] = html.replace(/(stage2\.block1\.conv1<\/td><td[^>]*>)([\w-]+)/, "$1sometimes");
  writeFileSync(join(folder, "12_your_hypothesis.ipynb"), JSON.stringify(notebook));
  writeFileSync(join(folder, "13_damaged.ipynb"), "{");
  const [result, damaged] = await verifyNotebooks({ folder });
  assert.ok("differences" in result, JSON.stringify(result));
  assert.equal(result.differences.length, 1, JSON.stringify(result.differences));
  const [{ cell, row, column, was }] = result.differences;
  assert.deepEqual([cell, row, column, was], [4, "stage2.block1.conv1", "verdict", "sometimes"]);
  assert.ok(
    "failure" in damaged && /not JSON/.test(damaged.failure),
    "and a notebook that fails does not end the others",
  );
  assert.match(outcome(result), /ONE DIFFERENCE among three tables, one figure, /);
});
