// Loads CIFAR-10 and CIFAR-100 from their binary files, refusing every file that is not exactly the published one.
import { createHash } from "node:crypto";
import { CIFAR10, CIFAR100, type Layout, readVerified, recordBytes } from "./cifar-files";
import { checkDataset, type Dataset, type LoadedDataset } from "./dataset";
import { CHANNELS, IMAGE_SIZE, SIDE } from "./image";
import { pieces, viewOf } from "./pixels";
import { take } from "./select";

const PLANE = SIDE * SIDE;

/**
 * Loads one split of CIFAR-10 or CIFAR-100 from the binary files in a folder, after checking length and SHA-256 of each.
 * @param options.dir the folder; "data/cifar-10" or "data/cifar-100" by default
 * @throws Error naming the file that is missing or not the published one, what was expected and what was found
 */
export async function loadCifar(
  name: "cifar10" | "cifar100",
  split: "train" | "test",
  options: { readonly dir?: string } = {},
): Promise<LoadedDataset> {
  if (name !== "cifar10" && name !== "cifar100") {
    throw new RangeError(`Cannot load "${String(name)}": expected "cifar10" or "cifar100"`);
  }
  if (split !== "train" && split !== "test") {
    throw new RangeError(`Cannot load the split "${String(split)}": expected "train" or "test"`);
  }
  return loadSplit(name === "cifar10" ? CIFAR10 : CIFAR100, split, options);
}

/** Does what `loadCifar` does for any layout: the way to read a small data set of the same format. */
export async function loadSplit(
  layout: Layout,
  split: "train" | "test",
  options: { readonly dir?: string } = {},
): Promise<LoadedDataset> {
  const dir = options.dir ?? layout.dir;
  const files = layout.files[split];
  const count = files.reduce((sum, file) => sum + file.records, 0);
  const images = new Uint8Array(count * IMAGE_SIZE);
  const labels = new Uint8Array(count);
  const digest = createHash("sha256");
  let first = 0;
  for await (const { file, bytes } of readVerified(layout, files, dir)) {
    const part = parseCifar(bytes, layout, { file: file.name });
    images.set(part.images, first * IMAGE_SIZE);
    labels.set(part.labels, first);
    digest.update(bytes);
    first += part.labels.length;
  }
  checkClassCounts(labels, layout, `${layout.name} (${split}) in "${dir}"`);
  return { name: layout.name, split, count, images, labels, classes: layout.classes, sha256: digest.digest("hex") };
}

/**
 * Reads records (`Layout`) into images [n, 32, 32, 3] and labels [n]: from planes of red, green and blue to pixels.
 * @throws RangeError when the length is not a multiple of the record's or a label is out of range.
 */
export function parseCifar(
  bytes: Uint8Array,
  layout: Layout,
  options: { readonly file?: string } = {},
): { images: Uint8Array; labels: Uint8Array } {
  const file = options.file ?? layout.name;
  const size = recordBytes(layout);
  if (bytes.length === 0 || bytes.length % size !== 0) {
    throw new RangeError(`Cannot read "${file}": expected a multiple of ${size} bytes but found ${bytes.length}`);
  }
  const labels = readLabels(bytes, layout, file);
  const images = new Uint8Array(labels.length * IMAGE_SIZE);
  for (let i = 0; i < labels.length; i++) {
    const red = i * size + layout.labels.length;
    const green = red + PLANE;
    const blue = green + PLANE;
    let to = i * IMAGE_SIZE;
    for (let p = 0; p < PLANE; p++) {
      images[to++] = bytes[red + p]!;
      images[to++] = bytes[green + p]!;
      images[to++] = bytes[blue + p]!;
    }
  }
  return { images, labels };
}

function readLabels(bytes: Uint8Array, layout: Layout, file: string): Uint8Array {
  const size = recordBytes(layout);
  const labels = new Uint8Array(bytes.length / size);
  for (let i = 0; i < labels.length; i++) {
    layout.labels.forEach((values, k) => {
      const label = bytes[i * size + k]!;
      if (label >= values) {
        throw new RangeError(`Cannot read "${file}": expected labels 0 to ${values - 1} but record ${i} has ${label}`);
      }
      labels[i] = label;
    });
  }
  return labels;
}

