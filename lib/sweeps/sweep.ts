// A sweep: every ablation of a network on every test image, batch by batch, so that all rows exist after the first batch.
import { cpus } from "node:os";
import { setImmediate } from "node:timers/promises";
import { ablate, type Ablation, type AblationOptions, type Operator, operatorName, zero } from "../ablations/ablate";
import { checkSets, type LayerSet, singles } from "../ablations/sets";
import { checkDataset, checkFit, type Dataset } from "../data/dataset";
import { startEngine } from "../engine/backend";
import { type Layer, layersOf } from "../networks/layers";
import type { Network, Precision } from "../networks/network";
import type { EvenSweep, Sweep } from "../results/matrix";
import type { ProgressOptions } from "../training/evaluate";
import { emptySweep } from "./sweep-so-far";
import { sweepKey } from "./key";
import { openAnswers, type SweepWork } from "./answers";
import { openResults, type SavedResults } from "./saved";

/** What is done to which layers; by default the paper's experiment: every kernel in turn set to zero. */
export interface SweepOptions extends ProgressOptions, AblationOptions {
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
  /** Ends an ablation as soon as its verdict at this margin is certain: most need a few hundred images. */
  readonly stopWhenDecided?: { readonly margin: number };
  /** A folder that keeps what was computed: the same sweep goes on there, or is read back. */
  readonly results?: string;
  /** Forgets what that folder holds of this sweep. */
  readonly fresh?: boolean;
  /** Refuses to begin a sweep of which that folder holds nothing. */
  readonly resume?: boolean;
}

/** Options under which all ablations see the same images, so that they can be compared with each other. */
export type EvenOptions = SweepOptions & { readonly stopWhenDecided?: undefined };

/** Stays within a processor's caches: a tenth faster than 100 or more, and the first table comes sooner. */
const SWEEP_BATCH = 50;

/**
 * Predictions of the intact network and of one ablation per layer (or set), each with only that changed, on all images.
 * The network itself is not touched.
 * @throws RangeError when the parts of the dataset do not agree, the network has another number of outputs than it has classes, there is
 * no set or layer or a wrong one (see `checkSets`), or the operator does not apply to a layer
 * @throws Error when the signal is aborted, a network gives logits that are not finite, or results cannot be read or written
 */
export async function sweep(network: Network, dataset: Dataset, options?: EvenOptions): Promise<EvenSweep>;
export async function sweep(network: Network, dataset: Dataset, options?: SweepOptions): Promise<Sweep>;
export async function sweep(network: Network, dataset: Dataset, options: SweepOptions = {}): Promise<Sweep> {
  let result: Sweep | undefined;
  for await (result of sweepSteps(network, dataset, options));
  if (!result) throw new RangeError("Cannot sweep over an empty dataset: expected at least one image");
  return result;
}

/**
 * The same, batch by batch: after each batch the result for the images so far. It may be left at any time: until an ablation has seen
 * all images, its p values, bounds and intervals hold however the moment was chosen. With `stopWhenDecided` the errors of all looks
 * together stay within the level of the verdicts. Without it the last step is judged as if nobody had looked, so that it says the same
 * as `sweep`: who would have left at a verdict that he likes, and reads the last step otherwise, errs up to 1.2 times as often.
 */
export function sweepSteps(network: Network, dataset: Dataset, options?: EvenOptions): AsyncGenerator<EvenSweep, void>;
export function sweepSteps(network: Network, dataset: Dataset, options?: SweepOptions): AsyncGenerator<Sweep, void>;
export async function* sweepSteps(
  network: Network,
  dataset: Dataset,
  options: SweepOptions = {},
): AsyncGenerator<Sweep, void> {
  checkFit(network, dataset);
  if (options.reference) checkDataset(options.reference);
  const { batch = SWEEP_BATCH, precision = "float32", seed = 1, onProgress, signal } = options;
  const sets = options.sets ?? singles(options.layers ?? layersOf(network.spec));
  checkSets(network.spec, sets);
  const ablations = ablationsOf(network, sets, options);
  const what = { network, ablations, dataset, precision, seed, reference: options.reference };
  const saved = options.results === undefined ? undefined : await openSaved(options.results, what, options);
  const source = openAnswers(what);
  const operator = options.operatorName ?? operatorName(options.operator ?? zero);
  const found = emptySweep(what, sets, { ...options, operator });
  try {
    for (let start = 0; start < dataset.count && found.running().length > 0; start += batch) {
      const end = Math.min(start + batch, dataset.count);
      const rows = [0, ...found.running().map((index) => index + 1)];
      const known = saved?.read(start, end, rows);
      const answers = known ?? (await source.run(start, end, rows));
      if (!known) saved?.write({ start, rows, ...answers });
      found.enter(start, rows, answers);
      const done = end === dataset.count || found.running().length === 0;
      if (known && !done) continue;
      onProgress?.(end, dataset.count);
      yield found.result(end);
      // Native calls block: give interrupts and displays their turn.
      await setImmediate();
      signal?.throwIfAborted();
    }
  } finally {
    source.dispose();
  }
}

/** One ablation per set, each with all layers of the set changed. */
function ablationsOf(network: Network, sets: readonly LayerSet[], options: SweepOptions): Ablation[] {
  const { operator = zero } = options;
  const namesOf = ({ layers }: LayerSet) => layers.map(({ name }) => name);
  return sets.map((set) => ablate(network, namesOf(set), operator, options));
}

/** What is kept of this sweep in a folder; nothing there need exist. */
async function openSaved(dir: string, what: SweepWork, options: SweepOptions): Promise<SavedResults> {
  const content = { ...what, engine: await startEngine(), processor: cpus()[0]?.model ?? "unknown" };
  const shape = { rows: 1 + what.ablations.length, images: what.dataset.count };
  const saved = openResults(dir, sweepKey(content), shape, options);
  if (!options.resume || saved.saved(0) > 0) return saved;
  throw new Error(`Cannot go on with a sweep of ${what.network.name}: "${dir}" holds nothing of it`);
}
