// The explorer, driven in a browser: its numbers are those of the notebooks' code, and it asks nobody for anything.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import type { Page } from "puppeteer-core";
import { loadCifar } from "../lib/data/cifar";
import { where } from "../lib/data/select";
import { startEngine, tf } from "../lib/engine/backend";
import { sheetJpeg } from "../lib/engine/sheet";
import { closeBrowser, openBrowser } from "../lib/notebook/browser";
import { explorerPage } from "../lib/pages/explorer";
import { onImages } from "../lib/pages/explorer/answers";
import { addressOf, possible, stateOf, type ViewState } from "../lib/pages/explorer/view-state";
import { specOf } from "../lib/networks/spec";
import { rowsOf } from "../lib/results/rows";
import { sideBySide } from "../lib/results/side-by-side";
import { countVerdicts, verdictsOf } from "../lib/results/verdict";
import { STEPS } from "../lib/results/nines";
import { loadConfidences } from "../lib/runs/kept-confidences";
import { loadSweep } from "../lib/runs/kept-sweep";
import { weightsDigest } from "../lib/runs/run-folder";
import { percent } from "../lib/text/format";
import { smallDataset } from "./small";

const FOLDER = mkdtempSync(path.join(tmpdir(), "nontrivial-explorer-"));
const FILE = path.join(FOLDER, "explorer.html");
const SOURCES = { runs: "data/runs", published: "data/published", source: "a test" };
const asked: string[] = [];
const faults: string[] = [];
let page: Page;

before(async () => {
  writeFileSync(FILE, await explorerPage(await loadCifar("cifar10", "test"), SOURCES));
  page = await (await openBrowser()).newPage();
  page.on("request", (request) => void (/^(data|file|blob):/.test(request.url()) || asked.push(request.url())));
  page.on("pageerror", (error) => void faults.push(String(error)));
});
after(async () => {
  await closeBrowser();
  rmSync(FOLDER, { recursive: true, force: true });
});

const textOf = (selector: string): Promise<string> => page.$eval(selector, (element) => element.textContent ?? "");
const linesShown = (): Promise<string[]> =>
  page.$$eval("#layers tbody tr", (rows) =>
    rows.map((row) =>
      Array.from(row.querySelectorAll("th button, td:not(.axis)"), (cell) => cell.textContent).join(" "),
    ),
  );

async function open(hash: string): Promise<void> {
  await page.goto("about:blank");
  await page.goto(`file://${FILE}${hash}`);
  await page.waitForSelector("#layers tbody tr");
}

/** The lines that the page should show, by the code of the notebooks. */
async function linesOf(
  run: string,
  { margin = 0.005, without = "", operator = "zero" }: { margin?: number; without?: string; operator?: string } = {},
) {
  const cifar = await loadCifar("cifar10", "test");
  const whole = await loadSweep(path.join("data", "runs", run), cifar, operator);
  const kept = [...cifar.labels.keys()].filter((image) => cifar.classes[cifar.labels[image]] !== without);
  assert.equal(kept.length, where(cifar, (label) => cifar.classes[label] !== without).count);
  const verdicts = verdictsOf(rowsOf(onImages(whole, kept)), { margin });
  const grouped = (count: number) => count.toLocaleString("en");
  const lines = verdicts.map(
    ({ layer, verdict, drop, lost, gained }) =>
      `${layer} ${verdict} ${percent(drop)} ${grouped(lost)} ${grouped(gained)}`,
  );
  return { verdicts, lines };
}

test("the page is below 6 MB, asks for nothing, and shows the verdicts of the first network", async () => {
  assert.ok(statSync(FILE).size < 6e6);
  await open("");
  const { lines, verdicts } = await linesOf("resnet56-seed1");
  assert.deepEqual(await linesShown(), lines);
  const { trivial, undecided, "non-trivial": harmful } = countVerdicts(verdicts);
  assert.match(
    await textOf("#summary"),
    new RegExp(`${trivial} trivial, ${undecided} undecided, ${harmful} non-trivial`),
  );
  assert.deepEqual([asked, faults], [[], []]);
});

test("network, margin and classes are chosen by hand, and the address brings the same view back", async () => {
  await open("");
  await page.select("#network", "resnet20-seed2");
  await page.$eval("#margin", (slider) => {
    (slider as unknown as { value: string }).value = "2";
    slider.dispatchEvent(new Event("input", { bubbles: true }));
  });
  await page.click('[data-class="3"]');
  await page.waitForFunction("location.hash.includes('without=3')");
  const { lines } = await linesOf("resnet20-seed2", { margin: 0.02, without: "cat" });
  const shown = await linesShown();
  assert.deepEqual(shown, lines);
  await open(new URL(page.url()).hash);
  assert.deepEqual(await linesShown(), shown);
});

test("only images of which the intact network is sure are counted when that is chosen", async () => {
  await open("#network=resnet20-seed1&sure=2");
  const cifar = await loadCifar("cifar10", "test");
  const nines = await loadConfidences("data/runs/resnet20-seed1", weightsDigest("data/runs/resnet20-seed1"), cifar);
  const sure = [...nines.keys()].filter((image) => nines[image] >= 2 * STEPS);
  assert.ok(sure.length > 5000 && sure.length < 9000, String(sure.length));
  const rows = rowsOf(onImages(await loadSweep("data/runs/resnet20-seed1", cifar), sure));
  assert.match(await textOf("#summary"), new RegExp(`of ${rows[0].images.toLocaleString("en")} images are right`));
  const shown = (await linesShown()).map((line) => line.split(" ")[2]);
  assert.deepEqual(shown, rows.map(({ drop }) => percent(drop))); // prettier-ignore
});

