// The second interpreter of the forward pass: TensorFlow.js operation by operation, for a cell's tinkering and for WebAssembly.
import { type Tensor, tensorOf, tf } from "./backend";
import type { Vocabulary } from "../networks/forward";
import { EPSILON, type Normalization, type Parameters } from "../networks/network";

/** The eager tensor that holds a parameter. */
export type EagerWeights = (parameter: string) => Tensor;

/** A network's parameters as tensors, by name. The caller disposes of them. */
export function eagerWeights(parameters: Parameters): Map<string, Tensor> {
  return new Map([...parameters].map(([name, { data, shape }]) => [name, tensorOf(data, shape)]));
}

/**
 * The forward pass in eager operations. Wrap the call in `tf.tidy`.
 * @param options.training batch norm with the batch's own statistics instead of the running ones
 */
export function eagerWords(
  weights: EagerWeights,
  normalization: Normalization,
  options: { readonly training?: boolean } = {},
): Vocabulary<Tensor> {
  return {
    normalize: (images) =>
      images
        .div(255)
        .sub([...normalization.mean])
        .div([...normalization.std]),
    conv(x, { name, size, stride }) {
      const kernel = weights(`${name}.kernel`) as tf.Tensor4D;
      // The gradient of a strided 1x1 kernel is wrong on some processors: see conv2d in operations.
      if (size === 1 && stride > 1) return tf.conv2d(subsampled(x, stride), kernel, 1, "valid");
      // Padded by hand: TensorFlow.js has no gradient for a convolution with explicit padding.
      const side = (size - 1) / 2;
      return tf.conv2d(padded(x, [0, side, side, 0]), kernel, stride, "valid");
    },
    batchNorm(x, { name }) {
      const { mean, variance } = options.training
        ? tf.moments(x, [0, 1, 2])
        : { mean: weights(`${name}.mean`), variance: weights(`${name}.variance`) };
      const scale = weights(`${name}.gamma`).div(variance.add(EPSILON).sqrt());
      return x
        .sub(mean)
        .mul(scale)
        .add(weights(`${name}.beta`));
    },
    relu: (x) => tf.relu(x),
    add: (x, y) => tf.add(x, y),
    pad(x, { inputs, outputs, stride }) {
      const side = (outputs - inputs) / 2;
      return padded(subsampled(x, stride), [0, 0, 0, side]);
    },
    maxPool: (x, size) => tf.maxPool(size === 3 ? padded(x, [0, 1, 1, 0]) : (x as tf.Tensor4D), size, 2, "valid"),
    pool: (x) => tf.mean(x, [1, 2]),
    operate({ op }) {
      throw new Error(
        `Cannot compute "${op}" operation by operation: a network from an ONNX file needs the native engine`,
      );
    },
    dense: (x) => tf.matMul(x as tf.Tensor2D, weights("dense.kernel") as tf.Tensor2D).add(weights("dense.bias")),
  };
}

/** Every `stride`-th pixel: as a 1x1 average pool, because a strided slice would have no gradient. */
function subsampled(x: Tensor, stride: number): tf.Tensor4D {
  return tf.avgPool(x as tf.Tensor4D, 1, stride, "valid");
}

/** Zeros before and after the present values: per axis, as many on each side. */
function padded(x: Tensor, sides: readonly number[]): tf.Tensor4D {
  return tf.pad(
    x,
    sides.map((side) => [side, side]),
  ) as tf.Tensor4D;
}
