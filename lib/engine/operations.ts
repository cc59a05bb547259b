// TensorFlow's operations as functions on symbolic tensors: each infers its result's shape and records one node.
import { sizeOf } from "../files/values";
import {
  type Attribute,
  type DType,
  type GraphNode,
  type OutputType,
  type Shape,
  type Symbolic,
  typeOf,
} from "./graph";

type Attributes = GraphNode["attributes"];

/** Records a node with the graph of its first input and returns its only output. */
export function apply(op: string, inputs: readonly Symbolic[], attributes: Attributes, output: OutputType): Symbolic {
  return inputs[0].node.graph.add(op, inputs, attributes, [output])[0];
}

const T = (x: Symbolic): { T: Attribute } => ({ T: { type: x.dtype } });
const NHWC: { data_format: Attribute } = { data_format: { string: "NHWC" } };
const INT32_INDEX = { type: "int32" } as const;

/** As many channels as oneDNN's kernels take at once, at most: one AVX-512 register. */
const CHANNELS_OF_A_BLOCK = 16;

/**
 * Images [n, h, w, in] with a kernel [k, k, in, out] to [n, h / stride, w / stride, out], padded by (k - 1) / 2 on every side.
 * At stride 2 the padding is a node of its own: TensorFlow's SAME would pad even sizes by (0, 1), and the gradients of EXPLICIT
 * padding leave oneDNN for a path that is many times slower in bfloat16. A strided 1x1 kernel on few channels is moved over the
 * subsampled images: oneDNN's own weight gradient of it is wrong on processors without AVX-512, and may write past its memory
 * (oneDNN issue 6035).
 */
export function conv2d(x: Symbolic, kernel: Symbolic, stride: number): Symbolic {
  const [images, height, width, inputs] = x.shape;
  const [size, , , outputs] = kernel.shape;
  if (size === 1 && stride > 1 && inputs < CHANNELS_OF_A_BLOCK) return conv2d(subsample(x, stride), kernel, 1);
  const side = (size - 1) / 2;
  const padded = stride > 1 && side > 0 ? pad(x, [0, side, side, 0]) : x;
  const attributes: Attributes = {
    ...T(x),
    strides: { ints: [1, stride, stride, 1] },
    dilations: { ints: [1, 1, 1, 1] },
    padding: { string: stride === 1 ? "SAME" : "VALID" },
    ...NHWC,
  };
  const shape = [images, Math.ceil(height / stride), Math.ceil(width / stride), outputs];
  return apply("Conv2D", [padded, kernel], attributes, { shape, dtype: x.dtype });
}

/** What batch norm in training gives: the result, and the running statistics after this batch. */
export interface BatchNorm {
  readonly y: Symbolic;
  readonly mean: Symbolic;
  readonly variance: Symbolic;
}

/**
 * Batch norm with the batch's own statistics. The running ones move by `momentum` towards the batch's mean and
 * unbiased variance, which is PyTorch's convention.
 */
export function batchNorm(
  x: Symbolic,
  [gamma, beta, mean, variance]: readonly Symbolic[],
  { epsilon, momentum }: { epsilon: number; momentum: number },
): BatchNorm {
  const attributes: Attributes = {
    ...T(x),
    U: { type: "float32" },
    epsilon: { float: epsilon },
    exponential_avg_factor: { float: momentum },
    is_training: { bool: true },
    ...NHWC,
  };
  const channels: OutputType = typeOf(gamma);
  // Outputs 3 to 5 are what the gradient needs again: the batch's mean, its variance, and scratch space of a GPU.
  const types = [typeOf(x), channels, channels, channels, channels, { shape: [-1], dtype: "float32" } as OutputType];
  const outputs = x.node.graph.add("FusedBatchNormV3", [x, gamma, beta, mean, variance], attributes, types);
  return { y: outputs[0], mean: outputs[1], variance: outputs[2] };
}

export const relu = (x: Symbolic): Symbolic => apply("Relu", [x], T(x), typeOf(x));

/** The sum of two tensors of one shape, or of one image's with a whole batch. */
export const add = (x: Symbolic, y: Symbolic): Symbolic =>
  apply("AddV2", [x, y], T(x), x.shape[0] === 1 ? typeOf(y) : typeOf(x));

/** The product with a tensor that has the same shape or is broadcast to it. */
export const multiply = (x: Symbolic, y: Symbolic): Symbolic => apply("Mul", [x, y], T(x), typeOf(x));

export const subtract = (x: Symbolic, y: Symbolic): Symbolic => apply("Sub", [x, y], T(x), typeOf(x));

export const biasAdd = (x: Symbolic, bias: Symbolic): Symbolic =>
  apply("BiasAdd", [x, bias], { ...T(x), ...NHWC }, typeOf(x));

export function cast(x: Symbolic, dtype: DType): Symbolic {
  if (x.dtype === dtype) return x;
  const attributes: Attributes = { SrcT: { type: x.dtype }, DstT: { type: dtype }, Truncate: { bool: false } };
  return apply("Cast", [x], attributes, { shape: x.shape, dtype });
}

export function reshape(x: Symbolic, shape: Shape): Symbolic {
  const attributes = { ...T(x), Tshape: INT32_INDEX };
  return apply("Reshape", [x, x.node.graph.integers(...shape)], attributes, { shape, dtype: x.dtype });
}

