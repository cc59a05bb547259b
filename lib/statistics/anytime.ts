// Evidence that may be looked at after every batch: p values that hold whenever an ablation is stopped, and the rule that stops it.
//
// Per image, x is 1 where an ablation loses a right answer, -1 where it gains one, else 0; its drop is the mean of x. Whoever bets shares
// of a capital of 1 against a hypothesis about the drop does not get richer on average while it is true, so the capital ever reaches
// 1/p with probability p at most (Ville 1939) and 1/capital is a p value at every moment. The bets are a fixed mixture. So the
// evidence depends on the counts alone: nothing is stored, and an ablation can be judged at another margin than it was stopped for.
//
// A p value of a sweep that is looked at is anytime / SHARE while an ablation runs and where it was stopped, and that of the test for a
// fixed number of images / (1 - SHARE) where it saw all of them:
// P(p ever <= u) <= P(anytime ever <= SHARE u) + P(final <= (1 - SHARE) u) <= SHARE u + (1 - SHARE) u = u, however one looks and leaves.
// Holm's adjustment asks for nothing else, whatever images and layers have in common. Images are taken as independent draws.
//
// Sources: Ville (1939), Étude critique de la notion de collectif; Waudby-Smith and Ramdas (2024), Journal of the Royal Statistical
// Society B 86:1-27, whose bets adapt to what was seen; a mixture stops about as soon here and keeps nothing but counts.
import { largestOf } from "./extremes";
import { aboveMargin, belowMargin, dropAtMost } from "./margin";
import { checkPairs, lastWhere, mcnemar, type Pairs } from "./paired";

/** What a sweep that stops spends of each p value on looking; the rest is for the ablations that see all images. */
const SHARE = 0.2;

/** Shares of the capital that are bet: large ones find large drops within tens of images, small ones bear many discordant images. */
const BETS = [0.9, 1 / 2, 1 / 4, 1 / 8, 1 / 16, 1 / 32];

/**
 * Where an ablation stands in a sweep that is looked at: it still runs (whoever leaves now stops it by that), was stopped by what was
 * seen of it, or has seen all images.
 */
export type Look = "running" | "stopped" | "complete";

/** Pairs of a sweep; `look` is absent where nobody looked before all images were seen. */
export interface WatchedPairs extends Pairs {
  readonly look?: Look;
}

/** Whether an ablation has not seen all images, so that it is judged by what holds at any moment. */
export function isOpen({ look }: Pick<WatchedPairs, "look">): boolean {
  return look === "running" || look === "stopped";
}

/**
 * p value of H0 "the drop is at most `drop`" against H1 "it is larger", valid at whatever image it is looked at.
 *
 * @param drop a fraction of the images, from 0 to 1.
 * @throws RangeError when the counts are impossible or the drop is out of range.
 */
export function anytimeExceeds(pairs: Pairs, drop: number): number {
  return Math.min(1, Math.exp(-logCapital(pairs, drop, 1)));
}

/**
 * p value of H0 "the drop is at least `drop`" against H1 "it is smaller", valid at whatever image it is looked at.
 *
 * @param drop a fraction of the images, from 0 to 1.
 * @throws RangeError when the counts are impossible or the drop is out of range.
 */
export function anytimeBelow(pairs: Pairs, drop: number): number {
  return Math.min(1, Math.exp(-logCapital(pairs, drop, -1)));
}

/**
 * Whether no further image is needed to call an ablation trivial, or non-trivial with a drop beyond the margin.
 *
 * A drop above 0 alone does not stop it: such an ablation may still turn out to be trivial. What is decided here stays so after Holm's
 * adjustment whatever the other ablations do, and the two decisions exclude each other: no bets win both ways on the same counts.
 * @param options `ablations`: how many the network's sweep has; `margin` and `level` as in `verdictsOf`.
 * @throws RangeError when the counts are impossible or the margin is not between 0 and 1.
 */
export function isDecided(
  pairs: Pairs,
  { margin, ablations, level = 0.05 }: { margin: number; ablations: number; level?: number },
): boolean {
  const p = Math.min(anytimeBelow(pairs, margin), anytimeExceeds(pairs, margin));
  return ablations * (p / SHARE) < level;
}

