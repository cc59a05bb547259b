// Confidence sequences: intervals that hold at every moment at once, for whoever looks while images come in and stops when he likes.
import { logBinomial } from "./binomial";

/** How likely some moment's interval may miss: 95 % sequences. */
const LEVEL = 0.05;

/**
 * A 95 % confidence sequence of an accuracy: with probability 0.95 the intervals of all moments hold it, as fractions.
 *
 * Laplace's mixture of all accuracies, as a bet against each: those that lose less than twentyfold, (images + 1) P(correct) > 0.05.
 * Source: Robbins (1970), Annals of Mathematical Statistics 41:1397-1409.
 * @throws RangeError unless 0 <= correct <= images and images > 0.
 */
export function accuracySequence(correct: number, images: number): [low: number, high: number] {
  if (!(images > 0 && correct >= 0 && correct <= images)) {
    throw new RangeError(`Cannot bound an accuracy: expected 0 <= correct <= images but found ${correct} of ${images}`);
  }
  const within = (share: number) => logBinomial(correct, images, share) + Math.log1p(images) > Math.log(LEVEL);
  const share = correct / images;
  return [edge(within, share, 0), edge(within, share, 1)];
}

/** The number of values at which a sequence comes nearest to the interval for a single look; it has to be chosen before. */
const SHARPEST_AT = 500;

/**
 * Half the width of an asymptotic 95 % confidence sequence of a mean: what 1.96 standard errors are for a single look.
 *
 * Source: Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas (2024), Annals of Statistics 52:2613-2640, theorem 2.2.
 * @param deviation standard deviation of the values.
 * @param count how many there are, from 2 on.
 */
export function sequenceHalfWidth(deviation: number, count: number): number {
  const spent = -2 * Math.log(LEVEL);
  const tuned = (count * (spent + Math.log(spent + 1))) / SHARPEST_AT;
  return deviation * Math.sqrt(((2 * (tuned + 1)) / (count * tuned)) * Math.log(Math.sqrt(tuned + 1) / LEVEL));
}

/** The last value on the way from `inside` to `outside` that is within. */
function edge(within: (value: number) => boolean, inside: number, outside: number): number {
  if (within(outside)) return outside;
  for (let halving = 0; halving < 60; halving++) {
    const middle = (inside + outside) / 2;
    if (within(middle)) inside = middle;
    else outside = middle;
  }
  return inside;
}
