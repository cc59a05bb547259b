// Random orders, by whatever random numbers are given.

/** A stream of random numbers. */
export interface Random {
  /** A number in [0, 1) with 32 random bits. */
  uniform(): number;
  /** An integer in [0, limit). */
  integer(limit: number): number;
  /** A draw from the standard normal distribution. */
  normal(): number;
}

/** The integers 0 to count - 1 in random order (Fisher-Yates). */
export function shuffled(count: number, random: Random): Uint32Array {
  const order = Uint32Array.from({ length: count }, (_, index) => index);
  for (let last = count - 1; last > 0; last--) {
    const other = random.integer(last + 1);
    [order[last], order[other]] = [order[other], order[last]];
  }
  return order;
}
