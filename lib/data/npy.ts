// Test sets in NumPy files, such as CIFAR-10.1 and CIFAR-10-C: an array of images and one of labels.
import { createHash } from "node:crypto";
import { basename } from "node:path";
import { readWhole } from "../files/disk";
import { shown } from "../files/dtypes";
import { decodeNpy, type Npy } from "../files/npy";
import { checkDataset, type Dataset } from "./dataset";
import { CHANNELS, imageSize, SIDE } from "./image";
import { type Labels, labelsFrom } from "./labels";

const LARGEST_FILE = 2 ** 30; // bytes; the images of CIFAR-10-C have 154 MB for each corruption

/** What the two files do not say. */
export interface NpyOptions {
  /** What label 0, 1, ... is called. */
  readonly classes: readonly string[];
  /** Of the data set (default: the images' file without its ending). */
  readonly name?: string;
  /** Whether they are test images (default), or images to train and choose on. */
  readonly split?: Dataset["split"];
}

/** Reads an array of whole numbers from a .npy file. @throws Error naming the file, what was expected and what was found */
export function loadNpy(path: string): Npy {
  return decoded(path, readWhole(path, LARGEST_FILE));
}

/**
 * Loads a data set from two .npy files: images [count, 32, 32, 3] as uint8 and as many labels [count] as whole numbers of any size.
 * CIFAR-10-C keeps five severities of 10,000 images one after the other, the mildest first, with labels for all 50,000.
 * `sha256` is that of the images' file and the labels' one after the other.
 * @throws Error naming the file that cannot be read or does not hold such an array
 * @throws RangeError when images, labels and classes do not agree
 */
export function loadNpyDataset(imagesPath: string, labelsPath: string, options: NpyOptions): Dataset & { readonly images: Uint8Array } {
  const [imageBytes, labelBytes] = [imagesPath, labelsPath].map((path) => readWhole(path, LARGEST_FILE));
  const { images, side } = imagesIn(imagesPath, decoded(imagesPath, imageBytes));
  const labels = labelsIn(labelsPath, decoded(labelsPath, labelBytes), options.classes.length);
  const { classes, split = "test", name = basename(imagesPath).replace(/\.npy$/, "") } = options;
  const sha256 = createHash("sha256").update(imageBytes).update(labelBytes).digest("hex");
  const count = images.length / imageSize({ side });
  const dataset = { name, split, count, images, labels, classes, sha256, ...(side === SIDE ? {} : { side }) };
  checkDataset(dataset);
  return dataset;
}

function decoded(path: string, bytes: Uint8Array): Npy {
  try {
    return decodeNpy(bytes);
  } catch (error) {
    throw new Error(`Cannot read "${path}": ${(error as Error).message}`, { cause: error });
  }
}

function imagesIn(path: string, { shape, data }: Npy): { readonly images: Uint8Array; readonly side: number } {
  const [, side, columns, channels] = shape;
  const fits = shape.length === 4 && side === columns && channels === CHANNELS;
  if (fits && data instanceof Uint8Array) return { images: data, side };
  const found = `${shown(shape)} as ${data.constructor.name}`;
  throw new RangeError(
    `Cannot read "${path}": expected images [count, side, side, ${CHANNELS}], such as [count, ${SIDE}, ${SIDE}, ${CHANNELS}], as Uint8Array but found ${found}`,
  );
}

function labelsIn(path: string, { shape, data }: Npy, classes: number): Labels {
  if (shape.length !== 1)
    throw new RangeError(`Cannot read "${path}": expected labels [count] but found ${shown(shape)}`);
  const labels = Array.from(data as ArrayLike<number | bigint>, Number);
  const odd = labels.findIndex((label) => label < 0 || label >= classes);
  if (odd < 0) return labelsFrom(labels, classes);
  throw new RangeError(
    `Cannot read "${path}": expected labels 0 to ${classes - 1}, of ${classes} classes, but label ${odd} is ${labels[odd]}`,
  );
}
