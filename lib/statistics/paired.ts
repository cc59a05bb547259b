// Tests on paired predictions: McNemar's exact test, exact sign flips, Tango's score tests with their bound, Holm's adjustment.
import { sumOf } from "./summary";
import { normalQuantile, normalTail } from "./normal";

/** The same images classified by two networks; a `Row` is one. */
export interface Pairs {
  readonly images: number;
  readonly lost: number; // right before, wrong after
  readonly gained: number; // wrong before, right after
}

/** Two-sided p value of McNemar's exact test; 0 where it is smaller than any double (see `logMcnemar`). */
export function mcnemar(lost: number, gained: number): number {
  return Math.exp(logMcnemar(lost, gained));
}

/**
 * Natural logarithm of the two-sided p value of McNemar's exact test: `lost` is binomial(lost + gained, 1/2).
 *
 * Source: McNemar (1947), Psychometrika 12:153-157; twice the smaller tail, at most 1.
 */
export function logMcnemar(lost: number, gained: number): number {
  const trials = lost + gained;
  const fewer = Math.min(lost, gained);
  let logTerm = 0; // of the binomial coefficient (trials, fewer)
  for (let i = 1; i <= fewer; i++) logTerm += Math.log((trials - fewer + i) / i);
  let term = 1; // relative to the largest term of the tail, so nothing overflows
  let tail = 1;
  for (let i = fewer; i >= 1; i--) {
    term *= i / (trials - i + 1);
    tail += term;
  }
  return Math.min(0, logTerm + Math.log(tail) - (trials - 1) * Math.LN2);
}

/**
 * One-sided p value of Tango's score test of H0 "the drop is at least `margin`" against H1 "it is smaller".
 *
 * Source: Tango (1998), Statistics in Medicine 17:891-908.
 * @param margin largest harmless drop, a fraction of the images.
 * @throws RangeError when the counts are impossible or the margin is not between 0 and 1.
 */
export function nonInferiority(pairs: Pairs, margin: number): number {
  checkMargin(pairs, margin);
  return normalTail(-tangoZ(pairs, margin));
}

/** The other side of the same test: H0 "the drop is at most `margin`" against H1 "it is larger". @throws RangeError as it does */
export function inferiority(pairs: Pairs, margin: number): number {
  checkMargin(pairs, margin);
  return normalTail(tangoZ(pairs, margin));
}

/**
 * One-sided upper bound of the drop: the largest drop that Tango's test does not reject; a fraction, can be negative.
 *
 * @throws RangeError when the counts are impossible or the confidence is not between 0.5 and 1.
 */
export function upperBound(pairs: Pairs, confidence = 0.95): number {
  checkPairs(pairs);
  if (!(confidence > 0.5 && confidence < 1)) {
    throw new RangeError(`Cannot bound a drop: expected a confidence between 0.5 and 1 but found ${confidence}`);
  }
  const z = normalQuantile(1 - confidence);
  return lastWhere((drop) => tangoZ(pairs, drop) > z, (pairs.lost - pairs.gained) / pairs.images);
}

