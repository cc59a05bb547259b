// Sums, means and deviations of lists and typed arrays of numbers.

/** Numbers in a row: a list or a typed array. */
export type Numbers = Iterable<number> & { readonly length: number };

/** The sum, added up in order. */
export function sumOf(values: Iterable<number>): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum;
}

/** The mean; NaN where there is nothing. */
export function meanOf(values: Numbers): number {
  return sumOf(values) / values.length;
}

/** The sum of the squared differences from the mean. */
export function squaresOf(values: Numbers): number {
  const mean = meanOf(values);
  let sum = 0;
  for (const value of values) sum += (value - mean) ** 2;
  return sum;
}

/** The standard deviation of which some values are a sample (n - 1); NaN below two. */
export function deviationOf(values: Numbers): number {
  return Math.sqrt(squaresOf(values) / (values.length - 1));
}
