// What cells show: bundles, saved figures, live lines; with a kernel's writer put in place of the real one.
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, afterEach, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { accuracyByLayer } from "../lib/figures/layers";
import { FIGURE } from "../lib/notebook/bundle";
import { interruptSignal } from "../lib/engine/turn";
import { liveFigure, liveTable, progress, say, show } from "../lib/notebook/show";
import { provenance } from "../lib/tables/provenance";
import { toText } from "../lib/tables/render";
import { tableOf } from "../lib/tables/table";
import { code } from "../lib/text/phrase";
import { someRows, typedFigure } from "./figures";

type Message = { data: Record<string, unknown>; transient: { display_id?: string }; update: boolean };
const kernelFile = require.resolve("tslab/dist/jupyter");
const folder = mkdtempSync(path.join(tmpdir(), "nontrivial-show-"));

/** Stands in for a running kernel: keeps what is displayed. */
function kernel(): Message[] {
  const messages: Message[] = [];
  const lastWriteDisplayData = (display: Omit<Message, "update">, update: boolean) =>
    void messages.push({ ...display, update });
  require.cache[kernelFile] = { exports: { lastWriteDisplayData } } as unknown as NodeModule;
  return messages;
}

afterEach(() => void delete require.cache[kernelFile]);
after(() => rmSync(folder, { recursive: true }));

test("show() makes one bundle of a figure: plotly's JSON as an object, PNG and a line of text, never HTML", async () => {
  const messages = kernel();
  const figure = accuracyByLayer(someRows());
  await show(figure);
  assert.equal(messages.length, 1);
  const { data } = messages[0];
  assert.deepEqual(Object.keys(data).sort(), ["application/vnd.plotly.v1+json", "image/png", "text/plain"]);
  assert.deepEqual((data["application/vnd.plotly.v1+json"] as { data: unknown }).data, figure.data);
  assert.equal(Buffer.from(data["image/png"] as string, "base64").toString("latin1", 1, 4), "PNG");
  assert.match(
    data["text/plain"] as string,
    /^\[figure\] Accuracy with one layer's kernel set to zero\n[^]*other layer: \d+ points from [\d.]+ to [\d.]+$/,
  );
});

test("show() shows a table as HTML and text", async () => {
  const messages = kernel();
  await show(tableOf([{ a: 1 }]), { caption: "Numbers" });
  assert.deepEqual(Object.keys(messages[0].data), ["text/html", "text/plain"]);
  assert.match(messages[0].data["text/html"] as string, /<caption.*Numbers/);
});

test("show() writes a figure only when told to, picture and JSON, and leaves no temporary file", async () => {
  kernel();
  const dir = path.join(folder, "figures");
  const figure = accuracyByLayer(someRows());
  await show(figure, { save: "main", dir });
  assert.deepEqual(readdirSync(dir).sort(), ["main.json", "main.png"]);
  assert.deepEqual(JSON.parse(readFileSync(path.join(dir, "main.json"), "utf8")), JSON.parse(JSON.stringify(figure)));
  await show(figure, { save: "paper", dir, formats: ["svg", "pdf"] });
  assert.deepEqual(
    readdirSync(dir)
      .filter((file) => file.startsWith("paper"))
      .sort(),
    ["paper.json", "paper.pdf", "paper.svg"],
  );
  const formats = ["eps"] as unknown as ["pdf"];
  await assert.rejects(show(figure, { save: "paper", dir, formats }), {
    name: "RangeError",
    message: 'Cannot save the figure as "eps": expected png, svg, pdf',
  });
  await assert.rejects(show(figure, { save: "../main", dir }), {
    name: "RangeError",
    message: /Cannot save the figure as "\.\.\/main"/,
  });
});

test("say() shows Markdown and text, with values that cannot act as markup", () => {
  const messages = kernel();
  say`**Reading.** ${code("stem.conv")} of ${"<b>"} is ${19}th.`;
  assert.deepEqual(
    messages.map(({ data }) => data),
    [
      {
        "text/markdown": "**Reading.** `stem.conv` of &lt;b&gt; is 19th.",
        "text/plain": "**Reading.** stem.conv of <b> is 19th.",
      },
    ],
  );
});

test("a figure with typed arrays is shown, drawn anew and saved as one with lists; with big integers it is refused", async () => {
  const messages = kernel();
  const dir = path.join(folder, "typed");
  const { typed, listed } = typedFigure();
  const big = { ...typed, data: [{ y: BigInt64Array.of(1n) }] } as unknown as typeof typed;
  const live = liveFigure();
  await show(typed, { save: "typed", dir });
  live.update(typed);
  await live.finish(typed, { save: "live", dir });
  const shown = messages.flatMap(({ data }) => (FIGURE in data ? [data[FIGURE] as typeof listed] : []));
  assert.equal(shown.length, 3);
  for (const { data, layout } of shown) assert.deepEqual({ data, layout }, listed);
  for (const name of ["typed.json", "live.json"])
    assert.deepEqual(JSON.parse(readFileSync(path.join(dir, name), "utf8")), listed);
  const refused = { name: "TypeError", message: /Cannot show the figure: its data\[0\]\.y is a BigInt64Array/ };
  await assert.rejects(show(big, { save: "big", dir }), refused);
  assert.throws(() => liveFigure().update(big), refused);
  assert.deepEqual(readdirSync(dir).sort(), ["live.json", "live.png", "typed.json", "typed.png"]);
});

