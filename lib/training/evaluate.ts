// Evaluation: the predictions of a network on every image of a dataset, and how good they are.
import { batchOf } from "../data/batches";
import { checkFit, type Dataset } from "../data/dataset";
import { emptyLabels, type Labels } from "../data/labels";
import { crossEntropy, imageTensor, openPredictor, predictedClasses, type Predictor } from "../engine/predictor";
import { turn } from "../engine/turn";
import type { Network } from "../networks/network";

/** A network's answers on a dataset. */
export interface Evaluation {
  readonly images: number;
  readonly correct: number;
  /** correct / images */
  readonly accuracy: number;
  /** Mean cross entropy, in nats. */
  readonly loss: number;
  /** The predicted class of every image. */
  readonly predictions: Labels;
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

/**
 * The network's predictions on every image of a dataset, in order.
 * @throws RangeError when the parts of the dataset do not agree, or the network has another number of outputs than it has classes
 * @throws Error when the network gives numbers that are not finite, or the signal is aborted
 */
export async function evaluate(network: Network, dataset: Dataset, options: ProgressOptions = {}): Promise<Evaluation> {
  checkFit(network, dataset);
  const predictor = await openPredictor(network);
  try {
    return await evaluateWith(predictor, dataset, options);
  } finally {
    predictor.dispose();
  }
}

async function evaluateWith(predictor: Predictor, dataset: Dataset, options: ProgressOptions): Promise<Evaluation> {
  const classes = dataset.classes.length;
  const predictions = emptyLabels(dataset.count, classes);
  const confidences = new Float32Array(dataset.count);
  let loss = 0;
  for await (const { start, images, labels } of testBatches(dataset, options)) {
    const logits = predictor.logits(images);
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
    const tensor = imageTensor(images, dataset.side);
    try {
      yield { start, images: tensor, labels };
    } finally {
      tensor.dispose();
    }
    onProgress?.(end, dataset.count);
    // Native calls block: give interrupts and displays their turn.
    await turn(signal);
  }
}

/** How many predictions equal their labels. */
function countEqual(predictions: Labels, labels: Labels): number {
  return predictions.filter((predicted, index) => predicted === labels[index]).length;
}
