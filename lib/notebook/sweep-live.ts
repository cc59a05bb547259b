// A sweep in a notebook cell: progress, table and figure that change in place; interrupted, it goes on when the cell runs again.
import { operatorName, zero } from "../ablations/ablate";
import { interruptSignal } from "../engine/turn";
import type { Dataset } from "../data/dataset";
import { accuracyByLayer } from "../figures/layers";
import type { Figure } from "../figures/style";
import type { Network } from "../networks/network";
import { type EvenRow, type Row, rowsOf } from "../results/rows";
import type { EvenSweep, Sweep } from "../results/matrix";
import { type EvenVerdict, type Verdict, verdictsOf } from "../results/verdict";
import { type EvenOptions, type SweepOptions, sweepSteps } from "../sweeps/sweep";
import { captionOf } from "../tables/caption";
import { ablationTable } from "../tables/ablations";
import { changeText } from "../text/format";
import { lastStep } from "./last-step";
import { alreadyShown, liveFigure, liveTable, progress, type ShowOptions } from "./show";
import { resultsFolder } from "./with-progress";

/** How a sweep is shown, besides what it is. */
export interface SweepViewOptions extends Pick<ShowOptions, "save" | "dir"> {
  /** How the operator is called in results: short for `operatorName`. */
  readonly name?: string;
  /** The largest harmless drop, a fraction (default: that of `stopWhenDecided`, else 0.005, half a percentage point). */
  readonly margin?: number;
  /** What is drawn of the rows, for example `dropByLayer` (default `accuracyByLayer`); false: no figure. */
  readonly figure?: false | ((rows: readonly Verdict[], options: { readonly title?: string }) => Figure);
  /** Above the figure (default: what was done to the layers). */
  readonly title?: string;
  /** The order of the table's lines: the network's (default), or the largest drop first; false: no table. */
  readonly table?: false | "forward" | "drop";
  /** Lines of the table at most (default 60). */
  readonly limit?: number;
  /** A folder that keeps what was computed (default data/results); false: none, and a sweep that is run again begins anew. */
  readonly results?: string | false;
  /** Milliseconds since some moment; the tests pass their own. */
  readonly clock?: () => number;
}

type Swept<Options> = Omit<Options, "onProgress" | "signal" | "results"> & SweepViewOptions;

/** Everything that `sweep` takes, and how it is shown. */
export type SweepLiveOptions = Swept<SweepOptions>;

/** The same for sweeps whose ablations all see the same images, so that they can be compared with each other. */
export type EvenLiveOptions = Swept<EvenOptions>;

/** What a live sweep leaves: everything that further cells go on with. */
export interface LiveSweep<S extends Sweep = EvenSweep, R extends Row = EvenRow, V extends Verdict = EvenVerdict> {
  readonly sweep: S;
  readonly rows: readonly R[];
  readonly verdicts: readonly V[];
  /** Whether it was stopped before its end: all numbers hold for the images so far. */
  readonly interrupted: boolean;
}

type AnyLiveSweep = LiveSweep<Sweep, Row, Verdict>;

/**
 * Sweeps a network in a cell: `const { verdicts } = await sweepLive(network, test, { operator })`, by default every kernel in turn zero.
 *
 * A line of progress, the table with verdicts and a figure change in place, table and figure always of the same images. An interrupt
 * (■) stops at once and leaves what there is, which stays valid; the same cell run again goes on there.
 * @throws what `sweep` and `verdictsOf` throw; the interrupt where it comes before the first batch
 */
export async function sweepLive(network: Network, dataset: Dataset, options?: EvenLiveOptions): Promise<LiveSweep>;
export async function sweepLive(network: Network, dataset: Dataset, options: SweepLiveOptions): Promise<AnyLiveSweep>;
export async function sweepLive(
  network: Network,
  dataset: Dataset,
  options: SweepLiveOptions = {},
): Promise<AnyLiveSweep> {
  const { results = resultsFolder(), sets, clock } = options;
  const operator = options.name ?? options.operatorName ?? operatorName(options.operator ?? zero);
  const sizes = sets?.map(({ layers }) => layers.length) ?? [1];
  const doing = changeText(sizes.map((layers) => ({ operator, layers })));
  const line = progress(`${network.name}, ${doing}`, "images", { clock });
  const [view, signal] = [openView(options), interruptSignal()];
  const watched = { onProgress: line.update, signal, results: results || undefined, operatorName: operator };
  try {
    const sweep = await lastStep(sweepSteps(network, dataset, { ...options, ...watched }), view.update, signal);
    const state = judged(sweep, options);
    line.finish(endOf(state, { dataset, kept: results !== false }));
    await view.finish(state);
    return state;
  } catch (error) {
    line.finish();
    throw error;
  }
}

function judged(sweep: Sweep, { stopWhenDecided, margin = stopWhenDecided?.margin }: SweepLiveOptions): AnyLiveSweep {
  const rows = rowsOf(sweep);
  const interrupted = rows.some(({ look }) => look === "running");
  return alreadyShown({ sweep, rows, verdicts: verdictsOf(rows, { margin }), interrupted });
}

/** What the line of progress says at the end. */
function endOf(
  { sweep, interrupted }: AnyLiveSweep,
  { dataset, kept }: { readonly dataset: Dataset; readonly kept: boolean },
): string {
  if (interrupted) return kept ? "stopped; run again, it goes on" : "stopped";
  return sweep.labels.length < dataset.count ? "every verdict is certain" : "";
}

/** Table and figure, drawn together. */
function openView({ clock, ...options }: SweepLiveOptions) {
  const { table: order = "forward", figure: draw = accuracyByLayer, limit = 60, title, save, dir } = options;
  const figure = draw && liveFigure({ clock });
  const table = order && liveTable({ clock: figure ? nextSecond() : clock });
  const tableOf = ({ verdicts }: AnyLiveSweep) => ablationTable(verdicts, { order: order || "forward" });
  const figureOf = ({ verdicts }: AnyLiveSweep): Figure => (draw || accuracyByLayer)(verdicts, { title });
  const shown = (sweep: Sweep) => ({ caption: captionOf(sweep), limit });
  return {
    update(sweep: Sweep): void {
      const found = once(() => judged(sweep, options));
      const showTable = () => table && table.update(() => tableOf(found()), shown(sweep));
      // A picture takes a while: the table waits for it, so that both are of the same images.
      if (figure) figure.update(() => figureOf(found()), {}, showTable);
      else showTable();
    },
    async finish(state: AnyLiveSweep): Promise<void> {
      const showTable = () => table && void table.finish(tableOf(state), shown(state.sweep));
      if (figure) await figure.finish(figureOf(state), { save, dir }, showTable);
      else showTable();
    },
  };
}

/** A clock that goes on by a second whenever it is asked. */
function nextSecond(): () => number {
  let asked = 0;
  return () => 1000 * asked++;
}

/** Computes at the first call and remembers. */
function once<T>(compute: () => T): () => T {
  let known: { readonly value: T } | undefined;
  return () => (known ??= { value: compute() }).value;
}
