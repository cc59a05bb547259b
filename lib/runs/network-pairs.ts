// Networks against each other on the same test images: which of them differ by more than the choice of images explains?
import { join } from "node:path";
import type { Dataset } from "../data/dataset";
import { holm, mcnemar } from "../statistics/paired";
import { evaluate, type ProgressOptions } from "../training/evaluate";
import type { Member } from "./collection";
import { isKept, loadSweep } from "./kept-sweep";
import { loadRun } from "./run-folder";

/** Which images a network has right. */
export interface RightAnswers extends Pick<Member, "run" | "network" | "parameters"> {
  /** [images], 1 where it is right. */
  readonly right: Uint8Array;
}

/** Two networks on the same images; the difference is a fraction. */
export interface NetworkPair {
  readonly first: RightAnswers;
  readonly second: RightAnswers;
  readonly difference: number; // accuracy of the second less that of the first
  readonly firstOnly: number; // images that only the first has right
  readonly secondOnly: number;
  readonly p: number; // exact McNemar test, two-sided
  readonly adjusted: number; // Holm, over all pairs
}

/**
 * What the networks of some runs answer on the same images, one after the other: read from the kept zero sweep of a run where there is one
 * and these are all its test images, computed otherwise.
 * @param dir the folder of their run folders
 * @param options those of `evaluate`; progress counts the images of all networks
 * @throws what `loadRun`, `loadSweep` and `evaluate` throw
 */
export async function answersOf(
  dir: string,
  members: readonly Member[],
  { dataset, ...options }: ProgressOptions & { dataset: Dataset },
): Promise<RightAnswers[]> {
  const answers: RightAnswers[] = [];
  for (const [index, { run, network, parameters, testImages }] of members.entries()) {
    const folder = join(dir, run);
    const onProgress = (done: number) =>
      options.onProgress?.(index * dataset.count + done, members.length * dataset.count);
    const predictions =
      testImages === dataset.count && isKept(folder)
        ? (await loadSweep(folder, dataset)).baseline
        : (await evaluate((await loadRun(folder)).network, dataset, { ...options, onProgress })).predictions;
    onProgress(dataset.count);
    const right = Uint8Array.from(predictions, (predicted, image) => Number(predicted === dataset.labels[image]));
    answers.push({ run, network, parameters, right });
  }
  return answers;
}

/**
 * Networks of one architecture against each other, and every other network against each of them.
 * @param reference the architecture, "resnet20"
 * @throws RangeError when there is nothing to compare, or the networks saw different numbers of images
 */
export function comparePairs(answers: readonly RightAnswers[], reference: string): NetworkPair[] {
  const seeds = answers.filter(({ network }) => network === reference);
  const others = answers.filter(({ network }) => network !== reference);
  const pairs = seeds.flatMap((first, index) =>
    [...seeds.slice(index + 1), ...others].map((second) => pairOf(first, second)),
  );
  if (pairs.length === 0)
    throw new RangeError(
      `Cannot compare networks: expected a ${reference} and another one but found ${answers.length} networks, ${seeds.length} of them ${reference}`,
    );
  const adjusted = holm(pairs.map(({ p }) => p));
  return pairs.map((pair, index) => ({ ...pair, adjusted: adjusted[index] }));
}

function pairOf(first: RightAnswers, second: RightAnswers): Omit<NetworkPair, "adjusted"> {
  const images = first.right.length;
  if (second.right.length !== images || images === 0)
    throw new RangeError(
      `Cannot compare "${first.run}" with "${second.run}": expected the same images but found ${images} and ${second.right.length}`,
    );
  const only = (one: RightAnswers, other: RightAnswers) =>
    one.right.filter((right, image) => right > other.right[image]).length;
  const [firstOnly, secondOnly] = [only(first, second), only(second, first)];
  const difference = (secondOnly - firstOnly) / images;
  return { first, second, difference, firstOnly, secondOnly, p: mcnemar(firstOnly, secondOnly) };
}
