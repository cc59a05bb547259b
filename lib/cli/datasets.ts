// The options of the commands that read images: which data set, and where its files are.
import { loadSplit } from "../data/cifar";
import type { Dataset } from "../data/dataset";
import { CIFAR10, CIFAR100, type Layout } from "../data/cifar-files";
import { loadNpyDataset } from "../data/npy";
import { SIDE } from "../data/image";
import { loadImageFolder } from "../engine/image-folder";
import { type Given, oneOf, type Options, UsageError } from "./command";
import { progressBar } from "./progress";

const LAYOUTS: Readonly<Record<string, Layout>> = { cifar10: CIFAR10, cifar100: CIFAR100 };

/** They say which data set, and where its files are. */
export const DATASET_OPTIONS = {
  dataset: {
    value: "NAME",
    help: "cifar10 or cifar100",
    preset: "cifar10",
    read: oneOf(LAYOUTS, "Cannot find the data set"),
  },
  data: { value: "DIR", help: "folder of its binary files (data/cifar-10, data/cifar-100)", isPath: true },
} as const satisfies Options;

/** Of a command that tests: images and labels of one's own besides. */
export const TEST_OPTIONS = {
  ...DATASET_OPTIONS,
  "images-file": {
    value: "X.npy",
    help: "test on these images of the same classes instead, uint8 [count, 32, 32, 3], such as CIFAR-10.1's or CIFAR-10-C's",
    isPath: true,
  },
  "images-folder": {
    value: "DIR",
    help: "test on these pictures instead: a folder of PNG and JPEG files per class, in the order of their names; resized and cut to the network's size",
    isPath: true,
  },
  "labels-file": { value: "Y.npy", help: "and these labels, whole numbers [count]", isPath: true },
} as const satisfies Options;

/**
 * The test images that were asked for: a folder of pictures or those of two .npy files where they are named, else the data set's own.
 * @param side rows and columns of an image of the network
 */
export async function loadTest(given: Given<typeof TEST_OPTIONS>, side: number = SIDE): Promise<Dataset> {
  const { "images-file": images, "labels-file": labels, "images-folder": folder } = given;
  if ((images === undefined) !== (labels === undefined))
    throw new UsageError("--images-file and --labels-file are given together");
  if (folder !== undefined && images !== undefined)
    throw new UsageError("--images-folder goes without --images-file and --labels-file");
  if (folder !== undefined) return loadPictures(folder, side);
  if (images === undefined || labels === undefined) return loadAsked(given, "test");
  return loadNpyDataset(images, labels, { classes: given.dataset.classes });
}

async function loadPictures(folder: string, side: number): Promise<Dataset> {
  const bar = progressBar("preparing pictures", "files");
  return loadImageFolder(folder, { side, onProgress: bar.update }).finally(() => bar.finish());
}

/** One split of the data set that was asked for. */
export function loadAsked({ dataset, data }: Given<typeof DATASET_OPTIONS>, split: Dataset["split"]): Promise<Dataset> {
  return loadSplit(dataset, split, { dir: data });
}
