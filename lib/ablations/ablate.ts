// Ablations: networks with one or several layers changed. Nothing is changed in place, so there is nothing to restore.
import type { Values } from "../files/values";
import { branchEnds, type Layer, layerOf } from "../networks/layers";
import type { Network, Parameters } from "../networks/network";
import type { Spec } from "../networks/spec";
import { randomStream } from "../statistics/random";
import type { Random } from "../statistics/shuffle";
import { activationName, type ActivationOperator, type Activations } from "./activations";
import { checkArray, layerValues, type LayerValues, returnedArrays } from "./layer-values";
import { repeatedIn } from "./sets";

/** What an operator may look at besides the kernel; all arrays are copies. */
export interface Site {
  readonly spec: Spec;
  /** The ablation's own random numbers: they depend on the seed and the layer, not on what else is ablated. */
  readonly random: Random;
  /** Another stream of them, for an operator whose draws are to have nothing in common with those of other operators. */
  stream(label: string): Random;
  /** The layer's trained arrays. */
  readonly values: LayerValues;
  /** The layer's arrays before the first epoch, where the run kept them. */
  readonly start?: LayerValues;
}

/**
 * Makes a layer's new kernel out of a copy of its trained one: `(kernel, layer, { random }) => kernel`.
 * One that changes the batch norm too returns the new arrays by name, such as `{ kernel, beta }`.
 */
export type KernelOperator = (kernel: Values, layer: Layer, site: Site) => Values | Partial<LayerValues>;

/** What is done to a layer: to its trained arrays, or (`onOutput`, `onShortcut`) to what it passes on. */
export type Operator = KernelOperator | ActivationOperator;

/** Names that functions get from where they stand, not from who wrote them. */
const NO_NAMES = ["", "operator", "change", "default"];

/** How an operator is called in results, tables and figures: by its own name, such as "noise:0.5", or that of its function. */
export function operatorName({ name }: Operator): string {
  return NO_NAMES.includes(name) ? "an unnamed operator" : name;
}

/** A network and what it is to be computed with: other arrays, other activations, or both. It is no network itself. */
export interface Ablation {
  readonly network: Network;
  /** All of them; what is not changed is the network's own array. */
  readonly parameters: Parameters;
  readonly activations: Activations;
}

/** The ablation that changes nothing. */
export function intact(network: Network): Ablation {
  return { network, parameters: network.parameters, activations: new Map() };
}

/**
 * An ablation as a network, to evaluate or to save it.
 * @throws RangeError where activations are changed, which only a sweep computes
 */
export function ablatedNetwork({ network, parameters, activations }: Ablation): Network {
  if (activations.size === 0) return { ...network, parameters };
  throw new RangeError(
    `Cannot take "${network.name}" as a network: it has changed activations, which only a sweep computes`,
  );
}

/** What operators may need besides the network. */
export interface AblationOptions {
  /** Where random numbers start; 1 by default. */
  readonly seed?: number;
  /** The parameters before the first epoch: a run's `start`. */
  readonly start?: Parameters;
}

/** The paper's operator: every weight zero. A batch norm that follows the layer then gives one constant per channel. */
export const zero: KernelOperator = ({ shape, data }) => ({ shape, data: new Float32Array(data.length) });

/**
 * A network, or an ablation of it, with the operator applied to some layers, named one by one or as a list. It shares every other
 * array with the given one, also those that the operator returns with the same numbers; what is given stays as it is.
 * @throws RangeError when there is no such layer, none at all or one twice, the operator does not apply to it, or a new array has
 * another shape, is not finite or a negative variance
 * @throws TypeError when the operator returns something else than arrays
 */
export function ablate(
  given: Network | Ablation,
  layerNames: string | readonly string[],
  operator: Operator,
  options: AblationOptions = {},
): Ablation {
  const before = "network" in given ? given : intact(given);
  const layers = layersAt(before.network, [layerNames].flat());
  if (typeof operator !== "function") return withActivations(before, layers, operator);
  const parameters = new Map(before.parameters);
  for (const layer of layers)
    for (const [name, values] of changedArrays(before, layer, operator, options)) parameters.set(name, values);
  return { ...before, parameters };
}

function layersAt({ name, spec }: Network, names: readonly string[]): Layer[] {
  if (names.length === 0) throw new RangeError(`Cannot ablate ${name}: expected at least one layer but found none`);
  const repeated = repeatedIn(names);
  if (repeated === undefined) return names.map((layer) => layerOf(spec, layer));
  throw new RangeError(`Cannot ablate ${name}: expected each layer once but found ${repeated} twice`);
}

function withActivations(before: Ablation, layers: readonly Layer[], { place, change }: ActivationOperator): Ablation {
  const ends = branchEnds(before.network.spec);
  const odd = place === "shortcut" ? layers.find((layer) => !ends.includes(layer)) : undefined;
  if (odd) {
    throw new RangeError(
      `Cannot change the shortcut at ${odd.name}: expected the last convolution of a residual block, like stage1.block1.conv2`,
    );
  }
  const added = layers.map((layer) => [activationName(layer, place), { layer, change }] as const);
  return { ...before, activations: new Map([...before.activations, ...added]) };
}

/** The arrays of a layer that the operator gives other numbers, by their names. */
function changedArrays(
  { network, parameters }: Ablation,
  layer: Layer,
  operator: KernelOperator,
  { seed = 1, start }: AblationOptions,
): [name: string, values: Values][] {
  const values = layerValues(parameters, layer);
  const random = randomStream(seed, `ablate ${layer.name}`);
  const stream = (label: string) => randomStream(seed, `ablate ${layer.name} ${label}`);
  const site = { spec: network.spec, random, stream, values, start: start && layerValues(start, layer) };
  const arrays = returnedArrays(operator(values.kernel, layer, site), layer);
  return Object.entries(arrays).flatMap(([part, after]) => {
    const name = `${layer.name}.${part}`;
    const before = parameters.get(name)!;
    checkArray(after, before, { layer, part });
    // Copied, for an operator that goes on writing into what it returned.
    return sameNumbers(after, before) ? [] : [[name, { shape: before.shape, data: after.data.slice() }]];
  });
}

const sameNumbers = (after: Values, before: Values): boolean =>
  after.data.every((value, index) => value === before.data[index]);
