// What a notebook cell shows: figures and tables, live progress, outputs that change in place. Only this file knows tslab.
import { randomUUID } from "node:crypto";
import { interruptSignal } from "../engine/turn";
import { plainFigure } from "../figures/plain";
import type { Figure } from "../figures/style";
import type { TableOptions } from "../tables/render";
import type { Table } from "../tables/table";
import { finishedLine, progressLine, type ProgressLine, trackProgress } from "../text/progress";
import { phrase, type Said } from "../text/phrase";
import {
  type Bundle,
  draftBundle,
  FIGURE,
  figureBundle,
  phraseBundle,
  pictureBundle,
  saveFigure,
  tableBundle,
} from "./bundle";
import type { ImageFormat, ImageOptions } from "./picture";
import { resultView, type View, viewOf } from "./view";

/** How something is shown: a figure's size and a table's form beside these. */
export interface ShowOptions extends TableOptions, ImageOptions {
  /** Also writes a figure to `<dir>/<save>.png` and `.json`. */
  readonly save?: string;
  /** As which pictures it is saved, such as ["png", "svg", "pdf"] for a paper (default: a PNG). */
  readonly formats?: readonly ImageFormat[];
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
 * Shows a value below the cell: a figure, a table or HTML; rows, a sweep, an arquero table or a danfojs frame as a table; a run, a network or
 * a tensor as a card; a dataset as its first pictures. A figure becomes one bundle of plotly's JSON (interactive in JupyterLab and VS Code),
 * a PNG (GitHub, nbviewer) and a line of text; never HTML, which GitHub would prefer and then strip to nothing.
 * @throws TypeError for what cannot be shown, or a figure that holds what is no plain data; RangeError when `save` is not a plain file name
 * or a format is unknown; Error when the files cannot be written
 */
export async function show(value: object, options: ShowOptions = {}): Promise<void> {
  display(await bundleOf(viewOf(value), options));
}

async function bundleOf({ what, caption }: View, options: ShowOptions = {}): Promise<Bundle> {
  if ("html" in what) return { "text/html": what.html, "text/plain": what.text };
  return isFigure(what) ? savedBundle(what, options) : tableBundle(what, { caption, ...options });
}

/** Where the kernel (lib/jupyter/runner.cjs) finds how the last expression of a cell looks. */
const LOOK = Symbol.for("nontrivial.look");

Reflect.set(globalThis, LOOK, async (value: object): Promise<Bundle | undefined> => {
  if (shownBy.has(value) && shownBy.get(value) === kernelWriter()) return {};
  const view = resultView(value);
  return view && bundleOf(view);
});

/** The cells, by their writers, in which something has been shown while it came about. */
const shownBy = new WeakMap<object, Write | undefined>();

/** Says that the present cell has shown a value already: as its last expression it is not shown again. */
export function alreadyShown<T extends object>(value: T): T {
  shownBy.set(value, kernelWriter());
  return value;
}

/**
 * Shows a reading, Markdown with values set in: say`**Reading.** ${code(row.layer)} costs ${pp(row.drop)}.` It is made anew from the
 * numbers whenever the cell runs, so that it cannot part from them. What is set in is never taken for markup, except a `phrase`.
 * @throws TypeError when a value is a number with a fraction, which has to be given its digits and unit
 */
export function say(words: TemplateStringsArray, ...values: readonly Said[]): void {
  display(phraseBundle(phrase(words, ...values)));
}

/** The bundle of a figure, which is saved where the options say so. */
async function savedBundle(figure: Figure, options: ShowOptions): Promise<Bundle> {
  const data = await figureBundle(figure, options, noticeOnce);
  const { save } = options;
  if (save !== undefined) await saveFigure(figure, data, { ...options, save });
  return data;
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
  const put = (data: Bundle) => {
    write?.({ data, metadata: {}, transient }, shown);
    shown = true;
  };
  return {
    set(data) {
      // JupyterLab's renderer of figures draws the first one and no other; text in between makes it begin anew.
      if (shown && FIGURE in data) put({ "text/plain": data["text/plain"] });
      put(data);
    },
  };
}

/** Options of live outputs. */
export interface LiveOptions {
  /** Milliseconds since some moment; the tests pass their own. */
  readonly clock?: () => number;
}

/**
 * A line of progress for long work: `const line = progress("every layer", "images")`, then `line.update(done, total)` and `line.finish()`.
 * @param unit what is counted, in the plural
 */
export function progress(label: string, unit = "", { clock }: LiveOptions = {}): ProgressLine {
  const output = live();
  const draw = (text: string) => output.set({ "text/plain": text });
  return trackProgress(label, unit, {
    every: 250,
    clock,
    draw: (state) => draw(progressLine(state)),
    end(state) {
      const line = finishedLine(state);
      draw(line);
      if (!kernelWriter()) console.log(line);
    },
  });
}

/** Something that is drawn anew in place, at most once a second. */
export interface LiveOutput<T> {
  /**
   * The present state; a function is called only when it is time to draw.
   * @param beside called when it is there to be seen, for what has to change at the same moment
   */
  readonly update: (what: T | (() => T), options?: ShowOptions, beside?: () => void) => void;
  /** The last state, as `show` shows it; in an interrupted cell, which has to end at once, without PNG and unsaved. */
  readonly finish: (what: T, options?: ShowOptions, beside?: () => void) => Promise<void>;
}

const alone = () => {};

/**
 * A figure below the cell for work under way, for example curves while a network is trained. The first one is there at once, those
 * after it as pictures, which the page exchanges without a blink; they are drawn beside the work.
 */
export function liveFigure({ clock = () => performance.now() }: LiveOptions = {}): LiveOutput<Figure> {
  const output = live();
  const due = everySecond(clock);
  let state: "new" | "shown" | "drawing" | "finished" = "new";
  const put = (bundle: Bundle, beside: () => void) => {
    beside();
    output.set(bundle);
  };
  const showPicture = async (figure: Figure, options: ShowOptions, beside: () => void) => {
    const picture = await pictureBundle(figure, options).catch(() => draftBundle(figure));
    if (state !== "drawing") return;
    put(picture, beside);
    state = "shown";
  };
  return {
    update(what, options = {}, beside = alone) {
      if (state === "drawing" || !due()) return;
      const figure = plainFigure(typeof what === "function" ? what() : what);
      if (state === "new") put(draftBundle(figure), beside);
      else void showPicture(figure, options, beside);
      state = state === "new" ? "shown" : "drawing";
    },
    async finish(figure, options = {}, beside = alone) {
      state = "finished";
      // What stands beside is shown also where the figure cannot be saved.
      const last = interruptSignal().aborted ? Promise.resolve(draftBundle(figure)) : savedBundle(figure, options);
      output.set(await last.finally(beside));
    },
  };
}

/** A table below the cell for work under way, for example the rows of a sweep. */
export function liveTable({ clock = () => performance.now() }: LiveOptions = {}): LiveOutput<Table> {
  const output = live();
  const due = everySecond(clock);
  return {
    update(what, options = {}, beside = alone) {
      if (!due()) return;
      output.set(tableBundle(typeof what === "function" ? what() : what, options));
      beside();
    },
    async finish(table, options = {}, beside = alone) {
      output.set(tableBundle(table, options));
      beside();
    },
  };
}

/** Says whether a second has passed since it last said so. */
function everySecond(clock: () => number): () => boolean {
  let last = -Infinity;
  return () => {
    const due = clock() - last >= 1000;
    if (due) last = clock();
    return due;
  };
}
