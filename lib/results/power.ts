// What a sweep could have shown: how often a layer of a given true drop would be called trivial.
import { binomialAtMost, logBinomial } from "../statistics/binomial";
import { belowMargin } from "../statistics/margin";

/** A sweep in which verdicts are given. */
export interface Design {
  readonly layers: number;
  readonly images: number;
  /** The largest harmless drop, a fraction. */
  readonly margin: number;
  /** Share of the images whose answer an ablation makes right or wrong: lost + gained, a fraction. */
  readonly discordance: number;
  /** Level of the verdicts (default 0.05). */
  readonly level?: number;
}

/**
 * The probability that a layer is called trivial although none of the others is: the first step of Holm's adjustment.
 *
 * Exact sum over the numbers of discordant images, of which lost ones are a binomial share.
 * @param drop the true one, a fraction, at most the discordance.
 * @throws RangeError when no such images can be
 */
export function trivialPower(drop: number, { layers, images, margin, discordance, level = 0.05 }: Design): number {
  if (!(Math.abs(drop) <= discordance && discordance > 0 && discordance < 1)) {
    throw new RangeError(
      `Cannot find the power for a drop of ${drop}: expected at most the discordance, ${discordance}`,
    );
  }
  const isTrivial = (lost: number, discordant: number) =>
    belowMargin({ images, lost, gained: discordant - lost }, margin) < level / layers;
  const [mean, reach] = [images * discordance, 8 * Math.sqrt(images * discordance) + 8];
  const share = (discordance + drop) / (2 * discordance); // of discordant images that are lost
  let power = 0;
  for (let count = Math.max(0, Math.floor(mean - reach)); count <= Math.min(images, mean + reach); count++) {
    const most = mostWhere((lost) => isTrivial(lost, count), count);
    if (most >= 0) power += Math.exp(logBinomial(count, images, discordance)) * binomialAtMost(most, count, share);
  }
  return power;
}

/** The largest whole number up to `limit` for which a condition holds that holds up to it; -1 where there is none. */
function mostWhere(holds: (value: number) => boolean, limit: number): number {
  let [low, high] = [-1, limit + 1];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (holds(middle)) low = middle;
    else high = middle;
  }
  return low;
}
