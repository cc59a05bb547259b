// Kernels from elsewhere: from another layer, or from another network.
import type { KernelOperator } from "./ablate";
import { type Layer, layerOf } from "../networks/layers";
import type { Network } from "../networks/network";

/**
 * Gives a layer the trained kernel of a donor: of the layer of the same name in another network, or of whatever layer `pick` names.
 * `kernelFrom(other)` transplants; `kernelFrom(network, ({ name }) => (name === a ? b : a))` on a set of a and b swaps the two.
 * The batch norm stays the layer's own.
 * @throws RangeError, when it is applied, where the donor has no such layer or a kernel of another shape
 */
export function kernelFrom(donor: Network, pick: (layer: Layer) => string = ({ name }) => name): KernelOperator {
  const operator: KernelOperator = (_, layer) => {
    const { name } = layerOf(donor.spec, pick(layer));
    return donor.parameters.get(`${name}.kernel`)!;
  };
  return Object.defineProperty(operator, "name", { value: `kernelFrom:${donor.name}` });
}
