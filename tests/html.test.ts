// Exported notebooks: one file that works offline, with figures that are drawn anew by plotly.js. Real nbconvert, real browser.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { dropsByNetwork } from "../lib/figures/family";
import { historyFigure } from "../lib/figures/history";
import { classHistogram, imageGrid } from "../lib/figures/images";
import { accuracyByLayer, dropByLayer } from "../lib/figures/layers";
import type { Figure } from "../lib/figures/style";
import { closeBrowser, openBrowser } from "../lib/notebook/browser";
import { draftBundle, figureBundle, phraseBundle } from "../lib/notebook/bundle";
import { ablationTable } from "../lib/tables/ablations";
import { toHtml, toText } from "../lib/tables/render";
import { code, phrase } from "../lib/text/phrase";
import { colouredImages, someEpochs, someRows, typedFigure } from "./figures";

const { fitLayout, darkened } = require("../lib/jupyter/nbconvert/templates/lab-plotly/fit.js") as {
  fitLayout: (layout: Figure["layout"], width: number) => Figure["layout"];
  darkened: (figure: Figure) => Figure;
};

const folder = mkdtempSync(path.join(tmpdir(), "nontrivial-html-"));
const hostile = `</script><script>document.title = "broken"</script><img src=x onerror="document.title = 'broken'">`;

/** How many pictures stand in for a figure; beside one that was drawn it waits for paper. */
const PICTURES_SEEN = `[...document.querySelectorAll(".lab-figure > img")].filter((picture) => picture.offsetParent !== null).length`;

interface Opened {
  readonly requests: string[];
  readonly complaints: string[];
  ask<Answer>(question: string): Promise<Answer>;
}

function notebook(outputs: readonly object[], metadata: object): object {
  const cells = outputs.map((data, index) => ({
    cell_type: "code",
    id: `cell-${index}`,
    execution_count: index + 1,
    metadata,
    source: "await show(figure);",
    outputs: [{ output_type: "display_data", data, metadata: {} }],
  }));
  const markdown = { cell_type: "markdown", id: "text", metadata: {}, source: "# A title\nPrice: $1, no mathematics." };
  return {
    nbformat: 4,
    nbformat_minor: 5,
    metadata: { kernelspec: { name: "tslab", display_name: "TypeScript", language: "typescript" } },
    cells: [markdown, ...cells],
  };
}

/** Exports a notebook with these outputs by nbconvert and the template lab-plotly. */
function exported(name: string, outputs: readonly object[], metadata = {}): string {
  const file = path.join(folder, `${name}.ipynb`);
  writeFileSync(file, JSON.stringify(notebook(outputs, metadata)));
  return exportFile(file);
}

function exportFile(file: string): string {
  const env = { ...process.env, JUPYTER_PATH: path.resolve("lib", "jupyter") };
  execFileSync(
    path.resolve(".venv", "bin", "python"),
    ["-m", "nbconvert", "--to", "html", "--template", "lab-plotly", file],
    { env, stdio: "pipe" },
  );
  return file.replace(/ipynb$/, "html");
}

interface Reader {
  readonly width?: number;
  readonly dark?: boolean;
}

async function open(file: string, { width = 900, dark = false }: Reader = {}): Promise<Opened> {
  const page = await (await openBrowser()).newPage();
  await page.setViewport({ width, height: 900 });
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: dark ? "dark" : "light" }]);
  const [requests, complaints]: string[][] = [[], []];
  await page.setRequestInterception(true);
  page.on("request", (request) => {
    if (/^(file|data|blob):/.test(request.url())) return void request.continue();
    requests.push(request.url());
    void request.abort();
  });
  page.on("console", (message) => void complaints.push(message.text()));
  page.on("pageerror", (error) => void complaints.push(String(error)));
  await page.goto(pathToFileURL(file).href, { waitUntil: "networkidle0" });
  return { requests, complaints, ask: <Answer>(question: string) => page.evaluate(question) as Promise<Answer> };
}

let file: string;
const figures = () => {
  const data = colouredImages(["cat", hostile]);
  const rows = someRows().map((row, index) => (index === 3 ? { ...row, layer: hostile } : row));
  return [
    accuracyByLayer(rows, { title: hostile }),
    dropByLayer(rows),
    historyFigure(someEpochs(3)),
    imageGrid(data, [0, 1, 2]),
    classHistogram(data),
  ];
};

