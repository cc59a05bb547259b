// Rankings, and how well two of them agree.

/**
 * Kendall's tau-b between two rankings given by their values, with ties; NaN when one of them is all ties.
 *
 * Source: Kendall (1945), Biometrika 33:239-251.
 * @throws RangeError when the lengths differ.
 */
export function kendallTau(first: readonly number[], second: readonly number[]): number {
  if (first.length !== second.length) {
    throw new RangeError(`Cannot compare rankings: expected ${first.length} values but found ${second.length}`);
  }
  let agreement = 0;
  let untiedFirst = 0;
  let untiedSecond = 0;
  for (let i = 0; i < first.length; i++) {
    for (let j = 0; j < i; j++) {
      const a = Math.sign(first[i] - first[j]);
      const b = Math.sign(second[i] - second[j]);
      agreement += a * b;
      untiedFirst += a * a;
      untiedSecond += b * b;
    }
  }
  return agreement / Math.sqrt(untiedFirst * untiedSecond);
}
