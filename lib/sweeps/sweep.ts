// A sweep: every ablation of a network on every test image, batch by batch, so that all rows exist after the first batch.
import type { Dataset } from "../data/dataset";
import type { Network } from "../networks/network";
import { evenSweep, type EvenSweep, type Sweep } from "../results/matrix";
import { answeredBatches, prepare, type WorkOptions } from "./prepare";
import { describe } from "./sweep-file";
import { emptySweep } from "./sweep-so-far";

/** What is done to which layers; by default the paper's experiment: every kernel in turn set to zero. */
export interface SweepOptions extends WorkOptions {
  /** Ends an ablation as soon as its verdict at this margin is certain: most need a few hundred images. */
  readonly stopWhenDecided?: { readonly margin: number };
}

/** Options under which all ablations see the same images, so that they can be compared with each other. */
export type EvenOptions = SweepOptions & { readonly stopWhenDecided?: undefined };

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
  const { work, sets, operator } = prepare(network, dataset, options);
  const found = emptySweep(work, sets, { ...options, operator });
  let seen = 0;
  for await (const { start, end, rows, answers, known, whole, done } of answeredBatches(work, found.running, options)) {
    found.enter(start, rows, answers);
    seen = Math.max(seen, end);
    if (known || done === dataset.count || found.running().length === 0) continue;
    options.onProgress?.(done, dataset.count);
    if (whole) yield found.result(end);
  }
  if (seen === 0) return;
  options.onProgress?.(seen, dataset.count);
  const result = found.result(seen);
  if (!result.stopping) await describe(options.results, evenSweep(result), network.spec, dataset);
  yield result;
}
