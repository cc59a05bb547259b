// The standard normal distribution: upper tail and quantile, accurate far into the tail.
const DENSITY_AT_ZERO = 1 / Math.sqrt(2 * Math.PI);

/**
 * Probability that a standard normal variable exceeds `z`, with small relative error down to about 1e-300.
 *
 * Source: the power series and the continued fraction of Abramowitz and Stegun, 26.2.11 and 26.2.14.
 */
export function normalTail(z: number): number {
  if (z < 0) return 1 - normalTail(-z);
  const density = DENSITY_AT_ZERO * Math.exp((-z * z) / 2);
  return z < 2.5 ? 0.5 - density * centreSeries(z) : density / tailFraction(z);
}

// z + z^3/3 + z^5/(3*5) + ...: all terms positive, so nothing cancels before the final subtraction.
function centreSeries(z: number): number {
  let term = z;
  let sum = z;
  for (let odd = 3; term > sum * 1e-18; odd += 2) {
    term *= (z * z) / odd;
    sum += term;
  }
  return sum;
}

// z + 1/(z + 2/(z + 3/(z + ...))), from the inside out; 150 levels are exact to a double for z >= 2.5.
function tailFraction(z: number): number {
  let fraction = z;
  for (let level = 150; level >= 1; level--) fraction = z + level / fraction;
  return fraction;
}

/**
 * The value that a standard normal variable stays below with the given probability.
 *
 * @throws RangeError unless 0 < probability < 1.
 */
export function normalQuantile(probability: number): number {
  if (!(probability > 0 && probability < 1)) {
    throw new RangeError(
      `Cannot take a normal quantile: expected a probability between 0 and 1 but found ${probability}`,
    );
  }
  if (probability > 0.5) return -normalQuantile(1 - probability);
  let low = 0;
  let high = 40; // the tail beyond 40 is smaller than any double
  for (let halving = 0; halving < 60; halving++) {
    const middle = (low + high) / 2;
    if (normalTail(middle) > probability) low = middle;
    else high = middle;
  }
  return -(low + high) / 2;
}
