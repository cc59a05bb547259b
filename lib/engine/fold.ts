// Batch norm folded: in inference it is linear, so one kernel and one bias do the work of five parameters.
import type { Values } from "../files/values";
import { headNorm, layersOf } from "../networks/layers";
import { EPSILON, type Parameters } from "../networks/network";
import type { Spec } from "../networks/spec";

/** The parameter of that name in the equivalent network without batch norms. */
export type Folded = (parameters: Parameters, name: string) => Values;

/**
 * Makes the parameters of equivalent networks without batch norms: `<layer>.kernel` and `<layer>.bias` of layers, all others as they are.
 * What networks of one spec share is folded once.
 * kernel' = kernel * gamma / sqrt(variance + eps); bias = beta - mean * gamma / sqrt(variance + eps)
 * A batch norm that stands before a convolution becomes the first factor and the second term, `<layer>.scale` and `<layer>.shift`.
 */
export function folding(spec: Spec): Folded {
  const before = normsBefore(spec);
  const [scaleOf, kernelOf, biasOf] = [once(normScale), once(foldedKernel), once(foldedBias)];
  return (parameters, name) => {
    const [layer, part] = [name.slice(0, name.lastIndexOf(".")), name.slice(name.lastIndexOf(".") + 1)];
    const of = (own: string) => parameters.get(`${layer}.${own}`)!;
    const apart = part === "kernel" && before.has(layer);
    if (apart || !parameters.has(`${layer}.gamma`)) return parameters.get(name)!;
    const scale = [of("gamma"), of("variance")];
    if (part === "scale") return scaleOf(...scale);
    return part === "kernel" ? kernelOf(of("kernel"), ...scale) : biasOf(of("beta"), of("mean"), ...scale);
  };
}

/** The names of batch norms that stand before their convolution, or before the mean of all pixels. */
function normsBefore(spec: Spec): ReadonlySet<string> {
  const head = headNorm(spec);
  const all = [...layersOf(spec), ...(head ? [head] : [])];
  return new Set(all.filter(({ norm }) => norm === "before").map(({ name }) => name));
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

/** Per channel, what batch norm multiplies by. */
function scales(gamma: Values, variance: Values): number[] {
  return Array.from(gamma.data, (value, c) => value / Math.sqrt(variance.data[c] + EPSILON));
}

/** The same as an array of its own. */
const normScale = (gamma: Values, variance: Values): Values => ({
  shape: gamma.shape,
  data: Float32Array.from(scales(gamma, variance)),
});

/** The kernel [size, size, inputs, outputs] of a layer, scaled per output. */
function foldedKernel(kernel: Values, gamma: Values, variance: Values): Values {
  const scale = scales(gamma, variance);
  return { shape: kernel.shape, data: kernel.data.map((weight, index) => weight * scale[index % scale.length]) };
}

/** What a batch norm adds to each channel: behind a convolution, its whole result once the kernel is zero. */
function foldedBias(beta: Values, mean: Values, gamma: Values, variance: Values): Values {
  const scale = scales(gamma, variance);
  return { shape: beta.shape, data: beta.data.map((shift, c) => shift - mean.data[c] * scale[c]) };
}
