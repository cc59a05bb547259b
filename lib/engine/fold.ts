// Batch norm folded into its convolution: in inference both are linear, so one kernel and one bias do the work of five parameters.
import type { Values } from "../files/values";
import { EPSILON, type Parameters } from "../networks/network";

/** The parameter of that name in the equivalent network without batch norms. */
export type Folded = (parameters: Parameters, name: string) => Values;

/**
 * Makes the parameters of equivalent networks without batch norms: `<layer>.kernel` and `<layer>.bias` of layers, all others as they are.
 * What networks share is folded once.
 * kernel' = kernel * gamma / sqrt(variance + eps); bias = beta - mean * gamma / sqrt(variance + eps)
 */
export function folding(): Folded {
  const [kernelOf, biasOf] = [once(foldedKernel), once(foldedBias)];
  return (parameters, name) => {
    const layer = name.slice(0, name.lastIndexOf("."));
    const of = (part: string) => parameters.get(`${layer}.${part}`)!;
    if (!parameters.has(`${layer}.gamma`)) return parameters.get(name)!;
    return name.endsWith(".kernel")
      ? kernelOf(of("kernel"), of("gamma"), of("variance"))
      : biasOf(of("beta"), of("mean"), of("gamma"), of("variance"));
  };
}

/** The function, which for the same arrays gives the same result. */
function once(compute: (...arrays: Values[]) => Values): (...arrays: Values[]) => Values {
  const numbers = new Map<Values, number>();
  const known = new Map<string, Values>();
  return (...arrays) => {
    for (const values of arrays) if (!numbers.has(values)) numbers.set(values, numbers.size);
    const key = arrays.map((values) => numbers.get(values)).join();
    const found = known.get(key) ?? compute(...arrays);
    known.set(key, found);
    return found;
  };
}

/** Per output channel, what batch norm multiplies by. */
function scales(gamma: Values, variance: Values): number[] {
  return Array.from(gamma.data, (value, c) => value / Math.sqrt(variance.data[c] + EPSILON));
}

/** The kernel [size, size, inputs, outputs] of a layer, scaled per output. */
function foldedKernel(kernel: Values, gamma: Values, variance: Values): Values {
  const scale = scales(gamma, variance);
  return { shape: kernel.shape, data: kernel.data.map((weight, index) => weight * scale[index % scale.length]) };
}

/** What a layer adds to each output channel: its whole result once its kernel is zero. */
function foldedBias(beta: Values, mean: Values, gamma: Values, variance: Values): Values {
  const scale = scales(gamma, variance);
  return { shape: beta.shape, data: beta.data.map((shift, c) => shift - mean.data[c] * scale[c]) };
}
