// What a sweep starts from and goes through: its ablations, what is kept of it on disk, and its answers batch by batch.
import { cpus, hostname } from "node:os";
import { ablate, type Ablation, type AblationOptions, type Operator, operatorName, zero } from "../ablations/ablate";
import { checkSets, type LayerSet, singles } from "../ablations/sets";
import { checkDataset, checkFit, type Dataset } from "../data/dataset";
import { type Engine, startEngine } from "../engine/backend";
import { turn } from "../engine/turn";
import { type Layer, layersOf } from "../networks/layers";
import type { Network, Precision } from "../networks/network";
import type { ProgressOptions } from "../training/evaluate";
import { type AnswerSource, openAnswers, type SweepWork } from "./answers";
import type { Answers } from "./graph-program";
import { sweepKey } from "./key";
import { openResults, type SavedResults } from "./saved";

/** What is done to which layers, how it is computed and where it is kept; by default every kernel in turn is set to zero. */
export interface WorkOptions extends ProgressOptions, AblationOptions {
  /** These layers, one at a time. */
  readonly layers?: readonly Layer[];
  /** These sets of layers instead, each changed at once. */
  readonly sets?: readonly LayerSet[];
  readonly operator?: Operator;
  /** How the operator is called in the result; by default it has its own name, such as "noise:0.5", or that of its function. */
  readonly operatorName?: string;
  /** Training images, for operators that ask for a mean or for another image's activation. */
  readonly reference?: Dataset;
  /** In which activations are computed; bfloat16 is faster and changes a few predictions. */
  readonly precision?: Precision;
  /** Bytes that graphs may take (3e9): more ablations than fit are computed in portions, each on some images before the next is loaded. */
  readonly memory?: number;
  /** A folder that keeps what was computed: the same sweep goes on there, or is read back. */
  readonly results?: string;
  /** Forgets what that folder holds of this sweep. */
  readonly fresh?: boolean;
  /** Refuses to begin a sweep of which that folder holds nothing. */
  readonly resume?: boolean;
}

/** A sweep that can begin. */
export interface Prepared {
  readonly work: SweepWork;
  readonly sets: readonly LayerSet[];
  /** How the operator is called. */
  readonly operator: string;
}

/**
 * Images per call of the engine. 50 stay within a processor's caches: a tenth faster than 100 or more, and the first table comes sooner.
 * A GPU needs more to do (ResNet-20 on an H100: 4.9 s in batches of 50, 1.5 s in those of 500).
 */
export const sweepBatch = ({ gpu }: Pick<Engine, "gpu">): number => (gpu ? 500 : 50);

/** Makes the ablations that are asked for. @throws RangeError as `sweep` does */
export function prepare(network: Network, dataset: Dataset, options: WorkOptions): Prepared {
  checkFit(network, dataset);
  if (options.reference) checkDataset(options.reference);
  const { precision = "float32", seed = 1, reference, memory } = options;
  const sets = options.sets ?? singles(options.layers ?? layersOf(network.spec));
  checkSets(network.spec, sets);
  const ablations = ablationsOf(network, sets, options);
  const operator = options.operatorName ?? operatorName(options.operator ?? zero);
  return { work: { network, ablations, dataset, precision, seed, reference, memory }, sets, operator };
}

/** One ablation per set, each with all layers of the set changed. */
function ablationsOf(network: Network, sets: readonly LayerSet[], options: WorkOptions): Ablation[] {
  const { operator = zero } = options;
  const namesOf = ({ layers }: LayerSet) => layers.map(({ name }) => name);
  return sets.map((set) => ablate(network, namesOf(set), operator, options));
}

/** One batch of a sweep: what the intact network, row 0, and ablations that still ran say about some images. */
export interface AnsweredBatch {
  readonly start: number;
  readonly end: number;
  readonly rows: readonly number[];
  readonly answers: Answers;
  /** Whether it was read back instead of computed. */
  readonly known: boolean;
  /** Whether all ablations that run have now seen the images before `end`, not these rows alone. */
  readonly whole: boolean;
  /** How much is done, in images that all ablations have seen. */
  readonly done: number;
}

/**
 * Goes through a sweep's images in order for as long as ablations run: reads back what is kept, computes and keeps the rest. Between two
 * batches that are computed, interrupts and displays get their turn.
 * @param running which ablations run, asked before each batch
 * @throws what `openAnswers` and `openResults` throw; Error when the signal is aborted
 */
export async function* answeredBatches(
  work: SweepWork,
  running: () => readonly number[],
  options: WorkOptions,
): AsyncGenerator<AnsweredBatch, void> {
  const { batch = sweepBatch(await startEngine()), signal } = options;
  const { count } = work.dataset;
  const saved = options.results === undefined ? undefined : await openSaved(options.results, work, options);
  const source = openAnswers(work);
  let longest = FIRST_STRETCH;
  try {
    for (let start = 0; start < count && running().length > 0;) {
      let end = Math.min(start + batch, count);
      const known = saved?.read(start, end, rowsOf(running()));
      const portions = known ? [rowsOf(running())] : await source.portions(rowsOf(running()));
      if (portions.length > 1) [end, longest] = [Math.min(start + longest, count), LONGER * longest];
      for await (const answered of stretchOf({ start, end, batch, portions }, running, { source, saved })) {
        yield answered;
        // Native calls block: give interrupts and displays their turn.
        if (!answered.known) await turn(signal);
      }
      start = end;
    }
  } finally {
    source.dispose();
  }
}

/** Where memory holds only a portion of the ablations at a time, each sees this many images before the next one is loaded, then four times as many. */
const [FIRST_STRETCH, LONGER] = [250, 4];

interface Stretch {
  readonly start: number;
  readonly end: number;
  readonly batch: number;
  readonly portions: readonly (readonly number[])[];
}

/** All batches of some images: of one portion of the ablations after the other. */
async function* stretchOf(
  { start: first, end: last, batch, portions }: Stretch,
  running: () => readonly number[],
  { source, saved }: { source: AnswerSource; saved?: SavedResults },
): AsyncGenerator<AnsweredBatch, void> {
  for (const [index, portion] of portions.entries())
    for (let start = first; start < last; start += batch) {
      const still = new Set(rowsOf(running()));
      const rows = portion.filter((row) => still.has(row));
      if (rows.length === 1) break; // row 0 alone
      const end = Math.min(start + batch, last);
      const known = saved?.read(start, end, rows);
      const answers = known ?? (await source.run(start, end, rows));
      if (!known) saved?.write({ start, rows, ...answers });
      const whole = end === last && index === portions.length - 1;
      const done = first + Math.floor((index * (last - first) + end - first) / portions.length);
      yield { start, end, rows, answers, known: known !== undefined, whole, done };
    }
}

const rowsOf = (running: readonly number[]): number[] => [0, ...running.map((index) => index + 1)];

/** What is kept of this sweep in a folder; nothing there need exist. */
async function openSaved(dir: string, what: SweepWork, options: WorkOptions): Promise<SavedResults> {
  const content = { ...what, engine: await startEngine(), processor: cpus()[0]?.model ?? "unknown" };
  const shape = { rows: 1 + what.ablations.length, images: what.dataset.count, classes: what.network.spec.classes };
  const saved = openResults(dir, sweepKey(content), shape, { ...options, writer: hostname() });
  if (!options.resume || saved.saved(0) > 0) return saved;
  throw new Error(`Cannot go on with a sweep of ${what.network.name}: "${dir}" holds nothing of it`);
}
