// Two sweeps on the same images, layer by layer: two networks, two operators, two seeds, or a sweep and its repetition.
import { holm, signFlip } from "../statistics/paired";
import { kendallTau } from "../statistics/ranking";
import type { EvenSweep } from "./matrix";

/** One layer in both sweeps; drops and their difference are fractions. */
export interface LayerPair {
  readonly layer: string;
  readonly first: number;
  readonly second: number;
  readonly difference: number; // second - first
  readonly p: number; // exact sign-flip test over the images, two-sided: is it the same drop?
  readonly adjusted: number; // Holm, over the layers
}

/** What two sweeps say of the layers that both changed. */
export interface SideBySide {
  readonly layers: readonly LayerPair[];
  readonly agreement: number; // Kendall's tau-b between the drops
}

/**
 * The layers of two sweeps beside each other, those that both have, in the order of the first one. An image counts for what its loss or gain
 * in one sweep is more than in the other, so that what both lose alike says nothing.
 * @throws RangeError when they are not on the same images, or share no layer
 */
export function sideBySide(first: EvenSweep, second: EvenSweep): SideBySide {
  if (first.labels.length !== second.labels.length || !first.labels.every((label, i) => label === second.labels[i]))
    throw new RangeError("Cannot set two sweeps side by side: expected the same images but found others");
  const places = new Map(second.sets.map(({ name }, index) => [name, index]));
  const shared = first.sets.flatMap(({ name }, index) => {
    const place = places.get(name);
    return place === undefined ? [] : [{ layer: name, changes: [changesOf(first, index), changesOf(second, place)] }];
  });
  if (shared.length === 0)
    throw new RangeError("Cannot set two sweeps side by side: expected a common layer but found none");
  const pairs = shared.map(({ layer, changes: [one, other] }) => pairOf(layer, one, other));
  const adjusted = holm(pairs.map(({ p }) => p));
  return {
    layers: pairs.map((pair, index) => ({ ...pair, adjusted: adjusted[index] })),
    agreement: kendallTau(
      pairs.map((pair) => pair.first),
      pairs.map((pair) => pair.second),
    ),
  };
}

function pairOf(layer: string, one: Int8Array, other: Int8Array): Omit<LayerPair, "adjusted"> {
  const [first, second] = [meanOf(one), meanOf(other)];
  return {
    layer,
    first,
    second,
    difference: second - first,
    p: signFlip(one.map((lost, image) => lost - other[image])),
  };
}

/** Per image 1 where the ablation loses it, -1 where it gains it. */
function changesOf({ labels, baseline, predictions }: EvenSweep, index: number): Int8Array {
  const after = predictions[index];
  return Int8Array.from(labels, (label, image) => Number(baseline[image] === label) - Number(after[image] === label));
}

const meanOf = (changes: Int8Array): number => changes.reduce((sum, change) => sum + change, 0) / changes.length;
