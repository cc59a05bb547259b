// A dataset, and what it has to be wherever one enters: images, labels and classes that agree, and fit the network they are put through.
import { types } from "node:util";
import { CHANNELS, imageSize, SIDE } from "./image";
import { isWide, type Labels, MOST_CLASSES } from "./labels";
import { isStored, type Pixels } from "./pixels";

/** Images of one kind with their classes. */
export interface Dataset {
  /** "cifar10", "cifar100", or whatever a data set of one's own is called. */
  readonly name: string;
  readonly split: "train" | "test";
  readonly count: number;
  /** Rows, and columns, of an image where they are not 32. */
  readonly side?: number;
  /** Pixels 0..255, [count, 32, 32, 3], or of another side: a Uint8Array, or images on disk that are read batch by batch. */
  readonly images: Pixels;
  /** Classes, [count], as bytes, or as a Uint16Array where there are more than 256; CIFAR-100: the fine labels. */
  readonly labels: Labels;
  /** What label 0, 1, ... is called; at most 65,536. */
  readonly classes: readonly string[];
  /** Digest of the split's files, one after the other, that the images come from: `cat data_batch_?.bin | sha256sum`. */
  readonly sha256: string;
}

/** A dataset that is wholly in memory, of at most 256 classes. */
export interface LoadedDataset extends Dataset {
  readonly images: Uint8Array;
  readonly labels: Uint8Array;
}

const LARGEST_SIDE = 4096;

/**
 * Checks that the parts of a dataset agree: as many images and labels as `count` says, and labels below the number of classes.
 * @throws RangeError naming the dataset, what was expected and what was found
 * @throws TypeError when images or labels are not bytes (labels: not two bytes each, where there are more than 256 classes)
 */
export function checkDataset({ name, count, images, labels, classes, side = SIDE }: Dataset): void {
  const fail = (wanted: string, found: string | number) => {
    throw new RangeError(`Cannot use the dataset "${name}": expected ${wanted} but found ${found}`);
  };
  if (!isStored(images)) checkBytes(name, { images });
  if (!isWide(classes.length) || !types.isUint16Array(labels)) checkBytes(name, { labels });
  if (classes.length < 1 || classes.length > MOST_CLASSES) fail(`1 to ${MOST_CLASSES} classes`, classes.length);
  if (!Number.isInteger(count) || count < 1) fail("at least one image", count);
  if (labels.length !== count) fail(`${count} labels, as many as its count,`, labels.length);
  if (!Number.isInteger(side) || side < 1 || side > LARGEST_SIDE) fail(`a side from 1 to ${LARGEST_SIDE} pixels`, side);
  const [shape, numbers] = [`[${count}, ${side}, ${side}, ${CHANNELS}]`, count * imageSize({ side })];
  if (images.length !== numbers) fail(`${numbers} numbers in its images ${shape}`, images.length);
  const odd = labels.findIndex((label) => label >= classes.length);
  if (odd >= 0) fail(`labels below ${classes.length}, the number of classes,`, `${labels[odd]} at image ${odd}`);
}

/**
 * Checks a dataset, and that a network has as many outputs as the dataset has classes, and is made for images of its size.
 * @throws RangeError naming both and both numbers; otherwise as `checkDataset`
 */
export function checkFit(
  network: { readonly name: string; readonly spec: { readonly classes: number; readonly side?: number } },
  dataset: Dataset,
): void {
  checkDataset(dataset);
  const fail = (found: string) => {
    throw new RangeError(`Cannot use the network "${network.name}" on the dataset "${dataset.name}": ${found}`);
  };
  const [outputs, classes] = [network.spec.classes, dataset.classes.length];
  if (outputs !== classes) fail(`it has ${outputs} outputs, but the dataset has ${classes} classes`);
  const [wanted, side] = [network.spec.side ?? SIDE, dataset.side ?? SIDE];
  if (wanted !== side) fail(`it is for images of ${wanted} x ${wanted} pixels, but the dataset's have ${side} x ${side}`);
}

// Fractions would be taken for black images, and 64-bit integers cannot be computed with.
function checkBytes(name: string, arrays: Partial<Pick<Dataset, "images" | "labels">>): void {
  for (const [what, array] of Object.entries(arrays)) {
    if (types.isUint8Array(array)) continue;
    const found = Object.prototype.toString.call(array).slice(8, -1);
    throw new TypeError(
      `Cannot use the dataset "${name}": expected ${what} as a Uint8Array but found ${found}; Uint8Array.from(${what}, Number) makes one of whole numbers from 0 to 255`,
    );
  }
}