/** Up to which drop a condition holds that ceases to hold somewhere between `low` and 1. */
export function lastWhere(holds: (drop: number) => boolean, low: number): number {
  let high = 1;
  for (let halving = 0; halving < 60; halving++) {
    const middle = (low + high) / 2;
    if (holds(middle)) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

// The score statistic under "the drop is exactly `drop`"; falls as `drop` rises, 0 at the observed drop.
function tangoZ({ images, lost, gained }: Pairs, drop: number): number {
  const distance = lost - gained - images * drop;
  const variance = images * (2 * gainedShare({ images, lost, gained }, drop) + drop * (1 - drop));
  return distance === 0 ? 0 : distance / Math.sqrt(variance);
}

// Most likely probability of a gain, given the drop: the larger root of Tango's quadratic (his A, B and C).
function gainedShare({ images, lost, gained }: Pairs, drop: number): number {
  const a = 2 * images;
  const b = (2 * images - lost + gained) * drop - lost - gained;
  const c = -gained * drop * (1 - drop);
  return (Math.sqrt(b * b - 4 * a * c) - b) / (2 * a);
}

/**
 * Two-sided p value of the exact sign-flip test: of all ways to give the values their signs, the share whose sum is at least as
 * far from 0 as theirs; 0 where it is smaller than any double. It is exact for values that are as likely positive as negative,
 * and good for many images whose mean alone is 0. With values of -1, 0 and 1 it is McNemar's exact test.
 *
 * Source: Fisher (1935), The Design of Experiments, section 21.
 * @param values [images], whole numbers from -2 to 2.
 * @throws RangeError when a value is beyond.
 */
export function signFlip(values: Int8Array): number {
  const ones = values.filter((value) => Math.abs(value) === 1).length;
  const twos = values.filter((value) => Math.abs(value) === 2).length;
  const beyond = values.find((value) => Math.abs(value) > 2);
  if (beyond !== undefined) throw new RangeError(`Cannot flip signs: expected values from -2 to 2 but found ${beyond}`);
  const sum = Math.abs(sumOf(values));
  const tails = coinTails(ones);
  // Where `heads` of the twos are positive they add 2 (2 heads - twos); the positive ones have to make up for the rest.
  const tail = coinShares(twos).reduce((total, share, heads) => {
    const needed = (sum + ones) / 2 - (2 * heads - twos);
    return total + share * (needed > ones ? 0 : tails[Math.max(0, needed)]);
  }, 0);
  return Math.min(1, 2 * tail);
}

/**
 * The same for a few values of any size, such as differences between runs of equal seeds: all 2^n ways to give them their signs.
 * @throws RangeError when there are none or more than 20
 */
export function flipAll(values: readonly number[]): number {
  const { length } = values;
  if (length < 1 || length > 20) throw new RangeError(`Cannot flip all signs of ${length} values: expected 1 to 20`);
  const total = sumOf(values);
  const size = sumOf(values.map(Math.abs));
  let reached = 0;
  for (let signs = 0; signs < 2 ** length; signs++) {
    const sum = values.reduce((partial, value, index) => partial + ((signs >> index) & 1 ? value : -value), 0);
    if (Math.abs(sum) >= Math.abs(total) - 1e-12 * size) reached++; // sums in another order differ in the last bits
  }
  return reached / 2 ** length;
}

// The probability of each number of heads in so many tosses, and of at least that number.
function coinShares(tosses: number): Float64Array {
  let logShare = -tosses * Math.LN2;
  return Float64Array.from({ length: tosses + 1 }, (_, heads) => {
    if (heads > 0) logShare += Math.log((tosses - heads + 1) / heads);
    return Math.exp(logShare);
  });
}

function coinTails(tosses: number): Float64Array {
  const tails = coinShares(tosses);
  for (let heads = tosses - 1; heads >= 0; heads--) tails[heads] += tails[heads + 1];
  return tails;
}

/**
 * Holm's step-down adjustment of a family of p values, in their own order.
 *
 * Source: Holm (1979), Scandinavian Journal of Statistics 6:65-70.
 * @throws RangeError when a p value is not between 0 and 1.
 */
export function holm(pValues: readonly number[]): number[] {
  const wrong = pValues.find((p) => !(p >= 0 && p <= 1));
  if (wrong !== undefined) throw new RangeError(`Cannot adjust p values: expected 0 to 1 but found ${wrong}`);
  const order = pValues.map((_, index) => index).sort((i, j) => pValues[i] - pValues[j]);
  const adjusted = new Array<number>(pValues.length);
  let largest = 0;
  order.forEach((index, rank) => {
    largest = Math.max(largest, Math.min(1, (pValues.length - rank) * pValues[index]));
    adjusted[index] = largest;
  });
  return adjusted;
}

function checkMargin(pairs: Pairs, margin: number): void {
  checkPairs(pairs);
  if (margin > 0 && margin < 1) return;
  throw new RangeError(
    `Cannot test a drop against its margin: expected a fraction between 0 and 1 but found ${margin}`,
  );
}

/** @throws RangeError when the counts are impossible */
export function checkPairs({ images, lost, gained }: Pairs): void {
  const counts = [images, lost, gained].every((count) => Number.isInteger(count) && count >= 0);
  if (counts && images > 0 && lost + gained <= images) return;
  throw new RangeError(
    `Cannot compare pairs: expected lost + gained <= images but found ${lost} + ${gained} of ${images}`,
  );
}
