// A sweep: every ablation of a network on every test image, batch by batch, so that all rows exist after the first batch.
import { ablate, type AblationOptions, isUnchanged, type Operator, zero } from "./ablate";
import type { Dataset } from "./cifar";
import { type ProgressOptions, testBatches } from "./evaluate";
import { type Layer, layersOf, type Network } from "./network";
import type { Sweep } from "./rows";
import { singles } from "./sets";
import { openSweep } from "./sweepgraph";

/** What is done to which layers; by default the paper's experiment: every kernel in turn set to zero. */
export interface SweepOptions extends ProgressOptions, AblationOptions {
  readonly layers?: readonly Layer[];
  readonly operator?: Operator;
  /** How the operator is called in the result. */
  readonly operatorName?: string;
  /** In which activations are computed; bfloat16 is faster and changes a few predictions. */
  readonly precision?: "float32" | "bfloat16";
}

/** Stays within a processor's caches: a tenth faster than 100 or more, and the first table comes sooner. */
const SWEEP_BATCH = 50;

/**
 * Predictions of the intact network and of one ablation per layer, each with only that layer changed, on all images.
 * The network itself is not touched.
 * @throws RangeError when the dataset is empty
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
  const { layers = layersOf(network.spec), operator = zero, operatorName = "zero", batch = SWEEP_BATCH } = options;
  const ablations = layers.map((layer) => ablate(network, layer.name, operator, options));
  const unchanged = ablations.map((ablation) => isUnchanged(network, ablation));
  const program = await openSweep(network, ablations, options.precision);
  const matrix = [network, ...ablations].map(() => new Uint8Array(dataset.count));
  try {
    for await (const { start, images, labels } of testBatches(dataset, { ...options, batch })) {
      program.predict(images).forEach((predicted, index) => matrix[index].set(predicted, start));
      const [baseline, ...predictions] = matrix.map((row) => row.subarray(0, start + labels.length));
      const seen = dataset.labels.subarray(0, start + labels.length);
      const { seed = 1, precision = "float32" } = options;
      const what = { network: network.name, operator: operatorName, seed, precision, sets: singles(layers), unchanged };
      yield { ...what, labels: seen, baseline, predictions };
    }
  } finally {
    program.dispose();
  }
}