/** p value of H0 "the ablation does no harm": McNemar's, two-sided, or, of an ablation that has not seen all images, the anytime one. */
export function harmTest(pairs: WatchedPairs): number {
  return isOpen(pairs)
    ? whileLooking(anytimeExceeds(pairs, 0))
    : afterLooking(pairs, mcnemar(pairs.lost, pairs.gained));
}

/** p value of H0 "the drop is at least the margin": `belowMargin` or, of an ablation that has not seen all images, the anytime one. */
export function trivialTest(pairs: WatchedPairs, margin: number): number {
  const final = belowMargin(pairs, margin); // refuses impossible margins for every row alike
  return isOpen(pairs) ? whileLooking(anytimeBelow(pairs, margin)) : afterLooking(pairs, final);
}

/** p value of H0 "the drop is at most the margin": `aboveMargin` or, of an ablation that has not seen all images, the anytime one. */
export function nonTrivialTest(pairs: WatchedPairs, margin: number): number {
  const final = aboveMargin(pairs, margin);
  return isOpen(pairs) ? whileLooking(anytimeExceeds(pairs, margin)) : afterLooking(pairs, final);
}

/**
 * One-sided upper bound of the drop at confidence 1 - level: the largest drop that `trivialTest` does not reject.
 *
 * @throws RangeError when the counts are impossible or the level is not between 0 and 0.5.
 */
export function dropBound(pairs: WatchedPairs, level: number): number {
  if (!(level > 0 && level < 0.5)) {
    throw new RangeError(`Cannot bound a drop: expected a level between 0 and 0.5 but found ${level}`);
  }
  if (isOpen(pairs)) return anytimeBound(pairs, SHARE * level);
  return dropAtMost(pairs, 1 - (pairs.look === undefined ? level : (1 - SHARE) * level));
}

/** Counts with the images of one more batch: [images] right labels and the classes before and after the ablation. */
export function addImages(
  pairs: Pairs,
  labels: ArrayLike<number>,
  before: ArrayLike<number>,
  after: ArrayLike<number>,
): Pairs {
  let { lost, gained } = pairs;
  for (let image = 0; image < labels.length; image++) {
    if (before[image] === after[image]) continue;
    if (before[image] === labels[image]) lost++;
    if (after[image] === labels[image]) gained++;
  }
  return { images: pairs.images + labels.length, lost, gained };
}

function whileLooking(p: number): number {
  return Math.min(1, p / SHARE);
}

function afterLooking({ look }: WatchedPairs, p: number): number {
  return look === undefined ? p : Math.min(1, p / (1 - SHARE));
}

/** At least 0, which is cautious where the ablation helps; the capital grows with the drop that is bet against. */
function anytimeBound(pairs: Pairs, level: number): number {
  return anytimeBelow(pairs, 1) > level ? 1 : lastWhere((drop) => anytimeBelow(pairs, drop) > level, 0);
}

/**
 * Logarithm of the mean capital of all bets that the drop is larger (direction 1) or smaller (-1) than `drop`.
 * Per image, the capital is multiplied by 1 + bet (x - drop) / (1 + drop) in that direction: above 0, and 1 on average if the drop is `drop`.
 */
function logCapital(pairs: Pairs, drop: number, direction: 1 | -1): number {
  checkPairs(pairs);
  if (!(drop >= 0 && drop <= 1)) {
    throw new RangeError(`Cannot bet on a drop: expected a fraction from 0 to 1 but found ${drop}`);
  }
  const { images, lost, gained } = pairs;
  const capitals = BETS.map((bet) => {
    const stake = (direction * bet) / (1 + drop);
    const changed = lost * Math.log(1 + stake * (1 - drop)) + gained * Math.log(1 + stake * (-1 - drop));
    return changed + (images - lost - gained) * Math.log(1 - stake * drop);
  });
  const largest = largestOf(capitals);
  return largest + Math.log(capitals.reduce((sum, capital) => sum + Math.exp(capital - largest), 0) / BETS.length);
}
