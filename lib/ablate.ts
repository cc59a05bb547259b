// Ablations: networks with one layer changed. Nothing is changed in place, so there is nothing to restore.
import type { Layer, Network, Values } from "./network";
import { layerOf } from "./network";

/** Makes a layer's new kernel [size, size, inputs, outputs] out of a copy of its trained one. */
export type Operator = (kernel: Values, layer: Layer) => Values;

/** The paper's operator: every weight zero. The layer's batch norm then gives one constant per channel. */
export const zero: Operator = ({ shape, data }) => ({ shape, data: new Float32Array(data.length) });

/** The operators that have a name on the command line. */
export const OPERATORS: Readonly<Record<string, Operator>> = { zero };

/**
 * The network with the operator applied to one layer's kernel; it shares every other parameter with the given one, which stays as it is.
 * @throws RangeError when there is no such layer, or the new kernel has another shape or is not finite
 */
export function ablate(network: Network, layerName: string, operator: Operator): Network {
  const layer = layerOf(network.spec, layerName);
  const name = `${layer.name}.kernel`;
  const kernel = network.parameters.get(name)!;
  const copy: Values = { shape: kernel.shape, data: kernel.data.slice() };
  const changed = operator(copy, layer);
  if (changed.shape.join() !== kernel.shape.join() || changed.data.length !== kernel.data.length) {
    throw new RangeError(
      `Cannot ablate ${layer.name}: the operator returned a kernel of shape [${changed.shape}], expected [${kernel.shape}]`,
    );
  }
  const bad = changed.data.findIndex((weight) => !Number.isFinite(weight));
  if (bad >= 0) {
    throw new RangeError(
      `Cannot ablate ${layer.name}: the operator returned ${changed.data[bad]}, expected finite numbers`,
    );
  }
  return { ...network, parameters: new Map(network.parameters).set(name, changed) };
}
