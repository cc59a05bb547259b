// From the prediction matrix of a sweep to one plain row per ablated layer, overall and per class.
import type { Precision } from "./engine/graph";
import { changesChannels, kernelShape } from "./layers";
import { type Assumed, sizeOf } from "./network";
import { normalQuantile } from "./statistics/normal";
import type { LayerSet } from "./sets";

/** The primary result of a sweep: what the intact network and every ablation of it predict for each test image. */
export interface Sweep {
  readonly network: string;
  readonly operator: string;
  readonly seed: number; // where the operator's random numbers start
  readonly precision: Precision; // of activations
  readonly sets: readonly LayerSet[]; // what each ablation changes, in order
  readonly labels: Uint8Array; // [images]
  readonly classes: number; // that there are, whether or not the labels have them all
  readonly baseline: Uint8Array; // [images] predicted class of the intact network
  readonly predictions: readonly Uint8Array[]; // prediction matrix: per ablation [images], fewer where it was stopped
  readonly losses?: SweepLosses;
  readonly unchanged?: readonly boolean[]; // per ablation: its operator returned the numbers that were there
  readonly stopping?: Stopping; // where the sweep stops ablations that are decided
  readonly assumed?: Assumed; // of the network, when it was imported
}

/** The cross-entropy of every prediction, in nats: as long as the predictions. */
export interface SweepLosses {
  readonly baseline: Float32Array;
  readonly ablations: readonly Float32Array[];
}

/** Of a sweep that looks after every batch and stops the ablations that `isDecided` (see `sequential.ts`), or was left early. */
export interface Stopping {
  readonly margin?: number; // the drop, as a fraction, that was decided about
  readonly stopped: readonly boolean[]; // per ablation: ended by what was seen so far; false while it runs
}

/** What one ablation does to the test set; accuracies and drops are fractions. */
export interface Row {
  readonly layer: string; // or the name of a set
  readonly stage: number; // of the first layer
  readonly block: number;
  readonly changesChannels: boolean; // one of the layers at least
  readonly parameters: number; // weights in the kernels
  readonly images: number;
  readonly correct: number;
  readonly accuracy: number;
  readonly low: number; // Wilson interval of the accuracy, 95 %; of a stopped ablation it is a little too short
  readonly high: number;
  readonly baseline: number; // accuracy of the intact network
  readonly chance: number; // accuracy of guessing: 1 / classes
  readonly drop: number; // baseline - accuracy
  readonly lost: number; // right before, wrong after
  readonly gained: number; // wrong before, right after
  readonly flips: number; // predictions that changed, right or wrong
  readonly lossChange?: number; // mean change of the cross-entropy, in nats, with its 95 % interval
  readonly lossLow?: number;
  readonly lossHigh?: number;
  readonly stopped?: boolean; // in a sweep that stops what is decided: whether this ablation was stopped
  readonly unchanged?: boolean; // true where the operator changed nothing: such a row says nothing about the layer
}

/** What the ablation of one layer does to the images of one class. */
export interface ClassRow {
  readonly layer: string;
  readonly label: number;
  readonly images: number;
  readonly baseline: number; // accuracy of the intact network on this class
  readonly accuracy: number;
  readonly drop: number;
  readonly lost: number;
  readonly gained: number;
  readonly flips: number;
  readonly flipRate: number; // flips / images
}

/**
 * One row per ablated layer, in the order of the sweep.
 *
 * @throws RangeError when the parts of the sweep differ in length or hold no image.
 */
export function rowsOf(sweep: Sweep): Row[] {
  checkSweep(sweep);
  return sweep.sets.map(({ name, layers }, index) => {
    const counts = compare(sweep, sweep.predictions[index]);
    const [low, high] = wilson(counts.correct, counts.images);
    return {
      layer: name,
      stage: layers[0].stage,
      block: layers[0].block,
      changesChannels: layers.some(changesChannels),
      parameters: layers.reduce((sum, layer) => sum + sizeOf(kernelShape(layer)), 0),
      images: counts.images,
      correct: counts.correct,
      accuracy: counts.correct / counts.images,
      low,
      high,
      baseline: counts.before / counts.images,
      chance: 1 / sweep.classes,
      drop: (counts.before - counts.correct) / counts.images,
      lost: counts.lost,
      gained: counts.gained,
      flips: counts.flips,
      ...lossChangeOf(sweep, index),
      ...(sweep.stopping ? { stopped: sweep.stopping.stopped[index] } : {}),
      ...(sweep.unchanged?.[index] ? { unchanged: true } : {}),
    };
  });
}

