// The largest and the smallest of any many numbers: a function takes about 100,000 arguments, so Math.max(...numbers) fails on more.

/** The largest of some numbers; -Infinity where there is none, NaN where one is NaN. */
export function largestOf(numbers: Iterable<number>): number {
  let largest = -Infinity;
  for (const number of numbers) largest = Math.max(largest, number);
  return largest;
}

/** The smallest of some numbers; Infinity where there is none, NaN where one is NaN. */
export function smallestOf(numbers: Iterable<number>): number {
  let smallest = Infinity;
  for (const number of numbers) smallest = Math.min(smallest, number);
  return smallest;
}
