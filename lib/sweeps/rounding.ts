// What computing in bfloat16 changes: the first images of a sweep computed again in float32.
import { firstImages } from "../data/cifar";
import type { Dataset } from "../data/dataset";
import type { Network } from "../networks/network";
import { flipsBetween } from "../results/flips";
import type { Sweep } from "../results/matrix";
import { sweep, type SweepOptions } from "./sweep";

/** Predictions that rounding changed, of the intact network and of all ablations over the first images. */
export interface Rounding {
  readonly images: number;
  readonly predictions: number;
  readonly flips: number;
}

/**
 * How many of its first predictions a sweep in bfloat16 has otherwise than float32.
 * @param options those of the sweep
 * @param images how many of its images are computed again, at most
 * @throws what `sweep` throws
 */
export async function roundingOf(
  rounded: Sweep,
  network: Network,
  dataset: Dataset,
  { images = 200, ...options }: SweepOptions & { readonly images?: number },
): Promise<Rounding> {
  const few = firstImages(dataset, Math.min(images, rounded.labels.length));
  const how: SweepOptions = { ...options, precision: "float32", stopWhenDecided: undefined, resume: false };
  const { baseline, each, predictions } = flipsBetween(await sweep(network, few, how), rounded);
  return { images: few.count, predictions, flips: each.reduce((sum, flips) => sum + flips, baseline) };
}