/**
 * Damage per class: one row per ablated layer and per class that has test images, classes in ascending order.
 *
 * @throws RangeError when the parts of the sweep differ in length or hold no image.
 */
export function classRowsOf(sweep: Sweep): ClassRow[] {
  checkSweep(sweep);
  const labels = [...new Set(sweep.labels)].sort((a, b) => a - b);
  return sweep.sets.flatMap(({ name }, index) =>
    labels.map((label) => {
      const { images, before, correct, lost, gained, flips } = compare(sweep, sweep.predictions[index], label);
      return {
        layer: name,
        label,
        images,
        baseline: before / images,
        accuracy: correct / images,
        drop: (before - correct) / images,
        lost,
        gained,
        flips,
        flipRate: flips / images,
      };
    }),
  );
}

/**
 * Wilson's interval of an accuracy, as fractions.
 *
 * Source: Wilson (1927), Journal of the American Statistical Association 22:209-212.
 * @throws RangeError unless 0 <= correct <= images, images > 0 and 0 < confidence < 1.
 */
export function wilson(correct: number, images: number, confidence = 0.95): [low: number, high: number] {
  if (!(images > 0 && correct >= 0 && correct <= images)) {
    throw new RangeError(`Cannot bound an accuracy: expected 0 <= correct <= images but found ${correct} of ${images}`);
  }
  const share = correct / images;
  const z = normalQuantile((1 + confidence) / 2);
  const centre = share + (z * z) / (2 * images);
  const half = z * Math.sqrt((share * (1 - share)) / images + (z / (2 * images)) ** 2);
  const scale = 1 + (z * z) / images;
  return [Math.max(0, (centre - half) / scale), Math.min(1, (centre + half) / scale)];
}

/** The mean change of the cross-entropy and its normal interval, paired by image. */
function lossChangeOf({ losses }: Sweep, index: number): Pick<Row, "lossChange" | "lossLow" | "lossHigh"> {
  if (!losses) return {};
  const changes = Float64Array.from(losses.ablations[index], (loss, image) => loss - losses.baseline[image]);
  const mean = changes.reduce((sum, change) => sum + change, 0) / changes.length;
  const squares = changes.reduce((sum, change) => sum + (change - mean) ** 2, 0);
  const half = normalQuantile(0.975) * Math.sqrt(squares / Math.max(1, changes.length - 1) / changes.length);
  return { lossChange: mean, lossLow: mean - half, lossHigh: mean + half };
}

/** Counts over the images that the ablation has seen. */
function compare({ labels, baseline }: Sweep, after: Uint8Array, only?: number) {
  const counts = { images: 0, before: 0, correct: 0, lost: 0, gained: 0, flips: 0 };
  for (let image = 0; image < after.length; image++) {
    const label = labels[image];
    if (only !== undefined && label !== only) continue;
    counts.images++;
    if (baseline[image] === label) counts.before++;
    if (after[image] === label) counts.correct++;
    if (after[image] === baseline[image]) continue;
    counts.flips++;
    if (baseline[image] === label) counts.lost++;
    if (after[image] === label) counts.gained++;
  }
  return counts;
}

function checkSweep({ sets, labels, classes, baseline, predictions, losses, unchanged, stopping }: Sweep): void {
  const fail = (what: string, wanted: number, found: number) => {
    throw new RangeError(`Cannot read the sweep: expected ${wanted} ${what} but found ${found}`);
  };
  if (labels.length === 0) throw new RangeError("Cannot read the sweep: expected at least one image but found none");
  if (!Number.isInteger(classes) || classes < 1) fail("classes or more", 1, classes);
  if (baseline.length !== labels.length) fail("predictions of the intact network", labels.length, baseline.length);
  const lists = { predictions, losses: losses?.ablations, flags: unchanged, stops: stopping?.stopped };
  for (const [what, list] of Object.entries(lists))
    if (list && list.length !== sets.length) fail(`${what}, one per ablation,`, sets.length, list.length);
  predictions.forEach((after, index) => {
    const wanted = stopping?.stopped[index] ? Math.min(after.length, labels.length) : labels.length;
    if (after.length !== wanted || wanted === 0)
      fail(`predictions without "${sets[index].name}"`, labels.length, after.length);
    const loss = losses?.ablations[index];
    if (loss && loss.length !== after.length) fail(`losses without "${sets[index].name}"`, after.length, loss.length);
  });
}
