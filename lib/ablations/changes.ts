// What an ablation changes: said here, asked by everyone who records, digests or compares ablations.
import type { Values } from "../files/values";
import type { Layer } from "../networks/layers";
import type { Ablation } from "./ablate";
import type { Activations } from "./activations";

/** What an ablation has in place of the network's own. */
export interface Changes {
  /** By parameter name. An ablation shares the arrays that it does not change, so identity tells. */
  readonly arrays: ReadonlyMap<string, Values>;
  /** By activation name. */
  readonly activations: Activations;
}

/** All that an ablation changes. */
export function changesOf({ network, parameters, activations }: Ablation): Changes {
  const isNew = ([name, values]: readonly [string, Values]) => network.parameters.get(name) !== values;
  return { arrays: new Map([...parameters].filter(isNew)), activations };
}

/** Whether an ablation is the network itself, number by number: its operator changed nothing. */
export function isUnchanged(ablation: Ablation): boolean {
  const { arrays, activations } = changesOf(ablation);
  return arrays.size === 0 && activations.size === 0;
}

/** The part of some changes that belongs to one layer. */
export function changesAt({ arrays, activations }: Changes, { name }: Layer): Changes {
  // In a network from a file a layer's name may begin with another's.
  const ofLayer = <T>(all: ReadonlyMap<string, T>) => new Map([...all].filter(([part]) => layerIn(part) === name));
  return { arrays: ofLayer(arrays), activations: ofLayer(activations) };
}

/** The layer that an array or an activation belongs to, by its name. */
const layerIn = (part: string): string => part.replace(/\.[^.]+$/, "");
