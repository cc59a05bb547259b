// A part of a large sweep: some of its ablations on all images, kept where the other parts are, so that the whole is read back as one.
import type { Dataset } from "../data/dataset";
import type { Network } from "../networks/network";
import { answeredBatches, prepare, type WorkOptions } from "./prepare";

/** Part 3 of 8: `{ part: 3, parts: 8 }`. */
export interface Shard {
  /** 1 for the first. */
  readonly part: number;
  readonly parts: number;
}

/**
 * Computes one part of a sweep: every ablation whose turn it is, so that all parts take about as long. When all are done, `sweep` with
 * the same options reads the whole back without computing anything.
 * @param options those of `sweep`; `results` has to be a folder that all parts see
 * @returns how many ablations the part has
 * @throws RangeError when there is no such part; what `sweep` throws
 */
export async function sweepShard(
  network: Network,
  dataset: Dataset,
  options: WorkOptions & { readonly results: string },
  { part, parts }: Shard,
): Promise<number> {
  if (!(Number.isInteger(part) && Number.isInteger(parts) && part >= 1 && part <= parts))
    throw new RangeError(`Cannot sweep part ${part} of ${parts}: expected one from 1 to the number of parts`);
  const { work } = prepare(network, dataset, options);
  const own = work.ablations.flatMap((_, index) => (index % parts === part - 1 ? [index] : []));
  for await (const { done } of answeredBatches(work, () => own, options)) options.onProgress?.(done, dataset.count);
  return own.length;
}
