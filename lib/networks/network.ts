// Networks as data: a spec and its parameters as plain arrays.
import { sizeOf, type Values } from "../files/values";
import type { Random } from "../statistics/shuffle";
import { blocksOf, headNorm, kernelShape, type Layer, layersOf, multiplicationsOf, normChannels } from "./layers";
import type { GraphSpec } from "./layer-graph";
import { isGraphSpec, type Spec } from "./spec";

/** What is subtracted from and divided through pixel / 255, per channel (red, green, blue). */
export interface Normalization {
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/** The arrays of a batch norm: scale, shift and running statistics, each [channels]. */
export const BATCH_NORM = ["gamma", "beta", "mean", "variance"] as const;

/**
 * Parameters by name: `<layer>.kernel` and `<layer>.<part>` of its batch norm for each layer, `dense.kernel`, `dense.bias`; with
 * pre-activation also `head.<part>` of the batch norm that stands last.
 */
export type Parameters = ReadonlyMap<string, Values>;

/** What an import took for granted, because a file of tensors does not say it: a clause of text for each topic. */
export type Assumed = Readonly<
  Partial<Record<"weights" | "normalization" | "shortcut" | "pooling" | "padding", string>>
>;

/** A trained network: its spec, how its input is normalized, and its parameters. */
export interface Network {
  readonly name: string;
  readonly spec: Spec;
  readonly normalization: Normalization;
  readonly parameters: Parameters;
  /** Of an imported network; what the project trained itself assumes nothing. */
  readonly assumed?: Assumed;
}

/** In which activations are computed. */
export type Precision = "float32" | "bfloat16";

export const PRECISIONS: readonly Precision[] = ["float32", "bfloat16"];

/** PyTorch's: added to the variance under the root of every batch norm. */
export const EPSILON = 1e-5;

/** Mean and standard deviation of the pixels of CIFAR-10's 50,000 training images (recomputed from the bytes in the tests). */
export const CIFAR10_NORMALIZATION: Normalization = {
  mean: [0.49139968, 0.48215841, 0.44653091],
  std: [0.24703223, 0.24348513, 0.26158784],
};

/** The same of CIFAR-100's. Source: https://github.com/weiaicunzai/pytorch-cifar100, conf/global_settings.py. */
export const CIFAR100_NORMALIZATION: Normalization = {
  mean: [0.50707516, 0.48654887, 0.44091784],
  std: [0.26733429, 0.25643846, 0.27615047],
};

/** The name and shape of every parameter that a complete network holds, in forward order. */
export function parameterShapes(spec: Spec): Map<string, number[]> {
  const shapes = new Map<string, number[]>();
  for (const layer of layersOf(spec)) {
    shapes.set(`${layer.name}.kernel`, kernelShape(layer));
    for (const name of normNames(layer)) shapes.set(name, [normChannels(layer)]);
  }
  if (isGraphSpec(spec)) return constantShapes(spec, shapes);
  const head = headNorm(spec);
  if (head) for (const name of normNames(head)) shapes.set(name, [normChannels(head)]);
  shapes.set("dense.kernel", [featuresOf(spec), spec.classes]);
  return shapes.set("dense.bias", [spec.classes]);
}

/** The names of a layer's arrays beside its kernel: those of its batch norm. */
export function normNames(layer: Layer): string[] {
  return normChannels(layer) === 0 ? [] : BATCH_NORM.map((part) => `${layer.name}.${part}`);
}

/** Adds the arrays that a graph computes with beside its layers' own. */
function constantShapes({ nodes }: GraphSpec, shapes: Map<string, number[]>): Map<string, number[]> {
  for (const node of nodes) if (node.op === "constant") shapes.set(node.parameter, [...node.shape]);
  return shapes;
}

/** How many numbers per image the dense layer reads. */
function featuresOf(spec: Spec): number {
  const { branch } = blocksOf(spec).at(-1)!;
  return branch.at(-1)!.outputs;
}

/** Whether training fits a parameter by gradient; running means and variances are only tracked. */
export function isTrainable(parameter: string): boolean {
  return !/\.(mean|variance)$/.test(parameter);
}

/** How many numbers training fits: the count of the paper's table, running statistics left out. */
export function parameterCount(spec: Spec): number {
  return [...parameterShapes(spec)].reduce((sum, [name, shape]) => sum + (isTrainable(name) ? sizeOf(shape) : 0), 0);
}

/** The multiply-adds of all convolutions and the dense layer for one image; batch norms, sums and pools are left out. */
export function multiplications(spec: Spec): number {
  const dense = isGraphSpec(spec) ? matrixWeights(spec) : featuresOf(spec) * spec.classes;
  return layersOf(spec).reduce((sum, layer) => sum + multiplicationsOf(layer), dense);
}

/** What the dense layers of a graph multiply by. */
function matrixWeights({ nodes }: GraphSpec): number {
  const weights = nodes.map((node) => (node.op === "matMul" ? nodes[node.inputs[1]] : undefined));
  return weights.reduce((sum, node) => sum + (node?.op === "constant" ? sizeOf(node.shape) : 0), 0);
}

/** Parameters before training: random kernels, batch norms that start as the identity, biases of zero. */
export function initialParameters(spec: Spec, random: Random): Parameters {
  const parameters = new Map<string, Values>();
  for (const [name, shape] of parameterShapes(spec)) {
    parameters.set(name, { shape, data: initialValues(name, shape, random) });
  }
  return parameters;
}

function initialValues(name: string, shape: readonly number[], random: Random): Float32Array {
  const data = new Float32Array(sizeOf(shape));
  if (/\.(gamma|variance)$/.test(name)) return data.fill(1);
  return name.endsWith(".kernel") ? initialKernel(shape, random) : data;
}

/** He et al.'s initialization of a kernel [..., outputs]: normal with variance 2 / (weights per output). */
export function initialKernel(shape: readonly number[], random: Random): Float32Array {
  const deviation = Math.sqrt(2 / sizeOf(shape.slice(0, -1)));
  return new Float32Array(sizeOf(shape)).map(() => deviation * random.normal());
}