test("show() prints text where there is no kernel", async (context) => {
  const printed = context.mock.method(console, "log", () => {});
  const table = tableOf([{ a: 1 }]);
  await show(table);
  assert.deepEqual(
    printed.mock.calls.map((call) => call.arguments),
    [[toText(table)]],
  );
});

test("progress() stays one output: at most four updates a second, then one line", () => {
  const messages = kernel();
  let now = 0;
  const line = progress("every layer", "images", { clock: () => now });
  for (let done = 0; done <= 1000; done += 10) {
    line.update(done, 1000, "stem.conv");
    now += 100;
  }
  line.finish();
  const texts = messages.map((message) => message.data["text/plain"]);
  assert.ok(messages.length <= 1 + 10.1 * 4 && messages.length > 20, `${messages.length} messages`);
  assert.deepEqual([messages[0].update, ...new Set(messages.slice(1).map((message) => message.update))], [false, true]);
  assert.equal(new Set(messages.map((message) => message.transient.display_id)).size, 1);
  assert.equal(
    texts[10],
    "30 % · 7.0 s left · 300 of 1,000 images · every layer · 100 images/s · stem.conv  ███████░░░░░░░░░░░░░░░░░",
  );
  assert.equal(texts.at(-1), "✓ every layer: 1,000 images in 10 s · 99 images/s");
});

test("progress() says how far interrupted work came, and goes on in the cell that began it", () => {
  const first = kernel();
  const line = progress("training", "steps", { clock: () => 0 });
  line.update(5, 20);
  const second = kernel();
  line.finish("interrupted");
  assert.equal(second.length, 0);
  assert.equal(first.at(-1)?.data["text/plain"], "■ training: 5 of 20 steps in 0.0 s · interrupted");
});

test("liveFigure() is there at once, draws pictures in place beside the work, and ends as a figure with its picture", async () => {
  const messages = kernel();
  let now = 0;
  const live = liveFigure({ clock: () => now });
  const figure = accuracyByLayer(someRows());
  live.update(figure);
  live.update(() => assert.fail("too early"));
  assert.equal(messages.length, 1);
  now = 1000;
  live.update(figure);
  while (messages.length < 2) await sleep(10);
  now = 2000;
  live.update(figure);
  now = 3000;
  live.update(() => assert.fail("still drawing"));
  await live.finish(figure);
  await sleep(50);
  assert.deepEqual(
    messages.map(({ data }) => Object.keys(data).sort()),
    [[FIGURE, "text/plain"], ["image/png", "text/plain"], ["text/plain"], [FIGURE, "image/png", "text/plain"]],
  );
  assert.deepEqual(
    messages.map(({ update }) => update),
    [false, true, true, true],
  );
});

test("liveFigure() in an interrupted cell ends at once: without a picture, and nothing is saved", async () => {
  const messages = kernel();
  const dir = path.join(folder, "interrupted");
  const live = liveFigure();
  Reflect.set(globalThis, Symbol.for("nontrivial.signal"), AbortSignal.abort());
  await live.finish(accuracyByLayer(someRows()), { save: "main", dir });
  Reflect.deleteProperty(globalThis, Symbol.for("nontrivial.signal"));
  assert.deepEqual(Object.keys(messages[0].data), ["application/vnd.plotly.v1+json", "text/plain"]);
  assert.equal(existsSync(dir), false);
});

test("liveTable() asks for a table at most once a second, and ends with the last one in the same place", async () => {
  const messages = kernel();
  let now = 0;
  let asked = 0;
  const live = liveTable({ clock: () => now });
  const rows = (images: number) => () => (asked++, tableOf([{ images }]));
  for (const images of [50, 100, 150]) {
    live.update(rows(images), { caption: `${images} images` });
    now += 500;
  }
  await live.finish(tableOf([{ images: 200 }]), { caption: "all images" });
  assert.equal(asked, 2);
  assert.deepEqual(
    messages.map(({ data, update }) => [(data["text/plain"] as string).split("\n")[0], update]),
    [
      ["50 images", false],
      ["150 images", true],
      ["all images", true],
    ],
  );
  assert.equal(new Set(messages.map((message) => message.transient.display_id)).size, 1);
});

test("interruptSignal() is the kernel's signal, and one that never aborts elsewhere", () => {
  assert.equal(interruptSignal().aborted, false);
  const controller = new AbortController();
  Reflect.set(globalThis, Symbol.for("nontrivial.signal"), controller.signal);
  assert.equal(interruptSignal(), controller.signal);
  Reflect.deleteProperty(globalThis, Symbol.for("nontrivial.signal"));
});

test("provenance() names versions, hardware and parameters, and no time", () => {
  const kernels = { gpu: false, oneDNN: true, fastBfloat16: true };
  const engine = { backend: "tensorflow", version: "4.22.0", library: "2.21.0", ...kernels } as const;
  const facts = new Map(
    provenance(engine, { seed: 7, layers: ["a"] }, { data: "abc" })
      .objects()
      .map((row) => Object.values(row as object) as [string, string]),
  );
  assert.deepEqual(
    ["tslab", "tensorflow", "seed", "layers", "data"].map((fact) => facts.get(fact)),
    ["1.0.22", "2.21.0", "7", '["a"]', "abc"],
  );
  assert.match(facts.get("commit")!, /^([0-9a-f]{40}|unknown)$/);
  assert.doesNotMatch([...facts.values()].join(" "), new RegExp(String(new Date().getFullYear()) + "-"));
});