before(async () => {
  const bundles = await Promise.all(figures().map((figure) => figureBundle(figure, {}, assert.ifError)));
  const table = ablationTable(someRows());
  file = exported("figures", [...bundles, { "text/html": toHtml(table), "text/plain": toText(table) }]);
});
after(async () => {
  await closeBrowser();
  rmSync(folder, { recursive: true });
});

test("an exported notebook draws every figure as interactive SVG, offline and without a complaint", async () => {
  const page = await open(file);
  assert.deepEqual(page.requests, []);
  assert.deepEqual(page.complaints, []);
  assert.equal(
    await page.ask(`document.querySelectorAll(".lab-figure .js-plotly-plot .main-svg:first-child").length`),
    5,
  );
  assert.equal(await page.ask(PICTURES_SEEN), 0, "pictures left beside the figures");
  assert.equal(await page.ask(`document.querySelectorAll(".js-plotly-plot")[0].data[1].x.length`), 3);
  assert.ok(
    await page.ask<boolean>(`document.querySelectorAll(".js-plotly-plot")[0].getBoundingClientRect().height > 400`),
  );
  assert.equal(await page.ask(`document.querySelectorAll("table tr").length`), 20);
  const loaded = `[...document.querySelectorAll("script, link, img, iframe, object")].map((element) => element.src ?? element.href)`;
  assert.deepEqual(await page.ask(`${loaded}.filter((from) => from && !from.startsWith("data:"))`), []);
});

/** How many pixels each figure's lines of title and its legend share with each other or with its plot, and how many lie outside of the page. */
const COLLISIONS = `[...document.querySelectorAll(".js-plotly-plot")].map((plot) => {
  const boxes = (selector) => [...plot.querySelectorAll(selector)].map((part) => part.getBoundingClientRect());
  const side = (a, b, [from, to]) => Math.max(0, Math.min(a[to], b[to]) - Math.max(a[from], b[from]));
  const shared = (a, b) => side(a, b, ["left", "right"]) * side(a, b, ["top", "bottom"]);
  const [title, legend, plots] = [boxes(".gtitle tspan.line"), boxes(".legend"), boxes(".plotbg, .nsewdrag")];
  const [menus, notes] = [boxes(".updatemenu-item-rect"), boxes(".annotation")];
  const pairs = [[title, legend], [title, plots], [legend, plots], [menus, title], [menus, legend], [menus, plots], [menus, notes]].flatMap(([some, others]) => some.flatMap((a) => others.map((b) => shared(a, b))));
  return Math.round(Math.max(0, ...pairs, ...title.map(({ right }) => right - innerWidth)));
})`;

for (const width of [400, 900, 1400])
  test(`in a page of ${width} pixels no figure's title, legend and plot lie on each other, and the page does not scroll sideways`, async () => {
    const long = accuracyByLayer(someRows(), {
      title: "Accuracy with one layer's kernel set to zero, of a network with a long name",
    });
    const runs = historyFigure({ "resnet20, seed 1": someEpochs(3), "resnet20, seed 2": someEpochs(3) });
    const family = dropsByNetwork(
      ["one", "two"].map((run) => ({ run, rows: someRows() })) as unknown as Parameters<typeof dropsByNetwork>[0],
    );
    const all = [
      long,
      dropByLayer(someRows()),
      historyFigure(someEpochs(3)),
      runs,
      accuracyByLayer({ zero: someRows(), mean: someRows() }),
      family,
    ];
    const bundles = await Promise.all(all.map((figure) => figureBundle(figure, {}, assert.ifError)));
    const page = await open(exported(`wide-${width}`, bundles), { width });
    assert.deepEqual(await page.ask(COLLISIONS), [0, 0, 0, 0, 0, 0]);
    assert.equal(await page.ask("document.documentElement.scrollWidth"), width);
  });

test("a figure is drawn in the colours of the reader's theme, one with pictures on white", async () => {
  const page = await open(file, { dark: true });
  const paper = `[...document.querySelectorAll(".js-plotly-plot")].map((plot) => getComputedStyle(plot.querySelector(".main-svg")).backgroundColor)`;
  const [dark, white] = ["rgb(20, 24, 28)", "rgb(255, 255, 255)"];
  assert.deepEqual(await page.ask(paper), [dark, dark, dark, white, dark]);
  assert.equal(await page.ask(`getComputedStyle(document.body).backgroundColor`), dark);
});

