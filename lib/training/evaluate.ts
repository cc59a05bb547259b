// Predictions of networks: one compiled inference graph per architecture, into which any parameters can be put.
import { setImmediate } from "node:timers/promises";
import { startEngine, type Tensor, tensorOf, tf } from "../engine/backend";
import { batchOf } from "../data/batches";
import { checkFit, type Dataset } from "../data/dataset";
import { CHANNELS, IMAGE_SIZE, SIDE } from "../data/cifar-files";
import { eagerWeights, eagerWords } from "../engine/eager";
import { foldedParameters, foldedShapes } from "../engine/fold";
import { forward } from "../networks/forward";
import { Graph, type Symbolic } from "../engine/graph";
import type { Network, Normalization, Parameters } from "../networks/network";
import { inferenceWords } from "../engine/recorder";
import { loadProgram } from "../engine/savedmodel";
import { type Spec, specName } from "../networks/spec";
import { largestOf } from "../statistics/extremes";

/** A network's parameters on the engine. */
export interface LoadedNetwork {
  readonly weights: ReadonlyMap<string, Tensor>;
  dispose(): void;
}

/** Computes logits for networks of one architecture. */
export interface Predictor {
  /** Puts a network's parameters on the engine. @throws RangeError when it has another architecture */
  load(network: Network): LoadedNetwork;
  /** Logits [batch, classes] of images [batch, 32, 32, 3] in 0..255; the caller disposes of them. */
  logits(network: LoadedNetwork, images: Tensor): Tensor;
  dispose(): void;
}

/** A network's answers on a dataset. */
export interface Evaluation {
  readonly images: number;
  readonly correct: number;
  /** correct / images */
  readonly accuracy: number;
  /** Mean cross entropy, in nats. */
  readonly loss: number;
  /** The predicted class of every image. */
  readonly predictions: Uint8Array;
  /** How sure the network is of each of these: the probability (softmax) that it gives to the class. */
  readonly confidences: Float32Array;
}

/** What a long call takes besides its data. */
export interface ProgressOptions {
  /** Images per call of the engine. */
  readonly batch?: number;
  readonly onProgress?: (done: number, total: number) => void;
  /** Stops the call between two batches. */
  readonly signal?: AbortSignal;
}

/** Keeps both the cores and the caches of a small machine busy; larger batches were not faster. */
const EVALUATION_BATCH = 250;

/** How one engine computes logits, and the form of the parameters that it takes. */
interface Computation {
  prepare(network: Network): Parameters;
  logits(weights: ReadonlyMap<string, Tensor>, images: Tensor): Tensor;
  dispose(): void;
}

/** Compiles the inference of a network's architecture: as a graph on the native engine, operation by operation elsewhere. */
export async function openPredictor({ spec, normalization }: Network): Promise<Predictor> {
  const { backend } = await startEngine();
  const computation =
    backend === "tensorflow" ? await graphComputation(spec, normalization) : eagerComputation(spec, normalization);
  return {
    load(network) {
      checkArchitecture({ spec, normalization }, network);
      const weights = eagerWeights(computation.prepare(network));
      return { weights, dispose: () => weights.forEach((tensor) => tensor.dispose()) };
    },
    logits: ({ weights }, images) => computation.logits(weights, images),
    dispose: computation.dispose,
  };
}

async function graphComputation(spec: Spec, normalization: Normalization): Promise<Computation> {
  const graph = new Graph();
  const images = graph.placeholder("images", { shape: [-1, SIDE, SIDE, CHANNELS], dtype: "float32" });
  const inputs: Record<string, Symbolic> = { images };
  for (const [name, shape] of foldedShapes(spec)) inputs[name] = graph.placeholder(name, { shape, dtype: "float32" });
  const logits = forward(
    spec,
    inferenceWords((name) => inputs[name], normalization),
    images,
  );
  const program = await loadProgram(graph, { logits: { inputs, outputs: { logits } } });
  return {
    prepare: foldedParameters,
    logits: (weights, images) => program.run("logits", { ...Object.fromEntries(weights), images }).logits,
    dispose: program.dispose,
  };
}

function eagerComputation(spec: Spec, normalization: Normalization): Computation {
  return {
    prepare: ({ parameters }) => parameters,
    logits: (weights, images) =>
      tf.tidy(() =>
        forward(
          spec,
          eagerWords((name) => weights.get(name)!, normalization),
          images,
        ),
      ),
    dispose: () => undefined,
  };
}

