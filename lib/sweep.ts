// A sweep: every ablation of a network on every test image, batch by batch, so that all rows exist after the first batch.
import { setImmediate } from "node:timers/promises";
import { ablate, type Ablation, type AblationOptions, isUnchanged, type Operator, zero } from "./ablate";
import type { Dataset } from "./cifar";
import type { ProgressOptions } from "./evaluate";
import { type Layer, layersOf } from "./layers";
import type { Network } from "./network";
import type { Sweep } from "./rows";
import { type LayerSet, singles } from "./sets";
import { openEngine } from "./sweepengine";
import type { Answers } from "./sweepgraph";

/** What is done to which layers; by default the paper's experiment: every kernel in turn set to zero. */
export interface SweepOptions extends ProgressOptions, AblationOptions {
  /** These layers, one at a time. */
  readonly layers?: readonly Layer[];
  /** These sets of layers instead, each changed at once. */
  readonly sets?: readonly LayerSet[];
  readonly operator?: Operator;
  /** How the operator is called in the result. */
  readonly operatorName?: string;
  /** Training images, for operators that ask for a mean or for another image's activation. */
  readonly reference?: Dataset;
  /** In which activations are computed; bfloat16 is faster and changes a few predictions. */
  readonly precision?: "float32" | "bfloat16";
}

/** Stays within a processor's caches: a tenth faster than 100 or more, and the first table comes sooner. */
const SWEEP_BATCH = 50;

/**
 * Predictions of the intact network and of one ablation per layer (or set), each with only that changed, on all images.
 * The network itself is not touched.
 * @throws RangeError when the dataset is empty, or the operator does not apply to a layer
 * @throws Error when the signal is aborted, or a network gives logits that are not finite
 */
export async function sweep(network: Network, dataset: Dataset, options: SweepOptions = {}): Promise<Sweep> {
  let result: Sweep | undefined;
  for await (result of sweepSteps(network, dataset, options));
  if (!result) throw new RangeError("Cannot sweep over an empty dataset: expected at least one image");
  return result;
}

/** The same, batch by batch: after each batch the result for the images so far. It may be left at any time. */
export async function* sweepSteps(
  network: Network,
  dataset: Dataset,
  options: SweepOptions = {},
): AsyncGenerator<Sweep, void> {
  const { batch = SWEEP_BATCH, precision = "float32", seed = 1, onProgress, signal } = options;
  const sets = options.sets ?? singles(options.layers ?? layersOf(network.spec));
  const ablations = ablationsOf(network, sets, options);
  const engine = openEngine(network, ablations, dataset, { precision, seed, reference: options.reference });
  const matrix = emptyMatrix(1 + sets.length, dataset.count);
  const rows = matrix.predictions.map((_, row) => row);
  const resultOf = resultMaker(network, dataset, matrix, { ...options, ablations, sets });
  try {
    for (let start = 0; start < dataset.count; start += batch) {
      const end = Math.min(start + batch, dataset.count);
      enter(matrix, start, rows, await engine.run(start, end, rows));
      onProgress?.(end, dataset.count);
      yield resultOf(end);
      // Native calls block: give interrupts and displays their turn.
      await setImmediate();
      signal?.throwIfAborted();
    }
  } finally {
    engine.dispose();
  }
}

/** One ablation per set, each with all layers of the set changed. */
function ablationsOf(network: Network, sets: readonly LayerSet[], options: SweepOptions): Ablation[] {
  const { operator = zero } = options;
  return sets.map(({ layers }) =>
    ablate(
      network,
      layers.map(({ name }) => name),
      operator,
      options,
    ),
  );
}

/** Room for the answers of every row to every image. */
function emptyMatrix(rows: number, images: number): Answers {
  return {
    predictions: Array.from({ length: rows }, () => new Uint8Array(images)),
    losses: Array.from({ length: rows }, () => new Float32Array(images)),
  };
}

/** Writes the answers of some rows to the images from `start` on into the matrix. */
function enter(matrix: Answers, start: number, rows: readonly number[], { predictions, losses }: Answers): void {
  rows.forEach((row, index) => {
    matrix.predictions[row].set(predictions[index], start);
    matrix.losses[row].set(losses[index], start);
  });
}

/** Makes the result for the first images out of what the matrix holds by then. */
function resultMaker(
  network: Network,
  dataset: Dataset,
  matrix: Answers,
  options: SweepOptions & { readonly ablations: readonly Ablation[]; readonly sets: readonly LayerSet[] },
): (images: number) => Sweep {
  const { operatorName = "zero", seed = 1, precision = "float32", ablations, sets } = options;
  const still = ablations.map((ablation) => isUnchanged(network, ablation));
  return (images) => {
    const [baseline, ...predictions] = matrix.predictions.map((row) => row.subarray(0, images));
    const [intact, ...losses] = matrix.losses.map((row) => row.subarray(0, images));
    const unchanged = ablations.map(({ activations }, index) =>
      activations ? losses[index].every((loss, image) => loss === intact[image]) : still[index],
    );
    const what = { network: network.name, operator: operatorName, seed, precision, sets, unchanged };
    const labels = dataset.labels.subarray(0, images);
    return { ...what, labels, baseline, predictions, losses: { baseline: intact, ablations: losses } };
  };
}
