// Counts of which some images are still missing, and what they already settle: tests that come out the same whatever is missing.
//
// An image that the intact network gets right can only be lost, one that it gets wrong only be gained. So the counts over all images lie
// between the mildest, where every missing right image stays right and every missing wrong one is gained, and the worst, where it is the
// other way round. `aboveMargin` never rises with `lost` and never falls with `gained`, `belowMargin` does the opposite, and McNemar's p
// value rises with `lost` up to `lost = gained` and falls from there; `tests/open-pairs.test.ts` goes through all counts. So each p value
// lies between its values at two known counts. Holm's method rejects more, never less, when p values become smaller: what it rejects with
// every p value at its upper end it rejects with the final ones, and what it leaves with every p value at its lower end it leaves with them.
// No image is judged twice at the level, so looking costs nothing: what is settled is what all images say, not an estimate of it.
import { aboveMargin, belowMargin } from "./margin";
import { holm, mcnemar, type Pairs } from "./paired";

/** Pairs over `images` images, some of which are still missing from `lost` and `gained`. */
export interface OpenPairs extends Pairs {
  readonly missingRight: number; // images not looked at yet that the intact network has right
  readonly missingWrong: number; // and wrong
}

/** A p value of which only bounds are known; equal where nothing is missing. */
export interface Bounds {
  readonly least: number;
  readonly most: number;
}

/** The counts over all images if the missing ones cost as little as they can. */
export const mildest = ({ images, lost, gained, missingWrong }: OpenPairs): Pairs => ({
  images,
  lost,
  gained: gained + missingWrong,
});

/** The counts over all images if the missing ones cost as much as they can. */
export const worst = ({ images, lost, gained, missingRight }: OpenPairs): Pairs => ({
  images,
  lost: lost + missingRight,
  gained,
});

/** Bounds of `belowMargin` over all images. @throws RangeError as it does */
export const belowMarginBounds = (pairs: OpenPairs, margin: number): Bounds => ({
  least: belowMargin(mildest(pairs), margin),
  most: belowMargin(worst(pairs), margin),
});

/** Bounds of `aboveMargin` over all images. @throws RangeError as it does */
export const aboveMarginBounds = (pairs: OpenPairs, margin: number): Bounds => ({
  least: aboveMargin(worst(pairs), margin),
  most: aboveMargin(mildest(pairs), margin),
});

/** Bounds of McNemar's two-sided p value over all images. */
export function harmBounds(pairs: OpenPairs): Bounds {
  const [few, many] = [mildest(pairs), worst(pairs)];
  const [first, last] = [mcnemar(few.lost, few.gained), mcnemar(many.lost, many.gained)];
  const mayBeEqual = few.lost <= few.gained && many.lost >= many.gained;
  return { least: Math.min(first, last), most: mayBeEqual ? 1 : Math.max(first, last) };
}

/**
 * Which hypotheses of a family Holm's method rejects at a level when all images are known: true or false where that is settled,
 * undefined where missing images can still change it.
 */
export function settled(family: readonly Bounds[], level: number): (boolean | undefined)[] {
  const surely = holm(family.map(({ most }) => most));
  const possibly = holm(family.map(({ least }) => least));
  return family.map((_, index) => (surely[index] < level ? true : possibly[index] < level ? undefined : false));
}
