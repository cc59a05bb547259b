// Files with accidental damage, made from a seed, for the readers of files from outside.
import assert from "node:assert/strict";
import type { Values } from "../lib/files/values";
import { randomStream } from "../lib/statistics/random";
import type { Random } from "../lib/statistics/shuffle";

/** Changes, removes, repeats or inserts up to four stretches of a file, mostly near its head, or near its tail. */
export function mutate(file: Uint8Array, head: number, random: Random): Buffer {
  let bytes = Buffer.from(file);
  for (let left = 1 + random.integer(4); left > 0; left--) {
    const near = random.integer(random.integer(8) ? Math.min(Math.abs(head), bytes.length) : bytes.length);
    const at = head < 0 ? bytes.length - 1 - near : near;
    const length = 1 + random.integer(random.integer(2) ? 4 : 64);
    const noise = Buffer.from(Array.from({ length }, () => random.integer(256)));
    const kind = random.integer(5);
    const rest = bytes.subarray(at + length);
    if (kind === 0) noise.copy(bytes, at, 0, Math.min(length, 4));
    else if (kind === 1) bytes = Buffer.concat([bytes.subarray(0, at), rest]);
    else if (kind === 2)
      bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at, at + length), bytes.subarray(at)]);
    else if (kind === 3) bytes = Buffer.concat([bytes.subarray(0, at), noise, bytes.subarray(at)]);
    else bytes[at] ^= 1 << random.integer(8);
  }
  return bytes;
}

export interface FuzzOptions {
  readonly decode: (bytes: Uint8Array) => ReadonlyMap<string, Values>;
  /** How many bytes at the beginning (at the end, where negative) most mutations fall on. */
  readonly head: number;
  readonly count: number;
  readonly seed?: number;
}

/** Decodes mutated copies of a file: each has to give tensors that are whole, or an Error of the reader's own. */
export function fuzz(
  file: Uint8Array,
  { decode, head, count, seed = 1 }: FuzzOptions,
): { valid: number; refused: number } {
  const random = randomStream(seed, "mutated checkpoints");
  const tally = { valid: 0, refused: 0 };
  for (let i = 0; i < count; i++) {
    const bytes = mutate(file, head, random);
    try {
      for (const { shape, data } of decode(bytes).values())
        assert.equal(
          data.length,
          shape.reduce((product, size) => product * size, 1),
        );
      tally.valid++;
    } catch (error) {
      assert.ok(
        error instanceof Error && /^Cannot read (the (pickle|checkpoint|zip archive)|safetensors)/.test(error.message),
        `mutation ${i}: ${(error as Error).stack}`,
      );
      tally.refused++;
    }
  }
  return tally;
}
