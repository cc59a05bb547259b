// Batch norm folded into its convolution: in inference both are linear, so one kernel and one bias do the work of five parameters.
import type { Values } from "../files/values";
import { type Layer, layersOf } from "../networks/layers";
import { BATCH_NORM, EPSILON, type Network, type Parameters, parameterShapes } from "../networks/network";
import type { Spec } from "../networks/spec";

/**
 * The parameters of the equivalent network without batch norms: `<layer>.kernel` and `<layer>.bias`, and the dense layer as it is.
 * kernel' = kernel * gamma / sqrt(variance + eps); bias = beta - mean * gamma / sqrt(variance + eps)
 */
export function foldedParameters(network: Network): Parameters {
  const folded = new Map<string, Values>();
  for (const layer of layersOf(network.spec)) {
    folded.set(`${layer.name}.kernel`, foldedKernel(network.parameters, layer));
    folded.set(`${layer.name}.bias`, foldedBias(network.parameters, layer));
  }
  for (const name of plainParameters(network.spec)) folded.set(name, network.parameters.get(name)!);
  return folded;
}

/** The parameters that belong to no layer, such as the dense layer's: they stay as they are. */
export function plainParameters(spec: Spec): string[] {
  const ofLayers = new Set(
    layersOf(spec).flatMap(({ name }) => ["kernel", ...BATCH_NORM].map((part) => `${name}.${part}`)),
  );
  return [...parameterShapes(spec).keys()].filter((name) => !ofLayers.has(name));
}

/** Per output channel, what batch norm multiplies by. */
function scales(parameters: Parameters, { name }: Layer): number[] {
  const variance = parameters.get(`${name}.variance`)!.data;
  return Array.from(parameters.get(`${name}.gamma`)!.data, (gamma, c) => gamma / Math.sqrt(variance[c] + EPSILON));
}

/** The kernel [size, size, inputs, outputs] of a layer, scaled per output. */
export function foldedKernel(parameters: Parameters, layer: Layer): Values {
  const { shape, data } = parameters.get(`${layer.name}.kernel`)!;
  const scale = scales(parameters, layer);
  return { shape, data: data.map((weight, index) => weight * scale[index % layer.outputs]) };
}

/** What a layer adds to each output channel: its whole result once its kernel is zero. */
export function foldedBias(parameters: Parameters, layer: Layer): Values {
  const mean = parameters.get(`${layer.name}.mean`)!.data;
  const beta = parameters.get(`${layer.name}.beta`)!.data;
  const scale = scales(parameters, layer);
  return { shape: [layer.outputs], data: beta.map((shift, c) => shift - mean[c] * scale[c]) };
}
