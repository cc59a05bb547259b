// Predictions of a network: its inference compiled into one graph.
import { CHANNELS, imageSize, SIDE } from "../data/image";
import { type Labels, labelsFrom } from "../data/labels";
import { forward } from "../networks/forward";
import type { Network } from "../networks/network";
import { sideOf } from "../networks/spec";
import { largestOf } from "../statistics/extremes";
import { startEngine, type Tensor, tensorOf, tf } from "./backend";
import { eagerWeights, eagerWords } from "./eager";
import { folding } from "./fold";
import { Graph } from "./graph";
import { inferenceWords } from "./recorder";
import { loadProgram } from "./savedmodel";

/** Computes the logits of one network. */
export interface Predictor {
  /** Logits [batch, classes] of images [batch, 32, 32, 3] (or of the network's side) in 0..255, as plain numbers, row by row. */
  logits(images: Tensor): Float32Array;
  dispose(): void;
}

/** Compiles a network's inference: as a graph on the native engine, operation by operation elsewhere. */
export async function openPredictor(network: Network): Promise<Predictor> {
  const { backend } = await startEngine();
  return backend === "tensorflow" ? graphPredictor(network) : eagerPredictor(network);
}

/** The parameters are constants of the graph: TensorFlow prepares them once, where parameters that are handed in cost a quarter more. */
async function graphPredictor(network: Network): Promise<Predictor> {
  const graph = new Graph();
  const side = sideOf(network.spec);
  const images = graph.placeholder("images", { shape: [-1, side, side, CHANNELS], dtype: "float32" });
  const logits = forward(network.spec, inferenceWords(graph, network, folding(network.spec)), images);
  const program = await loadProgram({ logits: { inputs: { images }, outputs: { logits } } });
  return { logits: (batch) => numbersOf(program.run("logits", { images: batch }).logits), dispose: program.dispose };
}

function eagerPredictor({ spec, normalization, parameters }: Network): Predictor {
  const weights = eagerWeights(parameters);
  const words = eagerWords((name) => weights.get(name)!, normalization);
  return {
    logits: (batch) => numbersOf(tf.tidy(() => forward(spec, words, batch))),
    dispose: () => weights.forEach((tensor) => tensor.dispose()),
  };
}

/** A tensor's numbers, after which it is disposed of. */
function numbersOf(tensor: Tensor): Float32Array {
  try {
    return tensor.dataSync() as Float32Array;
  } finally {
    tensor.dispose();
  }
}

/** A batch's images on the engine; the caller disposes of them. @param side their rows, and columns */
export function imageTensor(images: Float32Array, side = SIDE): Tensor {
  return tensorOf(images, [images.length / imageSize({ side }), side, side, CHANNELS]);
}

/** The class with the highest logit for each image, the first one in a tie. @throws Error when a logit is not finite */
export function predictedClasses(logits: Float32Array, classes: number): Labels {
  const bad = logits.findIndex((logit) => !Number.isFinite(logit));
  if (bad >= 0) {
    throw new Error(
      `Cannot read a prediction from the logits of image ${Math.floor(bad / classes)}: found ${logits[bad]}, expected finite numbers`,
    );
  }
  const found = Array.from({ length: logits.length / classes }, (_, image) => {
    const row = logits.subarray(image * classes, (image + 1) * classes);
    return row.indexOf(largestOf(row));
  });
  return labelsFrom(found, classes);
}

/** -log softmax(row)[label], in nats. */
export function crossEntropy(row: Float32Array, label: number): number {
  const highest = largestOf(row);
  return Math.log(row.reduce((sum, logit) => sum + Math.exp(logit - highest), 0)) + highest - row[label];
}
