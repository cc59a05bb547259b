// From the prediction matrix of a sweep to one plain row per ablated layer, overall and per class.
import { changesChannels, kernelShape, type Layer, sizeOf } from "./network";
import { normalQuantile } from "./normal";

/** The primary result of a sweep: what the intact network and every ablation of it predict for each test image. */
export interface Sweep {
  readonly network: string;
  readonly operator: string;
  readonly layers: readonly Layer[]; // one ablation per layer, in order
  readonly labels: Uint8Array; // [images]
  readonly baseline: Uint8Array; // [images] predicted class of the intact network
  readonly predictions: readonly Uint8Array[]; // prediction matrix: per ablation [images]
  readonly unchanged?: readonly boolean[]; // per ablation: its operator returned the numbers that were there
}

/** What the ablation of one layer does to the test set; accuracies and drops are fractions. */
export interface Row {
  readonly layer: string;
  readonly stage: number;
  readonly block: number;
  readonly changesChannels: boolean;
  readonly parameters: number; // weights in the kernel
  readonly images: number;
  readonly correct: number;
  readonly accuracy: number;
  readonly low: number; // Wilson interval of the accuracy, 95 %
  readonly high: number;
  readonly baseline: number; // accuracy of the intact network
  readonly drop: number; // baseline - accuracy
  readonly lost: number; // right before, wrong after
  readonly gained: number; // wrong before, right after
  readonly flips: number; // predictions that changed, right or wrong
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
  return sweep.layers.map((layer, index) => {
    const counts = compare(sweep, sweep.predictions[index]);
    const [low, high] = wilson(counts.correct, counts.images);
    return {
      layer: layer.name,
      stage: layer.stage,
      block: layer.block,
      changesChannels: changesChannels(layer),
      parameters: sizeOf(kernelShape(layer)),
      images: counts.images,
      correct: counts.correct,
      accuracy: counts.correct / counts.images,
      low,
      high,
      baseline: counts.before / counts.images,
      drop: (counts.before - counts.correct) / counts.images,
      lost: counts.lost,
      gained: counts.gained,
      flips: counts.flips,
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
  return sweep.layers.flatMap((layer, index) =>
    labels.map((label) => {
      const { images, before, correct, lost, gained, flips } = compare(sweep, sweep.predictions[index], label);
      return {
        layer: layer.name,
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

function compare({ labels, baseline }: Sweep, after: Uint8Array, only?: number) {
  const counts = { images: 0, before: 0, correct: 0, lost: 0, gained: 0, flips: 0 };
  for (let image = 0; image < labels.length; image++) {
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

function checkSweep({ layers, labels, baseline, predictions, unchanged }: Sweep): void {
  const fail = (what: string, wanted: number, found: number) => {
    throw new RangeError(`Cannot read the sweep: expected ${wanted} ${what} but found ${found}`);
  };
  if (labels.length === 0) throw new RangeError("Cannot read the sweep: expected at least one image but found none");
  if (baseline.length !== labels.length) fail("predictions of the intact network", labels.length, baseline.length);
  if (predictions.length !== layers.length) fail("ablations, one per layer,", layers.length, predictions.length);
  if (unchanged && unchanged.length !== layers.length) fail("flags, one per layer,", layers.length, unchanged.length);
  predictions.forEach((after, index) => {
    if (after.length !== labels.length)
      fail(`predictions without "${layers[index].name}"`, labels.length, after.length);
  });
}
