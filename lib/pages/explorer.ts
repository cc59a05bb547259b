// The explorer: one page, offline, in which a reader questions the kept sweeps. It holds the kept files and the code that reads them.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { buildSync } from "esbuild";
import { PUBLISHED } from "../checkpoints/published";
import type { Dataset } from "../data/dataset";
import { sheetJpeg } from "../engine/sheet";
import { readWhole } from "../files/disk";
import { hasConfidences, loadConfidences } from "../runs/kept-confidences";
import { readSweep, type Swept } from "../runs/kept-sweep";
import { epochsOf, specIn, weightsDigest } from "../runs/run-folder";
import { escapeHtml, grouped } from "../text/format";
import type { Holdings, Kept } from "./explorer/answers";

const ACROSS = 100;
const SIDE = 22;
const LARGEST_FILE = 2 ** 24;
const KEPT = ".answers.gz";

/** Graded sweeps, which notebook 06 draws: the page would be a quarter larger. */
const GRADED = /^zeroFilters-/;

/** Where the sweeps lie: folders of run folders, and of published networks. */
export interface ExplorerSources {
  readonly runs: string;
  readonly published: string;
  /** Of what the page was made: commit and date. */
  readonly source: string;
}

/**
 * The page as HTML.
 * @param test the images that the kept sweeps are of
 * @throws RangeError where no sweep is kept; Error naming a file that is damaged
 */
export async function explorerPage(test: Dataset, sources: ExplorerSources): Promise<string> {
  const holdings = await holdingsOf(test, sources);
  const place = (name: string) => join(__dirname, "explorer", name);
  const how = {
    bundle: true,
    write: false,
    minify: true,
    target: "es2022",
    format: "iife",
    logLevel: "error",
  } as const;
  const [{ text: script }] = buildSync({ ...how, entryPoints: [place("main.ts")], platform: "browser" }).outputFiles;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Which layers matter? An explorer</title><style>${["../page.css", "explorer.css"].map((name) => readFileSync(place(name), "utf8")).join("")}
:root { --side: ${SIDE}px; --sheet: url(${holdings.thumbnails.url}); }</style></head><body>
<header><h1>Which layers matter?</h1>
<p class="small">Every convolution of a trained network is set to zero in turn, and the network tested again on ${grouped(test.count)} test images of ${escapeHtml(titleOf(test))}. Ask what you like: all numbers,
verdicts and tests are computed here, by the same code as in the notebooks, from what the networks said of every image. The address keeps the view. <a href="index.html">All notebooks</a></p></header>
<div id="controls" role="group" aria-label="What is shown"></div>
<div id="summary" aria-live="polite"></div>
<main><section><div id="layers"></div><p id="csvline" class="small"><a id="csv" href="#">The table as CSV</a></p><div id="beside"></div></section><section id="layer" aria-live="polite"></section></main>
<footer class="small">${escapeHtml(sources.source)}. ◆ changes the number of channels. Dashed: the margin. Lines: 95 % intervals (Tango); squares: the network beside. Verdicts: paired tests, Holm within the network, 5 %.</footer>
<script type="application/json" id="holdings">${JSON.stringify({ ...holdings, thumbnails: { ...holdings.thumbnails, url: "" } }).replaceAll("<", "\\u003c")}</script>
<script>${script.replaceAll("</script", "<\\/script")}</script></body></html>
`;
}

const titleOf = ({ name }: Dataset): string => (name === "cifar10" ? "CIFAR-10" : name);

/** Short trainings only compare precisions; notebook 13 leaves them out too. */
const isLong = (dir: string): boolean => epochsOf(dir) >= 15;

async function holdingsOf(test: Dataset, { runs, published }: ExplorerSources): Promise<Holdings> {
  const own = readdirSync(runs).filter((name) => existsSync(join(runs, name, "run.json")) && isLong(join(runs, name)));
  const networks = [
    ...own.map((name) => ({
      dir: join(runs, name),
      name,
      spec: specIn(join(runs, name)),
      weights: weightsDigest(join(runs, name)),
    })),
    ...PUBLISHED.map(({ name, spec, sha256 }) => ({ dir: join(published, name), name, spec, weights: sha256 })),
  ];
  const sweeps: Kept[] = [];
  for (const network of networks) for (const kept of await keptOf(network, test)) sweeps.push(kept);
  if (sweeps.length === 0)
    throw new RangeError(
      `Cannot make the explorer: expected kept sweeps in "${runs}" or "${published}" but found none`,
    );
  const jpeg = await sheetJpeg(test, { across: ACROSS, side: SIDE, quality: 45 });
  const url = `data:image/jpeg;base64,${Buffer.from(jpeg).toString("base64")}`;
  return {
    ...{ sweeps, classes: test.classes, thumbnails: { url, across: ACROSS, side: SIDE } },
    labels: Buffer.from(test.labels).toString("base64"),
  };
}

/** The kept files of a network, each read once as everywhere, so that nothing damaged gets into a page. */
async function keptOf({ dir, ...network }: Swept & { readonly dir: string }, test: Dataset): Promise<Kept[]> {
  const files = (existsSync(dir) ? readdirSync(dir) : [])
    .filter((name) => name.endsWith(KEPT) && !GRADED.test(name))
    .sort();
  const nines = hasConfidences(dir) ? await loadConfidences(dir, network.weights, test) : new Uint8Array();
  const kept: Kept[] = [];
  for (const operator of files.map((file) => file.slice(0, -KEPT.length))) {
    await readSweep(dir, network, test, operator);
    const answers = Buffer.from(readWhole(join(dir, operator + KEPT), LARGEST_FILE)).toString("base64");
    kept.push({
      run: network.name,
      spec: network.spec,
      operator,
      answers,
      nines: Buffer.from(nines).toString("base64"),
    });
  }
  return kept;
}