test("a layer is opened by keyboard alone: its classes, answers and the images that it decides", async () => {
  await open("#network=resnet20-seed1");
  await page.focus('button[data-layer="stage1.block3.conv2"]');
  await page.keyboard.press("Enter");
  await page.waitForSelector("#layer .images");
  const { verdicts } = await linesOf("resnet20-seed1");
  const { lost, gained } = verdicts.find(({ layer }) => layer === "stage1.block3.conv2")!;
  const titles = await page.$$eval("#layer h3", (heads) => heads.map((head) => head.textContent ?? ""));
  const counts = titles.slice(0, 2).map((title) => Number(/: ([\d,]+?)(, the|$)/.exec(title)?.[1].replaceAll(",", "")));
  assert.deepEqual(counts, [lost, gained]);
  const answers = await page.$$eval("#layer .confusion td", (cells) =>
    cells.reduce((sum, cell) => sum + Number(cell.textContent), 0),
  );
  assert.equal(answers, 10_000);
  assert.equal(await page.evaluate("document.activeElement.dataset.layer"), "stage1.block3.conv2");
});

test("two networks stand side by side as sideBySide() says", async () => {
  await open("#network=resnet20-seed1&against=resnet20-seed2+zero");
  const cifar = await loadCifar("cifar10", "test");
  const [first, second] = await Promise.all(
    ["resnet20-seed1", "resnet20-seed2"].map((run) => loadSweep(`data/runs/${run}`, cifar)),
  );
  const { agreement, layers } = sideBySide(first, second);
  const text = await textOf("#beside");
  assert.ok(text.includes(`of ${layers.length} layers is ${agreement.toFixed(2)}`), text);
  assert.ok(text.includes(`In ${layers.filter(({ adjusted }) => adjusted < 0.05).length} of them`), text);
  assert.deepEqual(faults, []);
});

test("nothing is shown under a name that is not its own: operators, networks and sureness that are not held", async () => {
  await open("#network=resnet20-seed1&operator=mean");
  assert.match(await textOf("#summary"), /layers of resnet20-seed1, each changed by mean by itself/);
  assert.deepEqual(await linesShown(), (await linesOf("resnet20-seed1", { operator: "mean" })).lines);
  await page.select("#network", "resnet20-seed2"); // swept with zero alone
  await page.waitForFunction("location.hash.includes('resnet20-seed2')");
  assert.match(await textOf("#summary"), /layers of resnet20-seed2, each zeroed by itself/);
  assert.equal(await page.$eval("#operator", (select) => (select as HTMLSelectElement).value), "zero");
  assert.deepEqual(await linesShown(), (await linesOf("resnet20-seed2")).lines);
  await open("#network=resnet20-seed1&against=resnet20-seed1+mean"); // two operators of one network
  const cifar = await loadCifar("cifar10", "test");
  const [zero, mean] = await Promise.all(
    ["zero", "mean"].map((name) => loadSweep("data/runs/resnet20-seed1", cifar, name)),
  );
  assert.ok((await textOf("#beside")).includes(`is ${sideBySide(zero, mean).agreement.toFixed(2)}`));
});

test("possible() gives the nearest state that is held", () => {
  const first: ViewState = { network: "a", against: "", operator: "zero", margin: 0.005, order: "depth", without: [], sure: 0, layer: "" }; // prettier-ignore
  const kept = (run: string, operator: string, nines = "AAAA") => ({ run, operator, nines, spec: specOf("resnet8"), answers: "" }); // prettier-ignore
  const sweeps = [kept("a", "mean"), kept("a", "zero"), kept("b", "noise-0.5", "")];
  const chosen = (state: Partial<ViewState>) => {
    const { network, operator, against, sure } = possible({ ...first, ...state }, sweeps, first);
    return [network, operator, against, sure];
  };
  assert.deepEqual(chosen({ operator: "mean", against: "a zero", sure: 2 }), ["a", "mean", "a zero", 2]);
  assert.deepEqual(chosen({ operator: "signs", against: "a zero" }), ["a", "zero", "", 0]);
  assert.deepEqual(chosen({ network: "b", sure: 2, against: "b zero" }), ["b", "noise-0.5", "", 0]);
  assert.deepEqual(chosen({ network: "nowhere" }), ["a", "zero", "", 0]);
});

test("an address says what differs from the first view, and nonsense in one is passed over", () => {
  const first: ViewState = {
    network: "a",
    against: "",
    operator: "zero",
    margin: 0.005,
    order: "depth",
    without: [],
    sure: 0,
    layer: "",
  };
  const other: ViewState = {
    ...first,
    network: "b <&>",
    margin: 0.01,
    order: "damage",
    without: [0, 3],
    sure: 2,
    layer: "stem.conv",
  };
  assert.equal(addressOf(first, first), "#");
  assert.deepEqual(stateOf(addressOf(other, first), first), other);
  assert.deepEqual(stateOf("#margin=-1&order=x&without=a,b&sure=7", first), first);
});

test("sheetJpeg() writes all images into one JPEG and leaves no tensor behind", async () => {
  await startEngine();
  const before = tf.memory().numTensors;
  const jpeg = await sheetJpeg(smallDataset(7), { across: 4, side: 16, quality: 60 });
  assert.equal(tf.memory().numTensors, before);
  assert.deepEqual([...jpeg.subarray(0, 2)], [0xff, 0xd8]);
});

test("explorerPage() says where it looked when nothing is kept there", async () => {
  const nothing = { runs: FOLDER, published: FOLDER, source: "" };
  await assert.rejects(explorerPage(smallDataset(7), nothing), /expected kept sweeps in ".*" or ".*" but found none/);
});
