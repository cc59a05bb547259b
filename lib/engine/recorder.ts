// The first interpreter of the forward pass: it records TensorFlow graph nodes, for training and for inference.
import type { Vocabulary } from "../networks/forward";
import { BATCH_NORM, EPSILON, type Network, type Normalization, type Precision } from "../networks/network";
import type { Folded } from "./fold";
import type { Graph, Symbolic } from "./graph";
import { formedConv, operate } from "./operate";
import * as ops from "./operations";

/** The graph tensor that holds a parameter. */
export type Weights = (parameter: string) => Symbolic;

/** How much of each batch's statistics goes into the running ones: PyTorch's default. */
const STATISTICS_MOMENTUM = 0.1;

/** The words whose meaning is the same in training and in inference. */
function commonWords(weights: Weights, { mean, std }: Normalization, precision: Precision) {
  return {
    normalize(images: Symbolic) {
      const channels = (values: number[]) => images.node.graph.constant(Float32Array.from(values), [3]);
      const scaled = ops.multiply(images, channels(std.map((deviation) => 1 / (255 * deviation))));
      return ops.cast(ops.subtract(scaled, channels(mean.map((value, c) => value / std[c]))), precision);
    },
    // Kernels are kept in float32; where activations are bfloat16 each call computes with a rounded copy.
    conv(x, { name, stride, form }) {
      const kernel = ops.cast(weights(`${name}.kernel`), precision);
      return form ? formedConv(ops.cast(x, precision), kernel, form) : ops.conv2d(x, kernel, stride);
    },
    relu: ops.relu,
    add: ops.add,
    pad: (x, { inputs, outputs, stride }) => ops.pad(ops.subsample(x, stride), [0, 0, 0, (outputs - inputs) / 2]),
    maxPool: ops.maxPool,
    pool: (x) => ops.mean(ops.cast(x, "float32"), [1, 2]),
    operate: (node, inputs) => operate(node, inputs, { weights, precision }),
    dense: (x) => ops.biasAdd(ops.matMul(x, weights("dense.kernel")), weights("dense.bias")),
  } satisfies Omit<Vocabulary<Symbolic>, "batchNorm">;
}

/** What inference is recorded of: a network, or an ablation of it. */
type Recorded = Pick<Network, "parameters" | "normalization">;

/**
 * Inference with batch norms folded into the convolutions: TensorFlow fuses conv + bias + relu into one kernel. Parameters are
 * constants of the graph, which TensorFlow prepares once.
 * A batch norm before a convolution, which a relu stands between, is one factor and one number to add per channel.
 * @param folded shared by what is recorded into one graph, so that what is shared is folded once
 * @param options.nameOf what to call the node of a parameter
 */
export function inferenceWords(
  graph: Graph,
  { parameters, normalization }: Recorded,
  folded: Folded,
  { precision = "float32", nameOf }: { precision?: Precision; nameOf?: (parameter: string) => string } = {},
): Vocabulary<Symbolic> {
  const weights: Weights = (name) => {
    const { data, shape } = folded(parameters, name);
    return graph.constant(data, shape, nameOf?.(name));
  };
  return {
    ...commonWords(weights, normalization, precision),
    batchNorm(x, { name, norm }) {
      const own = (part: string) => ops.cast(weights(`${name}.${part}`), precision);
      return norm === "before" ? ops.biasAdd(ops.multiply(x, own("scale")), own("shift")) : ops.biasAdd(x, own("bias"));
    },
  };
}

/** Training: batch norms use their batch's statistics, and `updates` receives what the running ones become. */
export function trainingWords(
  weights: Weights,
  normalization: Normalization,
  { precision, updates }: { precision: Precision; updates: Map<string, Symbolic> },
): Vocabulary<Symbolic> {
  return {
    ...commonWords(weights, normalization, precision),
    batchNorm(x, { name }) {
      const parameters = BATCH_NORM.map((part) => weights(`${name}.${part}`));
      const { y, mean, variance } = ops.batchNorm(x, parameters, { epsilon: EPSILON, momentum: STATISTICS_MOMENTUM });
      updates.set(`${name}.mean`, mean).set(`${name}.variance`, variance);
      return y;
    },
  };
}
