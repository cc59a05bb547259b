// ONNX's operations on what depends on the images, each as operations of a graph of layers.
import { sizeOf } from "../files/values";
import { binary, matrix, sum, times } from "./onnx-arithmetic";
import { withOnes } from "./onnx-constants";
import { batchNorm, conv } from "./onnx-layers";
import { pad, shapeFrom, slice, split } from "./onnx-moves";
import { axesAt, axesOf, known, list, number, type Operation, refuse, storedAxis } from "./onnx-operation";
import { averagePool, maxPool } from "./onnx-pools";
import {
  isTraced,
  loggedOrder,
  logicalOf,
  type OnnxTrace,
  storedOrder,
  type Tensor,
  type Traced,
  transposed,
} from "./onnx-trace";

type Rule = (operation: Operation, x: Traced) => Tensor | Tensor[];

/** Larger than all activations, and still a number. */
const LARGEST = 3.4028234663852886e38;

const RULES: Readonly<Record<string, Rule>> = {
  Conv: conv,
  BatchNormalization: batchNorm,
  MaxPool: maxPool,
  AveragePool: averagePool,
  Relu: ({ trace }, x) => trace.add({ op: "relu", inputs: [x.node] }),
  Sigmoid: ({ trace }, x) => trace.add({ op: "sigmoid", inputs: [x.node] }),
  LeakyRelu: ({ trace, node }, x) =>
    trace.add({ op: "leakyRelu", inputs: [x.node], slope: number(node, "alpha", 0.01) }),
  HardSigmoid: ({ trace, node }, x) => hardSigmoid(trace, x, number(node, "alpha", 0.2), number(node, "beta", 0.5)),
  HardSwish: ({ trace }, x) => trace.add({ op: "multiply", inputs: [x.node, hardSigmoid(trace, x, 1 / 6, 0.5).node] }),
  Clip: (operation, x) => {
    const bound = (index: number, name: string, otherwise: number) =>
      known(operation, index)?.data[0] ?? number(operation.node, name, otherwise);
    const [least, most] = [bound(1, "min", -LARGEST), bound(2, "max", LARGEST)];
    return operation.trace.add({ op: "clip", inputs: [x.node], least, most });
  },
  Add: binary("add"),
  Sub: binary("subtract"),
  Mul: binary("multiply"),
  Div: binary("divide"),
  Concat: ({ trace, inputs, node }, x) => {
    const all = inputs.map((input) => (isTraced(input) ? input : refuse("a constant among its inputs")));
    return trace.add({
      op: "concat",
      inputs: all.map((input) => input.node),
      axis: storedAxis(x, number(node, "axis", 0)),
    });
  },
  Split: split,
  Slice: slice,
  Reshape: (operation, x) => {
    const target = known(operation, 1) ?? refuse("no shape");
    return operation.trace.reshaped(x, shapeFrom(x, [...target.data], number(operation.node, "allowzero", 0) === 1));
  },
  Flatten: ({ trace, node }, x) => {
    if (number(node, "axis", 1) !== 1) refuse(`axis ${number(node, "axis", 1)}`);
    return trace.reshaped(x, [-1, sizeOf(x.stored.slice(1))]);
  },
  Unsqueeze: (operation, x) => {
    const axes = axesOf(operation, x.stored.length + (axesAt(operation)?.length ?? 0)) ?? refuse("no axes");
    return operation.trace.reshaped(x, withOnes(logicalOf(x), axes, x.stored.length + axes.length));
  },
  Squeeze: (operation, x) => {
    const axes = axesOf(operation, x.stored.length) ?? refuse("no axes");
    return operation.trace.reshaped(
      x,
      logicalOf(x).filter((_, axis) => !axes.includes(axis)),
    );
  },
  Transpose: ({ trace, node }, x) => {
    const order = list(node, "perm") ?? refuse("no order of axes");
    // The file's order, said in the graph's axes.
    const logged = loggedOrder(x.stored.length);
    return trace.moved(
      x,
      storedOrder(x.stored.length).map((axis) => logged[order[axis]]),
    );
  },
  Pad: pad,
  GlobalAveragePool: ({ trace }, x) => trace.add({ op: "mean", inputs: [x.node], axes: [1, 2] }),
  ReduceMean: (operation, x) => {
    const axes = axesOf(operation, x.stored.length) ?? refuse("no axes");
    const mean = operation.trace.add({ op: "mean", inputs: [x.node], axes: axes.map((axis) => storedAxis(x, axis)) });
    if (number(operation.node, "keepdims", 1) === 1) return mean;
    return operation.trace.reshaped(
      mean,
      logicalOf(x).filter((_, axis) => !axes.includes(axis)),
    );
  },
  Gemm: (operation, x) => {
    const { node } = operation;
    if (number(node, "transA", 0) !== 0) refuse("a transposed first input");
    const kernel = number(node, "transB", 0) === 1 ? transposed(matrix(operation), [1, 0]) : matrix(operation);
    const product = times(operation, x, {
      ...kernel,
      data: kernel.data.map((weight) => weight * number(node, "alpha", 1)),
    });
    const bias = known(operation, 2);
    if (!bias) return product;
    const data = Float32Array.from(bias.data, (value) => value * number(node, "beta", 1));
    return sum(operation, product, { shape: [data.length], data });
  },
  MatMul: (operation, x) => times(operation, x, matrix(operation)),
  Shape: (_, x) => ({
    shape: [x.stored.length],
    data: Float64Array.from(logicalOf(x), (size) => (size < 0 ? NaN : size)),
  }),
  Identity: (_, x) => x,
  Dropout: (_, x) => x,
  Cast: ({ node }, x) => (number(node, "to", 0) === 1 ? x : refuse(`a cast to type ${number(node, "to", 0)}`)),
  // The class with the highest probability has the highest logit, and losses are computed from logits.
  Softmax: lastOnly,
  LogSoftmax: lastOnly,
};

/** What is supported, for messages. */
export const OPERATIONS: readonly string[] = Object.keys(RULES);

/** The results of an operation of which at least one input depends on the images. @throws Error that says what is not supported */
export function tracedResult(operation: Operation): Tensor[] {
  const { node, inputs } = operation;
  if (!Object.hasOwn(RULES, node.op)) throw new Error(`expected one of ${OPERATIONS.join(", ")}`);
  const x = inputs[0];
  if (!isTraced(x) && !["Add", "Sub", "Mul", "Div"].includes(node.op)) refuse("a constant as its first input");
  return [RULES[node.op](operation, x as Traced)].flat();
}

function hardSigmoid(trace: OnnxTrace, x: Traced, factor: number, offset: number): Traced {
  const line = trace.add({ op: "scale", inputs: [x.node], factor, offset });
  return trace.add({ op: "clip", inputs: [line.node], least: 0, most: 1 });
}

function lastOnly({ isLast, node: { op } }: Operation, x: Traced): Traced {
  return isLast ? x : refuse(`${op} before the end`);
}
