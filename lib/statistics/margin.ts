// A drop against a margin, as verdicts judge it: Tango's score test, and exact tests in its place where its approximation is too sharp.
//
// False alarms, enumerated over all counts of 1 to 10,000 images at margins of 0.5 to 5 points, for the level of 5 % and for a 55th of it
// (Holm's first step among 55 layers), as multiples of the level: `belowMargin` at most 1.03 (Tango alone 1.3); `aboveMargin` at
// most 1.3, and of the 55th 1.1 where 40 images or more are gained, up to 1.7 where fewer are (Tango alone 3.8).
import { binomialAtLeast, binomialAtMost } from "./binomial";
import { inferiority, lastWhere, nonInferiority, type Pairs, upperBound } from "./paired";

/**
 * p value of H0 "the drop is at least `margin`" against H1 "it is smaller": small where an ablation is shown to cost less.
 *
 * It is no smaller than an exact one: for images that are only ever lost (binomial, at most lost - gained of `images`) or, where more are
 * gained than lost, for no drop at all (McNemar's, one-sided) if that is smaller.
 * @param margin a fraction of the images.
 * @throws RangeError when the counts are impossible or the margin is not between 0 and 1.
 */
export function belowMargin(pairs: Pairs, margin: number): number {
  return Math.max(nonInferiority(pairs, margin), exactlyBelow(pairs, margin));
}

function exactlyBelow({ images, lost, gained }: Pairs, margin: number): number {
  if (lost >= gained) return binomialAtMost(lost - gained, images, margin);
  return Math.min(binomialAtMost(0, images, margin), binomialAtMost(lost, lost + gained, 1 / 2));
}

/**
 * p value of H0 "the drop is at most `margin`" against H1 "it is larger": small where an ablation is shown to cost more.
 *
 * It is no smaller than the two exact ones for the case that images are only ever lost (binomial) and for no drop at all (McNemar's,
 * one-sided).
 * @param margin a fraction of the images.
 * @throws RangeError when the counts are impossible or the margin is not between 0 and 1.
 */
export function aboveMargin(pairs: Pairs, margin: number): number {
  const tango = inferiority(pairs, margin);
  const { images, lost, gained } = pairs;
  const onlyLost = binomialAtLeast(Math.max(0, lost - gained), images, margin);
  return Math.max(tango, onlyLost, binomialAtLeast(lost, lost + gained, 1 / 2));
}

/**
 * One-sided upper bound of the drop: the largest margin, above 0, that `belowMargin` does not reject, such as
 * 1 - (1 - confidence)^(1 / images) where nothing is lost or gained. Where Tango's bound is below 0 it is that one.
 *
 * @throws RangeError when the counts are impossible or the confidence is not between 0.5 and 1.
 */
export function dropAtMost(pairs: Pairs, confidence: number): number {
  const tango = upperBound(pairs, confidence);
  const rejects = (drop: number) => exactlyBelow(pairs, drop) <= 1 - confidence;
  if (tango <= 0 || rejects(tango)) return tango;
  return lastWhere((drop) => !rejects(drop), tango);
}