test("the buttons of an exported figure do what they say: another order, another margin, another sweep", async () => {
  const [rows, other] = [someRows(), someRows().map((row) => ({ ...row, accuracy: row.accuracy / 2 }))];
  const family = dropsByNetwork([{ run: "one", rows }] as unknown as Parameters<typeof dropsByNetwork>[0]);
  const bundles = [dropByLayer(rows), family, accuracyByLayer({ zero: rows, halved: other })].map(draftBundle);
  const page = await open(exported("buttons", bundles));
  const press = (figure: number, label: string) =>
    page.ask(`(() => {
      const plot = document.querySelectorAll(".js-plotly-plot")[${figure}];
      const button = [...plot.querySelectorAll(".updatemenu-button")].find((each) => each.textContent === "${label}");
      button.dispatchEvent(new MouseEvent("click", { bubbles: true }));
    })()`);
  const seen = (figure: number, what: string) =>
    page.ask(`(({ data, layout }) => ${what})(document.querySelectorAll(".js-plotly-plot")[${figure}])`);
  assert.notDeepEqual(
    await seen(0, "layout.yaxis.categoryarray"),
    rows.map(({ layer }) => layer),
  );
  await press(0, "in forward order");
  assert.deepEqual(
    await seen(0, "layout.yaxis.categoryarray"),
    rows.map(({ layer }) => layer),
  );
  const counts = (threshold: number) => `${rows.filter(({ drop }) => drop <= threshold).length} of ${rows.length}`;
  assert.equal(await seen(1, "layout.annotations[1].text"), counts(0.005));
  await press(1, "2 pp");
  assert.equal(await seen(1, "layout.annotations[1].text"), counts(0.02));
  const visible = "data.map(({ visible }) => visible)";
  assert.deepEqual(await seen(2, visible), [true, true, true, false, false, false]);
  await press(2, "halved");
  assert.deepEqual(await seen(2, visible), [false, false, false, true, true, true]);
  assert.match(String(await seen(2, "layout.title.text")), /Accuracy, halved/);
});

test("fitLayout() leaves a wide figure as it is, breaks the title of a narrow one at spaces, and stacks its panels in order", () => {
  const { layout } = historyFigure(someEpochs(3), {
    title: "A <long> title that has more letters than a phone is wide",
  });
  assert.equal(fitLayout(layout, 900), layout);
  const narrow = fitLayout(layout, 400);
  const title = (narrow.title as { text: string }).text;
  assert.match(title, /^<b>A &lt;long&gt; title[^<]*<br>/);
  assert.equal(title.replaceAll("<br>", " "), (layout.title as { text: string }).text);
  const tops = [narrow.yaxis, narrow.yaxis2, narrow.yaxis3].map((axis) => axis!.domain![1]);
  assert.equal(tops[0], 1);
  assert.ok(tops[0] > tops[1] && tops[1] > tops[2], String(tops));
});

test("darkened() has another colour for every one that figures are made of", () => {
  const source = readFileSync("lib/figures/style.ts", "utf8") + readFileSync("lib/figures/layers.ts", "utf8");
  const colours = [...new Set(source.match(/"#[0-9a-fA-F]{6}"/g))].map((quoted) => quoted.slice(1, -1));
  const kept = colours.filter(
    (colour) => darkened({ data: [], layout: { font: { color: colour } } }).layout.font!.color === colour,
  );
  assert.deepEqual(kept, ["#CC79A7", "#E69F00", "#56B4E9"], "light enough for both");
});

test("an exported notebook shows text that looks like script instead of running it", async () => {
  const page = await open(file);
  assert.equal(await page.ask("document.title"), "figures");
  assert.equal(await page.ask(`document.querySelectorAll("img[src=x]").length`), 0);
  assert.ok(
    await page.ask<boolean>(
      `document.querySelector(".js-plotly-plot .gtitle").textContent.startsWith("</script><script>")`,
    ),
  );
});

test("an exported notebook shows what a cell says as rendered text, names as they are, without the code that says it", async () => {
  const said = phrase`**Reading.** The least, ${code(hostile)}, is ${hostile}.

    One *more*. <!-- given: 95 (confidence) -->`;
  const page = await open(exported("said", [phraseBundle(said)], { jupyter: { source_hidden: true } }));
  const shown = `document.querySelector(".jp-OutputArea-output[data-mime-type='text/markdown']")`;
  assert.equal(await page.ask("document.title"), "said");
  assert.equal(await page.ask(`document.querySelectorAll("img[src=x]").length`), 0);
  assert.equal(await page.ask(`${shown}.querySelector("strong").textContent`), "Reading.");
  assert.equal(await page.ask(`${shown}.querySelector("code").textContent`), hostile);
  assert.equal(
    await page.ask(`${shown}.innerText.trim()`),
    `Reading. The least, ${hostile}, is ${hostile}.\n\nOne more.`,
  );
  assert.ok(!(await page.ask<string>("document.body.innerText")).includes("await show"));
});

