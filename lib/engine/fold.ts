// Batch norm folded: in inference it is linear, so one kernel and one bias do the work of five parameters.
import type { Values } from "../files/values";
import { headNorm, type Layer, layersOf, normChannels } from "../networks/layers";
import { EPSILON, type Network, normNames, type Parameters, parameterShapes } from "../networks/network";
import type { Spec } from "../networks/spec";

/**
 * The parameters of the equivalent network without batch norms: `<layer>.kernel` and `<layer>.bias`, and the dense layer as it is.
 * kernel' = kernel * gamma / sqrt(variance + eps); bias = beta - mean * gamma / sqrt(variance + eps)
 * A batch norm that stands before a convolution becomes the first factor and the second term, `<layer>.scale` and `<layer>.shift`.
 */
export function foldedParameters(network: Network): Parameters {
  const { spec, parameters } = network;
  const folded = new Map(layersOf(spec).flatMap((layer) => foldedLayer(parameters, layer)));
  const head = headNorm(spec);
  for (const [name, values] of head ? foldedNorm(parameters, head) : []) folded.set(name, values);
  for (const name of plainParameters(spec)) folded.set(name, parameters.get(name)!);
  return folded;
}

/** The parameters that belong to no layer and no batch norm, such as the dense layer's: they stay as they are. */
export function plainParameters(spec: Spec): string[] {
  const head = headNorm(spec);
  const ofLayers = new Set([
    ...layersOf(spec).flatMap((layer) => [`${layer.name}.kernel`, ...normNames(layer)]),
    ...(head ? normNames(head) : []),
  ]);
  return [...parameterShapes(spec).keys()].filter((name) => !ofLayers.has(name));
}

/** What is left of a layer's arrays, by name. */
export function foldedLayer(parameters: Parameters, layer: Layer): [name: string, values: Values][] {
  const kernel = parameters.get(`${layer.name}.kernel`)!;
  if (layer.norm) return [[`${layer.name}.kernel`, kernel], ...foldedNorm(parameters, layer)];
  return [
    [`${layer.name}.kernel`, foldedKernel(kernel, scales(parameters, layer))],
    [`${layer.name}.bias`, foldedBias(parameters, layer)],
  ];
}

function foldedNorm(parameters: Parameters, layer: Layer): [name: string, values: Values][] {
  if (normChannels(layer) === 0) return [];
  const scale = { shape: [normChannels(layer)], data: Float32Array.from(scales(parameters, layer)) };
  return [
    [`${layer.name}.scale`, scale],
    [`${layer.name}.shift`, foldedBias(parameters, layer)],
  ];
}

/** Per channel, what batch norm multiplies by. */
function scales(parameters: Parameters, { name }: Layer): number[] {
  const variance = parameters.get(`${name}.variance`)!.data;
  return Array.from(parameters.get(`${name}.gamma`)!.data, (gamma, c) => gamma / Math.sqrt(variance[c] + EPSILON));
}

/** A kernel [size, size, inputs, outputs], scaled per output. */
function foldedKernel({ shape, data }: Values, scale: readonly number[]): Values {
  return { shape, data: data.map((weight, index) => weight * scale[index % scale.length]) };
}

/** What a batch norm adds to each channel: behind a convolution, its whole result once the kernel is zero. */
function foldedBias(parameters: Parameters, layer: Layer): Values {
  const mean = parameters.get(`${layer.name}.mean`)!.data;
  const beta = parameters.get(`${layer.name}.beta`)!.data;
  const scale = scales(parameters, layer);
  return { shape: [beta.length], data: beta.map((shift, c) => shift - mean[c] * scale[c]) };
}
