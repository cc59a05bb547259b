// A sweep: every ablation of a network on every test image, batch by batch.
import { setImmediate } from "node:timers/promises";
import type { Operator } from "./ablate";
import { ablate, zero } from "./ablate";
import type { Dataset } from "./cifar";
import type { ProgressOptions } from "./evaluate";
import { logitsOf, openPredictor, predictedClasses, testBatches } from "./evaluate";
import type { Layer, Network } from "./network";
import { layersOf } from "./network";
import type { Sweep } from "./rows";

/** What is done to which layers; by default the paper's experiment: every kernel in turn set to zero. */
export interface SweepOptions extends ProgressOptions {
  readonly layers?: readonly Layer[];
  readonly operator?: Operator;
  /** How the operator is called in the result. */
  readonly operatorName?: string;
}

/**
 * Predictions of the intact network and of one ablation per layer, each with only that layer changed.
 * `onProgress` counts images times networks. The network itself is not touched.
 * @throws RangeError when the dataset is empty or has other classes than the network
 * @throws Error when a network gives numbers that are not finite, or the signal is aborted
 */
export async function sweep(network: Network, dataset: Dataset, options: SweepOptions = {}): Promise<Sweep> {
  const {
    layers = layersOf(network.spec),
    operator = zero,
    operatorName = "zero",
    batch,
    onProgress,
    signal,
  } = options;
  const predictor = await openPredictor(network);
  const intact = predictor.load(network);
  const ablated = layers.map((layer) => predictor.load(ablate(network, layer.name, operator), intact));
  const networks = [intact, ...ablated];
  const matrix = networks.map(() => new Uint8Array(dataset.count));
  let done = 0;
  try {
    for await (const { start, images, labels } of testBatches(dataset, { batch, signal })) {
      for (const [index, loaded] of networks.entries()) {
        matrix[index].set(predictedClasses(logitsOf(predictor, loaded, images), network.spec.classes), start);
        onProgress?.((done += labels.length), dataset.count * networks.length);
        await setImmediate();
        signal?.throwIfAborted();
      }
    }
  } finally {
    networks.forEach((loaded) => loaded.dispose());
    predictor.dispose();
  }
  const [baseline, ...predictions] = matrix;
  return { network: network.name, operator: operatorName, layers, labels: dataset.labels, baseline, predictions };
}