/** The tensor repeated along every axis where it has size one. */
export function broadcast(x: Symbolic, shape: Shape): Symbolic {
  const attributes = { ...T(x), Tidx: INT32_INDEX };
  return apply("BroadcastTo", [x, x.node.graph.integers(...shape)], attributes, { shape, dtype: x.dtype });
}

/** One output pixel for every `stride`-th input pixel, out of the window of `size` x `size` that begins there. */
function pooled(op: string, x: Symbolic, { size, stride }: { size: number; stride: number }): Symbolic {
  const attributes: Attributes = {
    ...T(x),
    ksize: { ints: [1, size, size, 1] },
    strides: { ints: [1, stride, stride, 1] },
    padding: { string: "VALID" },
    ...NHWC,
  };
  const [images, height, width, channels] = x.shape;
  const count = (side: number) => Math.floor((side - size) / stride) + 1;
  return apply(op, [x], attributes, { shape: [images, count(height), count(width), channels], dtype: x.dtype });
}

/** Every `stride`-th pixel: as a 1x1 average, because slices have no gradient. */
export const subsample = (x: Symbolic, stride: number): Symbolic => pooled("AvgPool", x, { size: 1, stride });

/**
 * The largest of `size` x `size` pixels around every second one: of 3 x 3 with a zero on every side, which is as good as nothing there, as
 * no number is below it.
 */
export const maxPool = (x: Symbolic, size: 2 | 3): Symbolic =>
  pooled("MaxPool", size === 3 ? pad(x, [0, 1, 1, 0]) : x, { size, stride: 2 });

/** Zeros before and after the present values: per axis, as many on each side. */
export function pad(x: Symbolic, sides: readonly number[]): Symbolic {
  const paddings = x.node.graph.constant(Int32Array.from(sides.flatMap((side) => [side, side])), [sides.length, 2]);
  const shape = x.shape.map((size, axis) => (size < 0 ? size : size + 2 * sides[axis]));
  return apply("Pad", [x, paddings], { ...T(x), Tpaddings: INT32_INDEX }, { shape, dtype: x.dtype });
}

/** The mean over the given axes, which disappear. */
export function mean(x: Symbolic, axes: readonly number[]): Symbolic {
  const shape = x.shape.filter((_, axis) => !axes.includes(axis));
  const attributes: Attributes = { ...T(x), Tidx: INT32_INDEX, keep_dims: { bool: false } };
  return apply("Mean", [x, x.node.graph.integers(...axes)], attributes, { shape, dtype: x.dtype });
}

/** The matrix product [m, k] x [k, n], each side transposed on request. */
export function matMul(a: Symbolic, b: Symbolic, transposeA = false, transposeB = false): Symbolic {
  const shape = [a.shape[transposeA ? 1 : 0], b.shape[transposeB ? 0 : 1]];
  const attributes: Attributes = { ...T(a), transpose_a: { bool: transposeA }, transpose_b: { bool: transposeB } };
  return apply("MatMul", [a, b], attributes, { shape, dtype: a.dtype });
}

/** Cross entropy [batch] of logits [batch, classes] and labels [batch]. */
export function crossEntropy(logits: Symbolic, labels: Symbolic): Symbolic {
  const attributes = { ...T(logits), Tlabels: { type: labels.dtype } };
  const types: OutputType[] = [{ shape: [logits.shape[0]], dtype: logits.dtype }, typeOf(logits)];
  return logits.node.graph.add("SparseSoftmaxCrossEntropyWithLogits", [logits, labels], attributes, types)[0];
}

/** The class [batch] with the highest logit. */
export function argMax(logits: Symbolic): Symbolic {
  const attributes = { ...T(logits), Tidx: INT32_INDEX, output_type: INT32_INDEX };
  const axis = logits.node.graph.constant(Int32Array.of(1), []);
  return apply("ArgMax", [logits, axis], attributes, { shape: [logits.shape[0]], dtype: "int32" });
}

/** The share [] of a matrix's elements that are neither NaN nor infinite. */
export function shareFinite(x: Symbolic): Symbolic {
  const finite = apply("IsFinite", [x], T(x), { shape: x.shape, dtype: "bool" });
  return mean(cast(finite, "float32"), [0, 1]);
}

/** The share of predictions that equal their labels. */
export function shareEqual(predictions: Symbolic, labels: Symbolic): Symbolic {
  const attributes: Attributes = { ...T(labels), incompatible_shape_error: { bool: true } };
  const equal = apply("Equal", [predictions, labels], attributes, { shape: labels.shape, dtype: "bool" });
  return mean(cast(equal, "float32"), [0]);
}

/** How many elements the mean over these axes takes together. */
export const countOver = (x: Symbolic, axes: readonly number[]): number => sizeOf(axes.map((axis) => x.shape[axis]));

/** Tensors of one shape as the rows of one more axis, the first. */
export function stack(rows: readonly Symbolic[]): Symbolic {
  const attributes: Attributes = { ...T(rows[0]), N: { int: rows.length }, axis: { int: 0 } };
  return apply("Pack", rows, attributes, { shape: [rows.length, ...rows[0].shape], dtype: rows[0].dtype });
}