test("no script of a notebook runs in its page, wherever it stands, and figures are drawn all the same", async () => {
  const break_ = `document.title = "broken"`;
  const ways = [
    `<script>${break_}</script>`,
    `<img src=x onerror='${break_}'>`,
    `<iframe srcdoc="<script>parent.document.title = 'broken'</script>"></iframe>`,
    `<svg xmlns="http://www.w3.org/2000/svg"><script>${break_}</script></svg>`,
  ];
  const [figure] = await Promise.all(
    figures()
      .slice(0, 1)
      .map((one) => figureBundle(one, {}, assert.ifError)),
  );
  const outputs = [
    ...ways.flatMap((way) => [{ "text/html": way }, { "text/markdown": `A reading. ${way}` }]),
    ...[{ "image/svg+xml": ways[3] }, { "application/javascript": break_ }, figure],
  ];
  const page = await open(exported("scripts", outputs));
  assert.equal(await page.ask("document.title"), "scripts");
  assert.equal(await page.ask(`document.querySelectorAll(".js-plotly-plot .main-svg:first-child").length`), 1);
});

test("an exported notebook folds its code until it is asked for, lists its headings, and links to pages", async () => {
  const name = "folded";
  const file = path.join(folder, `${name}.ipynb`);
  exported(name, [phraseBundle(phrase`It holds.`)]);
  const content = JSON.parse(readFileSync(file, "utf8")) as { cells: object[] };
  const source = "## A part\n[next](05_next.ipynb), [elsewhere](https://example.org/a.ipynb)";
  content.cells.push({ cell_type: "markdown", id: "more", metadata: {}, source });
  writeFileSync(file, JSON.stringify(content));
  const page = await open(exportFile(file));
  const codeSeen = `document.querySelector(".jp-CodeCell .jp-Cell-inputWrapper").offsetParent !== null`;
  assert.equal(await page.ask(codeSeen), false);
  await page.ask(`document.querySelector(".lab-nav input").click()`);
  assert.equal(await page.ask(codeSeen), true);
  assert.deepEqual(
    await page.ask(`[...document.querySelectorAll(".lab-nav li a")].map((link) => [link.textContent, link.hash])`),
    [["A part", "#A-part"]],
  );
  assert.deepEqual(
    await page.ask(`[...document.querySelectorAll("main p a")].map((link) => link.getAttribute("href"))`),
    ["05_next.html", "https://example.org/a.ipynb"],
  );
});

test("plotly.js is in the file once, and stays out where there is no figure", () => {
  const copies = (name: string) => readFileSync(name, "utf8").match(/plotly\.js \(cartesian/g)?.length ?? 0;
  assert.equal(copies(file), 1);
  const plain = exported("plain", [{ "text/plain": "1" }]);
  assert.equal(copies(plain), 0);
  for (const name of [file, plain])
    assert.ok(!readFileSync(name, "utf8").includes("cdnjs"), "a content network is named");
});

test("typed arrays are drawn as lists are", async () => {
  const bundles = Object.values(typedFigure()).map((figure) => figureBundle(figure, {}, assert.ifError));
  const page = await open(exported("typed", await Promise.all(bundles)));
  const [typed, listed] = await page.ask<string[]>(
    `[...document.querySelectorAll(".js-plotly-plot .points")].map((points) => points.innerHTML)`,
  );
  assert.equal(typed.match(/<path/g)?.length, 3);
  assert.equal(typed, listed);
});

test("a figure that plotly.js cannot draw keeps its picture", async () => {
  const [bundle] = await Promise.all(
    figures()
      .slice(0, 1)
      .map((figure) => figureBundle(figure, {}, assert.ifError)),
  );
  const broken = { ...bundle, "application/vnd.plotly.v1+json": null };
  const page = await open(exported("broken", [broken, bundle]));
  assert.equal(await page.ask(PICTURES_SEEN), 1);
  assert.equal(await page.ask(`document.querySelectorAll(".js-plotly-plot .main-svg:first-child").length`), 1);
});