function checkArchitecture(wanted: Pick<Network, "spec" | "normalization">, found: Network): void {
  if ("activations" in found) {
    throw new RangeError(`Cannot load "${found.name}": it has changed activations, which only a sweep computes`);
  }
  if (JSON.stringify([wanted.spec, wanted.normalization]) === JSON.stringify([found.spec, found.normalization])) return;
  throw new RangeError(
    `Cannot load "${found.name}" into a predictor for ${specName(wanted.spec)}: it is ${specName(found.spec)} with ${found.spec.classes} classes and mean ${found.normalization.mean.join(", ")}`,
  );
}

/** The logits [count, classes] of a batch of images [count, 32, 32, 3] in 0..255, as plain numbers. */
export function logitsOf(predictor: Predictor, network: LoadedNetwork, images: Tensor): Float32Array {
  const logits = predictor.logits(network, images);
  try {
    return logits.dataSync() as Float32Array;
  } finally {
    logits.dispose();
  }
}

/** A batch's images on the engine; the caller disposes of them. */
export function imageTensor(images: Float32Array): Tensor {
  return tensorOf(images, [images.length / IMAGE_SIZE, SIDE, SIDE, CHANNELS]);
}

/** The class with the highest logit for each image, the first one in a tie. @throws Error when a logit is not finite */
export function predictedClasses(logits: Float32Array, classes: number): Uint8Array {
  const bad = logits.findIndex((logit) => !Number.isFinite(logit));
  if (bad >= 0) {
    throw new Error(
      `Cannot read a prediction from the logits of image ${Math.floor(bad / classes)}: found ${logits[bad]}, expected finite numbers`,
    );
  }
  return Uint8Array.from({ length: logits.length / classes }, (_, image) => {
    const row = logits.subarray(image * classes, (image + 1) * classes);
    return row.indexOf(largestOf(row));
  });
}

/** -log softmax(row)[label], in nats. */
export function crossEntropy(row: Float32Array, label: number): number {
  const highest = largestOf(row);
  return Math.log(row.reduce((sum, logit) => sum + Math.exp(logit - highest), 0)) + highest - row[label];
}

/**
 * The network's predictions on every image of a dataset, in order.
 * @throws RangeError when the parts of the dataset do not agree, or the network has another number of outputs than it has classes
 * @throws Error when the network gives numbers that are not finite, or the signal is aborted
 */
export async function evaluate(network: Network, dataset: Dataset, options: ProgressOptions = {}): Promise<Evaluation> {
  checkFit(network, dataset);
  const predictor = await openPredictor(network);
  const loaded = predictor.load(network);
  try {
    return await evaluateLoaded(predictor, loaded, dataset, options);
  } finally {
    loaded.dispose();
    predictor.dispose();
  }
}

async function evaluateLoaded(
  predictor: Predictor,
  network: LoadedNetwork,
  dataset: Dataset,
  options: ProgressOptions,
): Promise<Evaluation> {
  const predictions = new Uint8Array(dataset.count);
  const confidences = new Float32Array(dataset.count);
  const classes = dataset.classes.length;
  let loss = 0;
  for await (const { start, images, labels } of testBatches(dataset, options)) {
    const logits = logitsOf(predictor, network, images);
    predictions.set(predictedClasses(logits, classes), start);
    labels.forEach((label, image) => {
      const row = logits.subarray(image * classes, (image + 1) * classes);
      loss += crossEntropy(row, label);
      confidences[start + image] = Math.exp(-crossEntropy(row, predictions[start + image]));
    });
  }
  const { count } = dataset;
  const correct = countEqual(predictions, dataset.labels);
  return { images: count, correct, accuracy: correct / count, loss: loss / count, predictions, confidences };
}

/** A dataset's batches in order on the engine, each freed when the next one is asked for. */
export async function* testBatches(
  dataset: Dataset,
  { batch = EVALUATION_BATCH, onProgress, signal }: ProgressOptions,
) {
  for (let start = 0; start < dataset.count; start += batch) {
    const end = Math.min(start + batch, dataset.count);
    const { images, labels } = batchOf(dataset, start, end);
    const tensor = imageTensor(images);
    try {
      yield { start, images: tensor, labels };
    } finally {
      tensor.dispose();
    }
    onProgress?.(end, dataset.count);
    // Native calls block: give interrupts and displays their turn.
    await setImmediate();
    signal?.throwIfAborted();
  }
}

/** How many predictions equal their labels. */
function countEqual(predictions: Uint8Array, labels: Uint8Array): number {
  return predictions.reduce((sum, predicted, index) => sum + Number(predicted === labels[index]), 0);
}
