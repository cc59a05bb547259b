// From a dataset to the arrays of one step: plain batches in order, and shuffled ones with random crops and flips.
import { type Random, shuffled } from "../statistics/shuffle";
import type { Dataset } from "./dataset";
import { CHANNELS, IMAGE_SIZE, SIDE } from "./image";
import { pixelsBetween } from "./pixels";

/** Images and labels of one batch. */
export interface Batch {
  /** [count, 32, 32, 3] in 0..255, or of the dataset's side */
  readonly images: Float32Array;
  /** [count] */
  readonly labels: Int32Array;
}

/** Random changes of a training image: He et al. pad by 4 pixels, crop at random, and flip every second image. */
export interface Augmentation {
  /** The image is shifted by up to this many pixels in each direction; what comes in is black. */
  readonly shift: number;
  readonly flip: boolean;
}

/** The images from `start` to before `end`, unchanged. */
export function batchOf(dataset: Dataset, start: number, end: number): Batch {
  return {
    images: new Float32Array(pixelsBetween(dataset, start, end)),
    labels: new Int32Array(dataset.labels.subarray(start, end)),
  };
}

/**
 * One epoch of shuffled, augmented batches of equal size; the images left over at the end are skipped, as they differ from epoch to epoch.
 * The arrays of a batch are used again for the next one.
 */
export function* trainingBatches(
  dataset: Dataset,
  size: number,
  random: Random,
  augmentation: Augmentation,
): Generator<Batch> {
  const order = shuffled(dataset.count, random);
  const batch: Batch = { images: new Float32Array(size * IMAGE_SIZE), labels: new Int32Array(size) };
  for (let start = 0; start + size <= dataset.count; start += size) {
    for (let slot = 0; slot < size; slot++) {
      const index = order[start + slot];
      batch.labels[slot] = dataset.labels[index];
      const image = pixelsBetween(dataset, index, index + 1);
      augment(image, batch.images.subarray(slot * IMAGE_SIZE, (slot + 1) * IMAGE_SIZE), random, augmentation);
    }
    yield batch;
  }
}

/** How many steps an epoch of a dataset has. */
export function stepsPerEpoch(dataset: Dataset, size: number): number {
  return Math.floor(dataset.count / size);
}

function augment(source: Uint8Array, target: Float32Array, random: Random, { shift, flip }: Augmentation): void {
  const down = random.integer(2 * shift + 1) - shift;
  const right = random.integer(2 * shift + 1) - shift;
  copyShifted(source, target, { down, right, mirrored: flip && random.uniform() < 0.5 });
}

// Names of this file, as the innermost loop must not look them up in another module.
const [WIDTH, STEP] = [SIDE, CHANNELS];
const ROW = WIDTH * STEP;

/** Copies an image [32, 32, 3] moved by whole pixels, mirrored left to right if asked for; zeros come in at the edges. */
export function copyShifted(
  source: Uint8Array,
  target: Float32Array,
  { down, right, mirrored }: { down: number; right: number; mirrored: boolean },
): void {
  const count = WIDTH - Math.abs(right); // pixels of each row that stay in the image
  const from = Math.max(0, -right) * STEP;
  const to = (mirrored ? WIDTH - 1 - Math.max(0, right) : Math.max(0, right)) * STEP;
  target.fill(0);
  for (let row = Math.max(0, down); row < Math.min(WIDTH, WIDTH + down); row++) {
    const read = (row - down) * ROW + from;
    if (mirrored) copyMirrored(source, target, { read, write: row * ROW + to, count });
    else copyPixels(source, target, { read, write: row * ROW + to, count });
  }
}

/** Where pixels are copied from and to, as indices of their first channels, and how many. */
interface Span {
  readonly read: number;
  readonly write: number;
  readonly count: number;
}

function copyPixels(source: Uint8Array, target: Float32Array, { read, write, count }: Span): void {
  for (let at = 0; at < count * STEP; at++) target[write + at] = source[read + at];
}

function copyMirrored(source: Uint8Array, target: Float32Array, { read, write, count }: Span): void {
  for (let at = 0; at < count * STEP; at += STEP) {
    for (let channel = 0; channel < STEP; channel++) target[write - at + channel] = source[read + at + channel];
  }
}
