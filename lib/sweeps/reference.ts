// Reference images: training images whose activations stand in for those of the images under test.
import { notingWords } from "../ablations/activations";
import { batchOf } from "../data/batches";
import type { Dataset } from "../data/dataset";
import { CHANNELS } from "../data/image";
import { pixelsAt } from "../data/pixels";
import { startEngine, type Tensor, tf } from "../engine/backend";
import { turn } from "../engine/turn";
import { eagerWeights, eagerWords } from "../engine/eager";
import { folding } from "../engine/fold";
import { Graph, type Symbolic } from "../engine/graph";
import * as ops from "../engine/operations";
import { imageTensor } from "../engine/predictor";
import { inferenceWords } from "../engine/recorder";
import { loadProgram } from "../engine/savedmodel";
import type { Values } from "../files/values";
import { forward } from "../networks/forward";
import type { Network } from "../networks/network";
import { sideOf } from "../networks/spec";
import type { Random } from "../statistics/shuffle";

/** Means of activations over the reference images, [1, height, width, channels] each, by activation name. */
export type Means = ReadonlyMap<string, Values>;

/** Computes the mean activations of one batch. */
interface MeansProgram {
  run(images: Tensor): Record<string, Tensor>;
  dispose(): void;
}

const BATCH = 250;

/** The means of the named activations of a network over all images of a dataset, each [1, height, width, channels]. */
export async function meanActivations(
  network: Network,
  reference: Dataset,
  names: ReadonlySet<string>,
): Promise<Means> {
  const { backend } = await startEngine();
  const program = backend === "tensorflow" ? await compileMeans(network, names) : openEagerMeans(network, names);
  const sums = new Map<string, { shape: number[]; data: Float64Array }>();
  try {
    for (let start = 0; start < reference.count; start += BATCH) {
      const end = Math.min(start + BATCH, reference.count);
      const images = imageTensor(batchOf(reference, start, end).images, reference.side);
      const means = program.run(images);
      images.dispose();
      for (const [name, mean] of Object.entries(means)) addTo(sums, name, mean, end - start);
      await turn();
    }
  } finally {
    program.dispose();
  }
  const valuesOf = ({ shape, data }: { shape: number[]; data: Float64Array }): Values => ({
    shape: [1, ...shape],
    data: Float32Array.from(data, (sum) => sum / reference.count),
  });
  return new Map([...sums].map(([name, sum]) => [name, valuesOf(sum)]));
}

/** Adds a batch's mean, as often as the batch has images, and frees it. */
function addTo(sums: Map<string, { shape: number[]; data: Float64Array }>, name: string, mean: Tensor, count: number) {
  const values = mean.dataSync();
  const sum = sums.get(name) ?? { shape: mean.shape, data: new Float64Array(values.length) };
  values.forEach((value, index) => (sum.data[index] += count * value));
  sums.set(name, sum);
  mean.dispose();
}

async function compileMeans(network: Network, names: ReadonlySet<string>): Promise<MeansProgram> {
  const graph = new Graph();
  const side = sideOf(network.spec);
  const images = graph.placeholder("images", { shape: [-1, side, side, CHANNELS], dtype: "float32" });
  const outputs: Record<string, Symbolic> = {};
  const words = notingWords(inferenceWords(graph, network, folding(network.spec)), (name, x) => {
    if (names.has(name)) outputs[name] = ops.mean(x, [0]);
  });
  forward(network.spec, words, images);
  const program = await loadProgram({ means: { inputs: { images }, outputs } });
  return { run: (batch) => program.run("means", { images: batch }), dispose: program.dispose };
}

function openEagerMeans(network: Network, names: ReadonlySet<string>): MeansProgram {
  const weights = eagerWeights(network.parameters);
  return {
    run: (images) =>
      tf.tidy(() => {
        const means: Record<string, Tensor> = {};
        const words = notingWords(
          eagerWords((name) => weights.get(name)!, network.normalization),
          (name, x) => {
            if (names.has(name)) means[name] = tf.mean(x, 0);
          },
        );
        forward(network.spec, words, images);
        return means;
      }),
    dispose: () => weights.forEach((tensor) => tensor.dispose()),
  };
}

/** For each of `count` images under test the number of a reference image, drawn with replacement. */
export function drawOthers(reference: Dataset, count: number, random: Random): Uint32Array {
  return Uint32Array.from({ length: count }, () => random.integer(reference.count));
}

/** The images of those numbers, [numbers, 32, 32, 3] in 0..255. */
export function referenceImages(reference: Dataset, numbers: Uint32Array): Float32Array {
  return new Float32Array(pixelsAt(reference, numbers));
}
