// Predictions that differ between two sweeps, such as those of one network in two precisions.
import type { Sweep } from "./matrix";

/** How many predictions differ. */
export interface Flips {
  /** Of the intact network. */
  readonly baseline: number;
  /** Of each ablation, in the order of the sweeps. */
  readonly each: readonly number[];
  /** Of how many predictions in all; an ablation that was stopped has seen fewer images than there are. */
  readonly predictions: number;
}

/**
 * The predictions that differ between two sweeps of the same sets over images that begin alike, as far as both have seen them.
 * @throws RangeError when the sweeps differ in their sets
 */
export function flipsBetween(first: Sweep, second: Sweep): Flips {
  const names = ({ sets }: Sweep) => sets.map(({ name }) => name).join();
  if (names(first) !== names(second))
    throw new RangeError("Cannot compare sweeps: expected the same sets but found others");
  const pairs = [first.baseline, ...first.predictions].map((row, index) => {
    const other = index === 0 ? second.baseline : second.predictions[index - 1];
    const seen = Math.min(row.length, other.length);
    return { seen, flips: row.subarray(0, seen).filter((predicted, image) => predicted !== other[image]).length };
  });
  const [baseline, ...each] = pairs.map(({ flips }) => flips);
  return { baseline, each, predictions: pairs.reduce((sum, { seen }) => sum + seen, 0) };
}
