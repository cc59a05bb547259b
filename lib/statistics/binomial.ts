// Tails of the binomial distribution, from the largest term on, so that nothing overflows and small tails keep their digits.

/**
 * Logarithm of the probability of just `hits` in so many trials.
 *
 * @param chance of each trial, a fraction.
 */
export function logBinomial(hits: number, trials: number, chance: number): number {
  if (chance === 0 || chance === 1) return hits === trials * chance ? 0 : -Infinity;
  return logChoose(trials, hits) + hits * Math.log(chance) + (trials - hits) * Math.log1p(-chance);
}

/** The probability of at most `hits` in so many trials. */
export function binomialAtMost(hits: number, trials: number, chance: number): number {
  if (hits >= trials || chance === 0) return 1;
  if (hits > trials * chance) return 1 - tailFrom(trials - hits - 1, trials, 1 - chance);
  return tailFrom(hits, trials, chance);
}

/** The probability of at least `hits` in so many trials. */
export function binomialAtLeast(hits: number, trials: number, chance: number): number {
  return binomialAtMost(trials - hits, trials, 1 - chance);
}

/** The probability of at most `hits`, which are no more than the mean: its terms fall from the first on. */
function tailFrom(hits: number, trials: number, chance: number): number {
  if (hits < 0 || chance === 1) return 0;
  const odds = (1 - chance) / chance;
  let [term, sum] = [1, 1]; // relative to the first
  for (let left = hits; left > 0 && term > 1e-18 * sum; left--) {
    term *= (left / (trials - left + 1)) * odds;
    sum += term;
  }
  return Math.exp(logBinomial(hits, trials, chance)) * sum;
}

/** Logarithm of the number of ways to choose. */
function logChoose(trials: number, hits: number): number {
  return logFactorial(trials) - logFactorial(hits) - logFactorial(trials - hits);
}

/** Stirling's series, five terms; below 16 it is a product. Abramowitz and Stegun (1964), 6.1.41. */
function logFactorial(count: number): number {
  if (count < 16) {
    let product = 1;
    for (let factor = 2; factor <= count; factor++) product *= factor;
    return Math.log(product);
  }
  const x = count + 1;
  const square = 1 / (x * x);
  const series = (1 / 12 - square * (1 / 360 - square * (1 / 1260 - square * (1 / 1680 - square / 1188)))) / x;
  return (x - 0.5) * Math.log(x) - x + 0.5 * Math.log(2 * Math.PI) + series;
}
