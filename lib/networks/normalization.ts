// What a network in training has its pixels normalized by: the statistics of the images that it is trained on.
import { channelStatistics } from "../data/cifar";
import type { Dataset } from "../data/dataset";
import { CIFAR10_NORMALIZATION, CIFAR100_NORMALIZATION, type Normalization } from "./network";

/** Those of all training images, so that networks trained on a part of them see the same pixels. */
const PUBLISHED: Readonly<Record<string, Normalization>> = {
  cifar10: CIFAR10_NORMALIZATION,
  cifar100: CIFAR100_NORMALIZATION,
};

/**
 * Mean and standard deviation that belong to a dataset: the published constants of "cifar10" and "cifar100", those of the images
 * themselves for any other.
 * @throws RangeError when a channel is the same everywhere, so that nothing can be divided by its deviation
 */
export function normalizationOf(dataset: Dataset): Normalization {
  if (Object.hasOwn(PUBLISHED, dataset.name)) return PUBLISHED[dataset.name];
  const { mean, std } = channelStatistics(dataset);
  const flat = std.findIndex((deviation) => !(deviation > 0));
  if (flat < 0) return { mean, std };
  throw new RangeError(
    `Cannot normalize the images of "${dataset.name}": expected channels that vary but ${["red", "green", "blue"][flat]} is the same everywhere`,
  );
}
