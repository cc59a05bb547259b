// Ablations: networks with one layer changed. Nothing is changed in place, so there is nothing to restore.
import { BATCH_NORM, type Layer, layerOf, type Network, type Parameters, type Spec, type Values } from "./network";
import { type Random, randomStream } from "./random";

/** All arrays of one layer: its kernel [size, size, inputs, outputs] and its batch norm, each [outputs]. */
export interface LayerValues {
  readonly kernel: Values;
  readonly gamma: Values;
  readonly beta: Values;
  readonly mean: Values;
  readonly variance: Values;
}

/** What an operator may look at besides the kernel; all arrays are copies. */
export interface Site {
  readonly spec: Spec;
  /** The ablation's own random numbers: they depend on the seed and the layer, not on what else is ablated. */
  readonly random: Random;
  /** The layer's trained arrays. */
  readonly values: LayerValues;
  /** The layer's arrays before the first epoch, where the run kept them. */
  readonly start?: LayerValues;
}

/**
 * Makes a layer's new kernel out of a copy of its trained one: `(kernel, layer, { random }) => kernel`.
 * One that changes the batch norm too returns the new arrays by name, such as `{ kernel, beta }`.
 */
export type Operator = (kernel: Values, layer: Layer, site: Site) => Values | Partial<LayerValues>;

/** What operators may need besides the network. */
export interface AblationOptions {
  /** Where random numbers start; 1 by default. */
  readonly seed?: number;
  /** The parameters before the first epoch: a run's `start`. */
  readonly start?: Parameters;
}

/** The paper's operator: every weight zero. The layer's batch norm then gives one constant per channel. */
export const zero: Operator = ({ shape, data }) => ({ shape, data: new Float32Array(data.length) });

const PARTS = ["kernel", ...BATCH_NORM] as const;

/**
 * The network with the operator applied to one layer. It shares every other array with the given one, also those that the
 * operator returns with the same numbers; the given network stays as it is.
 * @throws RangeError when there is no such layer, or a new array has another shape, is not finite or a negative variance
 */
export function ablate(
  network: Network,
  layerName: string,
  operator: Operator,
  { seed = 1, start }: AblationOptions = {},
): Network {
  const layer = layerOf(network.spec, layerName);
  const values = layerValues(network.parameters, layer);
  const random = randomStream(seed, `ablate ${layer.name}`);
  const site = { spec: network.spec, random, values, start: start && layerValues(start, layer) };
  const returned = operator(values.kernel, layer, site);
  const parameters = new Map(network.parameters);
  for (const [part, after] of newArrays(returned)) {
    const name = `${layer.name}.${part}`;
    const before = network.parameters.get(name)!;
    checkValues(after, before, { layer, part });
    // Copied, for an operator that goes on writing into what it returned.
    if (!sameNumbers(after, before)) parameters.set(name, { shape: before.shape, data: after.data.slice() });
  }
  return { ...network, parameters };
}

function newArrays(returned: Values | Partial<LayerValues>): [part: string, after: Values][] {
  const changed: Partial<LayerValues> = "data" in returned ? { kernel: returned } : returned;
  return PARTS.flatMap((part) => (changed[part] ? [[part, changed[part]!]] : []));
}

/** Whether an ablation is the network itself, number by number: its operator changed nothing. */
export function isUnchanged(network: Network, ablation: Network): boolean {
  return [...network.parameters].every(([name, values]) => ablation.parameters.get(name) === values);
}

function layerValues(parameters: Parameters, { name }: Layer): LayerValues {
  const copy = (part: string): Values => {
    const { shape, data } = parameters.get(`${name}.${part}`)!;
    return { shape, data: data.slice() };
  };
  return Object.fromEntries(PARTS.map((part) => [part, copy(part)])) as unknown as LayerValues;
}

function sameNumbers(after: Values, before: Values): boolean {
  return after.data.every((value, index) => value === before.data[index]);
}

function checkValues(
  after: Values,
  { shape, data }: Values,
  { layer, part }: { readonly layer: Layer; readonly part: string },
): void {
  const failed = `Cannot ablate ${layer.name}: the operator returned`;
  if (after.shape.join() !== shape.join() || after.data.length !== data.length) {
    throw new RangeError(`${failed} a ${part} of shape [${after.shape}], expected [${shape}]`);
  }
  const bad = after.data.find((value) => !Number.isFinite(value));
  if (bad !== undefined) throw new RangeError(`${failed} ${bad}, expected finite numbers`);
  const negative = part === "variance" ? after.data.find((value) => value < 0) : undefined;
  if (negative !== undefined) throw new RangeError(`${failed} a variance of ${negative}, expected none below 0`);
}