/**
 * The first images of a data set, as views: no copy is made, and `sha256` stays that of the whole split.
 * @throws RangeError when there are not as many, or the parts of the data set do not agree
 */
export function firstImages<D extends Dataset>(dataset: D, count: number): D {
  if (!Number.isInteger(count) || count < 1 || count > dataset.count) {
    throw new RangeError(`Cannot take ${count} images: expected a whole number from 1 to ${dataset.count}`);
  }
  return imagesBetween(dataset, 0, count);
}

/**
 * The images from `start` to before `end`, as views like those of `firstImages`: of CIFAR-10-C, 10,000 are one severity.
 * @throws RangeError when there are no such images, or the parts of the data set do not agree
 */
export function imagesBetween<D extends Dataset>(dataset: D, start: number, end: number): D {
  checkDataset(dataset);
  if (![start, end].every(Number.isInteger) || start < 0 || start >= end || end > dataset.count) {
    throw new RangeError(
      `Cannot take images ${start} to before ${end}: expected whole numbers from 0 to ${dataset.count}, the second one larger`,
    );
  }
  const images = viewOf(dataset, start, end);
  return { ...dataset, count: end - start, images, labels: dataset.labels.subarray(start, end) };
}

/** A data set cut in two: images to train on, and images of the same kind to choose by. */
export interface Split<D extends Dataset = Dataset> {
  readonly training: D;
  readonly heldOut: D;
}

/**
 * Keeps images of a data set apart: the last ones of every class, equally many of each, in their order; the same ones in every
 * run. `sha256` of both parts stays that of the whole split.
 * @param count how many, such as He et al.'s 5,000 of 50,000
 * @throws RangeError when the count is not a multiple of the number of classes, or a class has no image left to train on
 */
export function holdOut<D extends Dataset>(dataset: D, count: number): Split<D> {
  checkDataset(dataset);
  const { classes, labels } = dataset;
  const each = count / classes.length;
  if (!Number.isInteger(each) || each < 1) {
    throw new RangeError(`Cannot hold out ${count} images: expected a positive multiple of ${classes.length} classes`);
  }
  const left = classes.map(() => each);
  const isHeldOut = new Array<boolean>(dataset.count).fill(false);
  for (let image = dataset.count - 1; image >= 0; image--) isHeldOut[image] = left[labels[image]]-- > 0;
  const lacking = left.findIndex((rest) => rest >= 0);
  if (lacking >= 0) {
    const found = each - left[lacking];
    throw new RangeError(
      `Cannot hold out ${each} images of class ${lacking} and train on others: there are ${found} of them`,
    );
  }
  const indices = [...isHeldOut.keys()];
  return {
    training: take(
      dataset,
      indices.filter((image) => !isHeldOut[image]),
    ),
    heldOut: take(
      dataset,
      indices.filter((image) => isHeldOut[image]),
    ),
  };
}

function checkClassCounts(labels: Uint8Array, layout: Layout, what: string): void {
  const counts = layout.classes.map(() => 0);
  for (const label of labels) counts[label]!++;
  const expected = labels.length / layout.classes.length;
  const odd = counts.findIndex((count) => count !== expected);
  if (odd >= 0) {
    throw new Error(`Cannot use ${what}: expected ${expected} images of each class, found ${counts[odd]} of ${odd}`);
  }
}

/** Mean and standard deviation of a dataset's pixels / 255, per channel (red, green, blue), from exact integer sums. */
export function channelStatistics(dataset: Dataset): { readonly mean: number[]; readonly std: number[] } {
  checkDataset(dataset);
  const sums = [0, 0, 0];
  const squares = [0, 0, 0];
  for (const pixels of pieces(dataset))
    for (let at = 0; at < pixels.length; at++) {
      sums[at % CHANNELS] += pixels[at];
      squares[at % CHANNELS] += pixels[at] ** 2;
    }
  const count = dataset.images.length / CHANNELS;
  const mean = sums.map((sum) => sum / count / 255);
  return { mean, std: squares.map((square, c) => Math.sqrt(square / count / 255 ** 2 - mean[c] ** 2)) };
}
