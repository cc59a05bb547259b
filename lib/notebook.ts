// What a notebook cell shows: figures and tables as bundles for every viewer, live progress. Only this file knows tslab.
import { randomUUID } from "node:crypto";
import type { Figure } from "./figure-style";
import { writeTogether } from "./files";
import { finishedLine, progressLine, type ProgressState, unescapeHtml } from "./format";
import { type ImageOptions, toPng } from "./image";
import { type Table, type TableOptions, toHtml, toText } from "./table";

/** What a cell's output holds, by MIME type. */
export type Bundle = Readonly<Record<string, unknown>>;

/** No button that sends the figure to a server, none that has no use here. */
const CONFIG = {
  displaylogo: false,
  showSendToCloud: false,
  plotlyServerURL: "",
  modeBarButtonsToRemove: ["select2d", "lasso2d"],
};

/** HTML of the notebook's own making; its text is what viewers without HTML show. */
export interface Html {
  readonly html: string;
  readonly text: string;
}

/** How something is shown: a figure's size and a table's form beside these. */
export interface ShowOptions extends TableOptions, ImageOptions {
  /** Also writes a figure to `<dir>/<save>.png` and `.json`. */
  readonly save?: string;
  /** Where figures are saved (default "figures"). */
  readonly dir?: string;
}

type Write = (display: { data: Bundle; metadata: object; transient: object }, update: boolean) => void;

/** The writer of the running kernel for the current cell; undefined outside of one. */
function kernelWriter(): Write | undefined {
  const kernel = require.cache[require.resolve("tslab/dist/jupyter")]?.exports as
    { lastWriteDisplayData?: Write | null } | undefined;
  return kernel?.lastWriteDisplayData ?? undefined;
}

/** Shows a bundle in the cell, or its text on the terminal where there is no kernel. */
function display(data: Bundle): void {
  const write = kernelWriter();
  if (write) write({ data, metadata: {}, transient: {} }, false);
  else console.log(data["text/plain"]);
}

/**
 * Shows a figure, a table or HTML below the cell. A figure becomes one bundle of plotly's JSON (interactive in JupyterLab and VS Code),
 * a PNG (GitHub, nbviewer) and a line of text; never HTML, which GitHub would prefer and then strip to nothing.
 * @throws RangeError when `save` is not a plain file name; Error when the files cannot be written
 */
export async function show(what: Figure | Table | Html, options: ShowOptions = {}): Promise<void> {
  if ("html" in what) return display({ "text/html": what.html, "text/plain": what.text });
  if (!isFigure(what)) return display({ "text/html": toHtml(what, options), "text/plain": toText(what, options) });
  const data = await figureBundle(what, options, noticeOnce);
  const { save, dir } = options;
  if (save !== undefined) await saveFigure(what, data["image/png"] as string | undefined, { save, dir });
  display(data);
}

function isFigure(what: Figure | Table): what is Figure {
  return "layout" in what && Array.isArray(what.data);
}

let noticed = false;

function noticeOnce(reason: Error): void {
  if (!noticed) console.warn(`Figures have no PNG here, only their interactive form. ${reason.message}`);
  noticed = true;
}

/** An output that changes in place. */
interface Live {
  set(data: Bundle): void;
}

/** An output in the cell that is current now, also when it is changed later; outside of a kernel nothing shows. */
function live(): Live {
  const write = kernelWriter();
  const transient = { display_id: randomUUID() };
  let shown = false;
  return {
    set(data) {
      write?.({ data, metadata: {}, transient }, shown);
      shown = true;
    },
  };
}

/** Options of live outputs. */
export interface LiveOptions {
  /** Milliseconds since some moment; the tests pass their own. */
  readonly clock?: () => number;
}

/** A line of progress below the cell. */
export interface ProgressLine {
  /** Says how far the work is; fits `onProgress` of evaluations and sweeps. Drawn at most four times a second. */
  readonly update: (done: number, total: number, note?: string) => void;
  /** Leaves one line with count, time and rate. */
  readonly finish: (note?: string) => void;
}

