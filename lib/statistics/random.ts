// Seeded randomness: the only place where random numbers are made, so that a seed and a label say it all.
import { createHash } from "node:crypto";
import { xoroshiro128plus } from "pure-rand";
import type { Random } from "./shuffle";

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
