// The operators of the ablation algebra: what can be done to one layer, each a pure function from its kernel to a new one.
import { meanOf, squaresOf } from "../statistics/summary";
import type { Values } from "../files/values";
import { branchEnds } from "../networks/layers";
import { initialKernel } from "../networks/network";
import type { KernelOperator } from "./ablate";
import { onOutput, onShortcut } from "./activations";

/** The layer gives exactly nothing: its kernel is zero, and the constant of a batch norm that follows it is dropped too. */
export const removeConstant: KernelOperator = (kernel, { outputs, norm }) => {
  const none: Values = { shape: [outputs], data: new Float32Array(outputs) };
  const nothing = mapped(kernel, () => 0);
  return norm ? nothing : { kernel: nothing, gamma: none, beta: none };
};

/**
 * The residual branch of a block gives exactly nothing, the shortcut alone is left (the block lesion of Veit et al. 2016).
 * A branch is named by its last convolution, so the operator applies to the layers of `branchEnds` only.
 * @throws RangeError for any other layer: the stem, an earlier convolution of a block, a shortcut, one of a network without shortcuts
 */
export const zeroBranch: KernelOperator = (kernel, layer, site) => {
  if (!branchEnds(site.spec).some(({ name }) => name === layer.name)) {
    throw new RangeError(
      `Cannot zero the branch at ${layer.name}: expected the last convolution of a residual block, like stage1.block1.conv2`,
    );
  }
  return removeConstant(kernel, layer, site);
};

/** The layer's output is its mean over the reference images, place by place: the same for every image. */
export const mean = onOutput((_, site) => site.mean(), "mean");

/** The layer's output is that of another image, drawn from the reference images: its distribution stays, its message goes. */
export const resample = onOutput((_, site) => site.other(), "resample");

/** A block's shortcut gives nothing, the branch alone is left; the block is called by the last convolution of its branch. */
export const shortcutZero = onShortcut((x, { scale }) => scale(x, 0), "shortcutZero");

/** Adds normal noise of `share` times the standard deviation of the kernel's weights; all shares add multiples of the same draw. */
export function noise(share: number): KernelOperator {
  check("noise", share, { wanted: "a share of at least 0", met: share >= 0 });
  return written("noise", [share], (kernel, _, { random }) => {
    const deviation = share * Math.sqrt(squaresOf(kernel.data) / kernel.data.length);
    return mapped(kernel, (weight) => weight + deviation * random.normal());
  });
}

/** The kernel as it was before this run's first epoch; the batch norm stays trained. @throws Error where the run kept none */
export const reinit: KernelOperator = (_, layer, { start }) => {
  if (start) return start.kernel;
  throw new Error(
    `Cannot give ${layer.name} its first kernel back: expected the parameters before epoch 1 (a run's start), found none`,
  );
};

/** A fresh draw of the initialization, with numbers that no other operator draws. */
export const rerandomize: KernelOperator = ({ shape }, _, { stream }) => ({
  shape,
  data: initialKernel(shape, stream("rerandomize")),
});

/** Multiplies every weight by `factor`; the batch norm does not follow. */
export function scale(factor: number): KernelOperator {
  check("scale", factor, { wanted: "a number", met: true });
  return written("scale", [factor], (kernel) => mapped(kernel, (weight) => factor * weight));
}

/** Keeps every weight's sign and replaces its size by the kernel's mean size. */
export const signs: KernelOperator = (kernel) => {
  const size = meanOf(kernel.data.map(Math.abs));
  return mapped(kernel, (weight) => size * Math.sign(weight));
};

/** Zeroes a share of the filters (rounded to whole ones), those with the smallest L1 norm first. */
export function zeroFilters(share: number): KernelOperator {
  check("zeroFilters", share, { wanted: "a share from 0 to 1", met: share >= 0 && share <= 1 });
  return written("zeroFilters", [share], (kernel, { outputs }) => {
    const norms = filterNorms(kernel, outputs);
    const smallestFirst = [...norms.keys()].sort((a, b) => norms[a] - norms[b]);
    const gone = new Set(smallestFirst.slice(0, Math.round(share * outputs)));
    return mapped(kernel, (weight, index) => (gone.has(index % outputs) ? 0 : weight));
  });
}

/** Zeroes one filter, counted from 0: the kernel of one output channel. */
export function zeroFilter(filter: number): KernelOperator {
  return written("zeroFilter", [filter], (kernel, layer) => {
    checkIndex(filter, layer.outputs, `filter ${filter} of ${layer.name}`);
    return mapped(kernel, (weight, index) => (index % layer.outputs === filter ? 0 : weight));
  });
}

/** Zeroes all weights of one input channel, counted from 0: the layer no longer sees it. */
export function zeroInput(channel: number): KernelOperator {
  return written("zeroInput", [channel], (kernel, layer) => {
    // Where the channels come in groups, it is that channel of every group.
    const inputs = kernel.shape[2];
    checkIndex(channel, inputs, `input channel ${channel} of ${layer.name}`);
    const inputOf = (index: number) => Math.floor(index / layer.outputs) % inputs;
    return mapped(kernel, (weight, index) => (inputOf(index) === channel ? 0 : weight));
  });
}

/** Zeroes one spatial tap, row and column counted from 0: in a 3x3 kernel, (1, 1) is the centre. */
export function zeroTap(row: number, column: number): KernelOperator {
  return written("zeroTap", [row, column], (kernel, layer) => {
    const [rows, columns, inputs] = kernel.shape;
    checkIndex(row, rows, `row ${row} of ${layer.name}`);
    checkIndex(column, columns, `column ${column} of ${layer.name}`);
    const tap = row * columns + column;
    const tapOf = (index: number) => Math.floor(index / (layer.outputs * inputs));
    return mapped(kernel, (weight, index) => (tapOf(index) === tap ? 0 : weight));
  });
}

/** The operator under the name that `operatorNamed` reads: "zeroTap:1,1". */
function written(name: string, values: readonly number[], operator: KernelOperator): KernelOperator {
  return Object.defineProperty(operator, "name", { value: `${name}:${values.join(",")}` });
}

function mapped({ shape, data }: Values, weightOf: (weight: number, index: number) => number): Values {
  return { shape, data: data.map(weightOf) };
}

/** The L1 norm of each filter. */
function filterNorms({ data }: Values, outputs: number): number[] {
  const norms = new Array<number>(outputs).fill(0);
  data.forEach((weight, index) => (norms[index % outputs] += Math.abs(weight)));
  return norms;
}

function check(operator: string, value: number, { wanted, met }: { wanted: string; met: boolean }) {
  if (Number.isFinite(value) && met) return;
  throw new RangeError(`Cannot make the operator ${operator}(${value}): expected ${wanted}`);
}

function checkIndex(index: number, count: number, what: string): void {
  if (Number.isInteger(index) && index >= 0 && index < count) return;
  throw new RangeError(`Cannot zero ${what}: expected a whole number from 0 to ${count - 1}`);
}
