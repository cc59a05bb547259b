// Sets of layers by name, as a command line or a CONFIG writes them.
import type { Layer } from "../networks/layers";
import type { LayerSet } from "./sets";

/** What can be changed at once, each with a sentence. */
export const SET_KINDS = {
  single: "every layer by itself",
  blocks: "every block with all its layers",
  stages: "every stage with all its layers",
  pairs: "every layer and every two: do they cost more together?",
  greedy: "one more at a time, the least missed first, chosen on training images",
  random: "one more at a time, in 20 random orders",
} as const;

/** The name of a kind of sets. */
export type SetKind = keyof typeof SET_KINDS;

/** Every kind of sets with a sentence: one per line. */
export function setKindList(): string {
  return Object.entries(SET_KINDS)
    .map(([name, meaning]) => `  ${name.padEnd(8)}${meaning}`)
    .join("\n");
}

/** The kind of that name. @throws RangeError that lists the kinds when there is none */
export function setKindNamed(name: string): SetKind {
  if (Object.hasOwn(SET_KINDS, name)) return name as SetKind;
  throw new RangeError(`Cannot find the sets "${name}". Known:\n${setKindList()}`);
}

/**
 * The sets of which all layers are among some.
 * @throws RangeError when there is none
 */
export function setsWithin(sets: readonly LayerSet[], layers: readonly Layer[]): LayerSet[] {
  const names = new Set(layers.map(({ name }) => name));
  const whole = sets.filter((set) => set.layers.every(({ name }) => names.has(name)));
  if (whole.length) return whole;
  throw new RangeError("Cannot sweep over blocks or stages: none has all its layers among those asked for");
}
