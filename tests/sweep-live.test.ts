// A sweep in a cell: what is displayed, how it is interrupted, that the cell run again goes on, and what it returns.
import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, afterEach, test } from "node:test";
import { dropByLayer } from "../lib/figures/layers";
import { layersOf } from "../lib/networks/layers";
import { sweepLive } from "../lib/notebook/sweep-live";
import { withProgress } from "../lib/notebook/with-progress";
import { rowsOf } from "../lib/results/rows";
import { synergiesOf } from "../lib/results/synergy";
import { verdictsOf } from "../lib/results/verdict";
import { pairs, singles } from "../lib/ablations/sets";
import { sweep } from "../lib/sweeps/sweep";
import { type Message, pretendKernel, slowClock, textsOf } from "./cell";
import { expectNoLeak, smallDataset, smallNetwork } from "./small";

const FOLDER = mkdtempSync(path.join(tmpdir(), "nontrivial-sweep-live-"));
const FOLDER_SYMBOL = Symbol.for("nontrivial.results");
const PLOT = "application/vnd.plotly.v1+json";
const [NETWORK, TEST] = [smallNetwork(), smallDataset(200)];
const LAYERS = layersOf(NETWORK.spec).slice(1, 4);
let kernel: ReturnType<typeof pretendKernel>;

afterEach(() => kernel?.end());
after(() => rmSync(FOLDER, { recursive: true, force: true }));

const inFolder = (name: string) => path.join(FOLDER, name);
const options = (name: string) => ({ layers: LAYERS, results: inFolder(name), clock: slowClock() });
const isLine = (text: string) => text.includes(NETWORK.name) && text.includes("█");

/** The images that a table or a figure is about, in the order in which they were displayed. */
const seenIn = (messages: readonly Message[], what: string) =>
  messages
    .filter(({ data }) => what in data)
    .map(({ data }) => /([\d,]+) (?:test )?images/.exec(JSON.stringify(data[what]))![1]);

