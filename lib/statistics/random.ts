// Seeded randomness: the only place where random numbers are made, so that a seed and a label say it all.
import { createHash } from "node:crypto";
import { xoroshiro128plus } from "pure-rand";

/** A stream of random numbers. */
export interface Random {
  /** A number in [0, 1) with 32 random bits. */
  uniform(): number;
  /** An integer in [0, limit). */
  integer(limit: number): number;
  /** A draw from the standard normal distribution. */
  normal(): number;
}

/**
 * The stream of random numbers that belongs to a seed and a label.
 * Each purpose has a stream of its own ("initialize", "epoch 3"), so a run that goes on from epoch 3 draws what an uninterrupted one draws.
 */
export function randomStream(seed: number, label: string): Random {
  const state = createHash("sha256").update(`${seed}/${label}`).digest().readInt32LE(0);
  const generator = xoroshiro128plus(state);
  const uniform = () => (generator.unsafeNext() >>> 0) / 2 ** 32;
  return {
    uniform,
    integer: (limit) => Math.floor(uniform() * limit),
    // Box-Muller; 1 - uniform() is in (0, 1], so the logarithm is finite.
    normal: () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()),
  };
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