/**
 * A line of progress for long work: `const line = progress("every layer", "images")`, then `line.update(done, total)` and `line.finish()`.
 * @param unit what is counted, in the plural
 */
export function progress(
  label: string,
  unit = "",
  { clock = () => performance.now() }: LiveOptions = {},
): ProgressLine {
  const output = live();
  let state: ProgressState | undefined;
  let [began, drawn] = [0, -Infinity];
  const draw = (text: string) => output.set({ "text/plain": text });
  return {
    update(done, total, note = "") {
      const now = clock();
      if (!state) began = now;
      state = { label, unit, done, total, note, first: state?.first ?? done, seconds: (now - began) / 1000 };
      if (now - drawn < 250) return;
      drawn = now;
      draw(progressLine(state));
    },
    finish(note = "") {
      if (!state) return;
      const line = finishedLine({ ...state, note, seconds: (clock() - began) / 1000 });
      draw(line);
      if (!kernelWriter()) console.log(line);
    },
  };
}

/** A figure that is drawn anew in place, at most once a second. */
export interface LiveFigure {
  readonly update: (figure: Figure) => void;
  /** The last state, with its PNG. */
  readonly finish: (figure: Figure, options?: ImageOptions) => Promise<void>;
}

/** A figure below the cell for work under way, for example curves while a network is trained. */
export function liveFigure({ clock = () => performance.now() }: LiveOptions = {}): LiveFigure {
  const output = live();
  let drawn = -Infinity;
  return {
    update({ data, layout }) {
      if (clock() - drawn < 1000) return;
      drawn = clock();
      output.set({ "application/vnd.plotly.v1+json": { data, layout }, "text/plain": titleOf({ data, layout }) });
    },
    async finish(figure, options = {}) {
      output.set(await figureBundle(figure, options, noticeOnce));
    },
  };
}

/** The signal that the kernel aborts when this cell is interrupted; outside of the project's kernel one that never aborts. */
export function interruptSignal(): AbortSignal {
  const signal: unknown = Reflect.get(globalThis, Symbol.for("nontrivial.signal"));
  return signal instanceof AbortSignal ? signal : new AbortController().signal;
}

/**
 * The bundle of a figure: plotly's JSON, a PNG and a line of text.
 * @param onMissing called with the reason where no browser starts; the bundle lacks the PNG then
 */
export async function figureBundle(
  figure: Figure,
  options: ImageOptions,
  onMissing: (reason: Error) => void,
): Promise<Bundle> {
  const { data, layout } = figure;
  const config = {
    ...CONFIG,
    responsive: layout.width === undefined,
    displayModeBar: layout.width === undefined ? "hover" : false,
  };
  const bundle = { "application/vnd.plotly.v1+json": { data, layout, config }, "text/plain": titleOf(figure) };
  const png = await toPng(figure, options).catch((error: Error) => {
    if (!error.message.startsWith("Cannot start the browser")) throw error;
    onMissing(error);
  });
  return png ? { ...bundle, "image/png": Buffer.from(png).toString("base64") } : bundle;
}

/** The title of a figure as a line of plain text. */
function titleOf({ layout }: Figure): string {
  const title = typeof layout.title === "object" ? (layout.title.text ?? "") : "";
  return `[figure] ${unescapeHtml(title.split("<br>")[0].replace(/<[^>]*>/g, ""))}`;
}

/**
 * Writes a figure to `<dir>/<save>.json` and, where there is one, its PNG.
 * @throws RangeError when `save` is not a plain file name; Error when the files cannot be written
 */
async function saveFigure(
  figure: Figure,
  png: string | undefined,
  { save, dir = "figures" }: { readonly save: string; readonly dir?: string },
): Promise<void> {
  if (!/^\w[\w.-]{0,99}$/.test(save))
    throw new RangeError(`Cannot save the figure as "${save}": expected a name of letters, digits, ".", "_" and "-"`);
  const files = new Map([[`${save}.json`, new TextEncoder().encode(`${JSON.stringify(figure)}\n`)]]);
  if (png) files.set(`${save}.png`, Buffer.from(png, "base64"));
  await writeTogether(dir, files);
}