test("sweepLive() shows a line, a table and a figure that change in place, and returns what sweep() gives", async () => {
  kernel = pretendKernel();
  const { sweep: swept, rows, verdicts, interrupted } = await sweepLive(NETWORK, TEST, options("whole"));
  const whole = await sweep(NETWORK, TEST, { layers: LAYERS });
  assert.deepEqual([swept, rows, interrupted], [whole, rowsOf(whole), false]);
  assert.deepEqual(verdicts, verdictsOf(rowsOf(whole)));
  const ids = new Map<string, Message[]>();
  for (const message of kernel.messages) {
    const id = message.transient.display_id!;
    ids.set(id, [...(ids.get(id) ?? []), message]);
  }
  assert.equal(ids.size, 3);
  for (const [first, ...others] of ids.values()) assert.ok(!first.update && others.every(({ update }) => update));
  const [line, table, figure] = [...ids.values()].map((messages) => messages.at(-1)!.data);
  assert.match(String(line["text/plain"]), /^✓ resnet8-w4, one layer's kernel set to zero: 200 images in /);
  assert.match(
    String(table["text/plain"]),
    /^resnet8-w4, one layer's kernel set to zero, 200 images\nlayer .* verdict/,
  );
  assert.ok("image/png" in figure);
});

test("sweepLive() draws table and figure of the same images", async () => {
  kernel = pretendKernel();
  await sweepLive(NETWORK, TEST, options("together"));
  const tables = seenIn(kernel.messages, "text/html");
  const figures = kernel.messages.filter(({ data }) => PLOT in data);
  assert.equal(tables[0], seenIn(figures, PLOT)[0]);
  assert.equal(tables.at(-1), seenIn(figures, PLOT).at(-1));
  const pictures = kernel.messages.filter(({ data }) => "image/png" in data && !(PLOT in data)).length;
  assert.ok(tables.length <= 2 + pictures + 1, `${tables.length} tables beside ${pictures} pictures`);
});

test("sweepLive() sets each table right before the figure of the same images, never while that is still drawn", async () => {
  kernel = pretendKernel();
  await sweepLive(NETWORK, TEST, options("moment"));
  const { messages } = kernel;
  const id = messages.find(({ data }) => PLOT in data)!.transient.display_id;
  const tables = messages.flatMap(({ data }, index) => ("text/html" in data ? [index] : []));
  assert.ok(tables.length >= 2);
  for (const index of tables) assert.equal(messages[index + 1]?.transient.display_id, id, "a figure follows at once");
});

test("sweepLive() shows the last table also where the figure cannot be saved", async () => {
  kernel = pretendKernel();
  await assert.rejects(sweepLive(NETWORK, TEST, { ...options("unsaved"), save: "../no" }), RangeError);
  assert.equal(seenIn(kernel.messages, "text/html").at(-1), "200");
});

test("sweepLive() stops at an interrupt, keeps what there is, and goes on with the same result when it is run again", async () => {
  let lines = 0;
  kernel = pretendKernel((text) => isLine(text) && ++lines === 2);
  const first = await sweepLive(NETWORK, TEST, { ...options("interrupted"), save: "unsaved", dir: FOLDER });
  assert.equal(first.interrupted, true);
  assert.equal(first.sweep.labels.length, 100);
  assert.equal(first.verdicts.length, LAYERS.length);
  assert.ok(
    textsOf(kernel.messages).some((text) => /^■ .*: 100 of 200 images .* stopped; run again, it goes on$/.test(text)),
  );
  assert.match(
    textsOf(kernel.messages)
      .filter((text) => text.includes("verdict"))
      .at(-1)!,
    /, 100 images\n/,
  );
  assert.ok(!readdirSync(FOLDER).includes("unsaved.json"), "half a figure is not saved");
  kernel.end();
  kernel = pretendKernel();
  const second = await sweepLive(NETWORK, TEST, options("interrupted"));
  assert.match(textsOf(kernel.messages)[0], /150 of 200 images/);
  assert.deepEqual(second.sweep, await sweep(NETWORK, TEST, { layers: LAYERS }));
});

test("sweepLive() throws what came before there was anything to keep", async () => {
  kernel = pretendKernel();
  await assert.rejects(sweepLive(NETWORK, TEST, { layers: [] }), /expected at least one layer/);
  await assert.rejects(sweepLive(NETWORK, TEST, { ...options("bad"), margin: 2 }), RangeError);
});

test("sweepLive() keeps results in data/results unless it is told where, or not to", async () => {
  const before = process.cwd();
  process.chdir(FOLDER);
  try {
    kernel = pretendKernel();
    await sweepLive(NETWORK, TEST, { layers: LAYERS, results: false, figure: false });
    assert.ok(!readdirSync(FOLDER).includes("data"));
    await sweepLive(NETWORK, TEST, { layers: LAYERS, figure: false });
    assert.equal(readdirSync(path.join("data", "results")).length, 1);
  } finally {
    process.chdir(before);
  }
});

test("sweepLive() calls an operator as it is told, and draws and saves what is asked for", async () => {
  kernel = pretendKernel();
  const { rows } = await sweepLive(NETWORK, TEST, {
    ...options("named"),
    name: "half",
    operator: ({ shape, data }) => ({ shape, data: data.map((weight) => weight / 2) }),
    ...{ figure: dropByLayer, title: "Halved", table: "drop", save: "halved", dir: FOLDER },
  });
  assert.deepEqual([...new Set(rows.map(({ operator }) => operator))], ["half"]);
  assert.deepEqual(
    readdirSync(FOLDER)
      .filter((name) => name.startsWith("halved"))
      .sort(),
    ["halved.json", "halved.png"],
  );
  assert.match(textsOf(kernel.messages).at(-1)!, /^\[figure\] Halved\n200 test images/);
});

test("sweepLive() takes sets, and its result can be compared unless it stops what is decided", async () => {
  kernel = pretendKernel();
  const sets = [...singles(LAYERS), ...pairs(LAYERS)];
  const live = await sweepLive(NETWORK, TEST, { ...options("sets"), layers: undefined, sets, figure: false });
  assert.equal(synergiesOf(live.sweep).length, 3);
  const stopping = { ...options("stopping"), stopWhenDecided: { margin: 0.3 }, figure: false as const };
  const stopped = await sweepLive(NETWORK, TEST, stopping);
  assert.equal(stopped.interrupted, false);
  // @ts-expect-error Ablations that were stopped have seen different images.
  assert.throws(() => synergiesOf(stopped.sweep));
});

test("sweepLive() leaves no tensor behind, whole or interrupted", async () => {
  for (const stopAt of [() => false, isLine]) {
    kernel = pretendKernel(stopAt);
    await expectNoLeak(() => sweepLive(NETWORK, TEST, { ...options("leak"), results: false, figure: false }));
    kernel.end();
  }
});

test("withProgress() shows work that counts, ends its line, and hands over the interrupt", async () => {
  kernel = pretendKernel();
  const work = (watch: { onProgress: (done: number, total: number) => void }) => {
    watch.onProgress(1, 2);
    watch.onProgress(2, 2);
    return Promise.resolve("done");
  };
  assert.equal(await withProgress("counting", work, { unit: "steps", clock: slowClock() }), "done");
  assert.match(textsOf(kernel.messages).at(-1)!, /^✓ counting: 2 steps in /);
  kernel.end();
  kernel = pretendKernel((text) => text.includes("every layer"));
  Reflect.set(globalThis, FOLDER_SYMBOL, inFolder("watched"));
  const cell = () => withProgress("every layer", (watch) => sweep(NETWORK, TEST, { layers: LAYERS, ...watch }));
  await assert.rejects(cell(), /interrupted/);
  assert.match(textsOf(kernel.messages).at(-1)!, /^■ every layer: 50 of 200 images .*stopped$/);
  kernel.end();
  kernel = pretendKernel();
  await cell();
  assert.match(textsOf(kernel.messages)[0], /100 of 200 images/);
  Reflect.deleteProperty(globalThis, FOLDER_SYMBOL);
});
