// The operations of networks from files, recorded as TensorFlow's.
import type { PlainOperation } from "../networks/forward";
import { type Geometry, shapeOf, sidesOf } from "../networks/layer-graph";
import type { Precision } from "../networks/network";
import type { GraphNode, Shape, Symbolic } from "./graph";
import * as ops from "./operations";

type Attributes = GraphNode["attributes"];

const T = (x: Symbolic): Attributes => ({ T: { type: x.dtype } });
const NHWC: Attributes = { data_format: { string: "NHWC" } };
const INT32 = { type: "int32" } as const;

/**
 * A convolution that moves as a file says. A kernel per channel goes to TensorFlow's own operation for that, and zeros at the border are
 * a node of their own where no word of TensorFlow's means them.
 */
export function formedConv(x: Symbolic, kernel: Symbolic, form: Geometry): Symbolic {
  const [down, right] = form.strides;
  const { groups, dilations } = form;
  const [padded, padding] = paddedFor(x, form);
  const attributes: Attributes = {
    ...T(x),
    ...NHWC,
    strides: { ints: [1, down, right, 1] },
    dilations: { ints: [1, ...dilations, 1] },
    padding: { string: padding },
  };
  const [images, height, width, inputs] = x.shape;
  const outputs = kernel.shape[3];
  const type = { shape: [images, ...sidesOf([height, width], form), outputs], dtype: x.dtype };
  if (groups === 1 || groups < inputs || down !== right || dilations.some((step) => step > 1))
    return ops.apply("Conv2D", [padded, kernel], attributes, type);
  const own = ops.reshape(kernel, [...form.kernel, inputs, outputs / inputs]);
  return ops.apply("DepthwiseConv2dNative", [padded, own], attributes, type);
}

function paddedFor(x: Symbolic, { kernel, strides, pads, dilations }: Geometry): [Symbolic, "SAME" | "VALID"] {
  const [top, left, bottom, right] = pads;
  if (pads.every((side) => side === 0)) return [x, "VALID"];
  const centred = [top, left].every((side, axis) => side === (dilations[axis] * (kernel[axis] - 1)) / 2);
  if (centred && top === bottom && left === right && strides.every((step) => step === 1)) return [x, "SAME"];
  return [padded(x, [0, 0, top, bottom, left, right, 0, 0], 0), "VALID"];
}

function padded(x: Symbolic, pads: readonly number[], value: number): Symbolic {
  const { graph } = x.node;
  const shape = x.shape.map((size, axis) => (axis === 0 ? size : size + pads[2 * axis] + pads[2 * axis + 1]));
  const sides = graph.constant(Int32Array.from(pads), [x.shape.length, 2]);
  const attributes: Attributes = { ...T(x), Tpaddings: INT32 };
  if (value === 0) return ops.apply("Pad", [x, sides], attributes, { shape, dtype: x.dtype });
  return ops.apply("PadV2", [x, sides, numberLike(x, value)], attributes, { shape, dtype: x.dtype });
}

/** A number as a constant of a tensor's type. */
const numberLike = (x: Symbolic, value: number): Symbolic => ops.cast(x.node.graph.scalar(value), x.dtype);

const BINARY = { add: "AddV2", subtract: "Sub", multiply: "Mul", divide: "RealDiv" } as const;

/** Records an operation; a constant is the tensor that `weights` has under its name. */
export function operate(
  node: PlainOperation,
  given: readonly Symbolic[],
  { weights, precision }: { weights: (parameter: string) => Symbolic; precision: Precision },
): Symbolic {
  if (node.op === "constant") return weights(node.parameter);
  // What is left of an image at the end of a network, numbers without a place, is computed in float32, as the dense layer of a family is.
  const places = given.some((input) => input.shape.length > 2);
  const result = operated(
    node,
    given.map((input) => ops.cast(input, places ? precision : "float32")),
  );
  return result.shape.length > 2 ? result : ops.cast(result, "float32");
}

function operated(node: Exclude<PlainOperation, { op: "constant" }>, inputs: readonly Symbolic[]): Symbolic {
  const [x, y] = inputs;
  const shape = resultShape(node, inputs);
  const apply = (op: string, attributes: Attributes = T(x), more: readonly Symbolic[] = inputs) =>
    ops.apply(op, more, attributes, { shape, dtype: x.dtype });
  const integers = (...values: number[]) => x.node.graph.integers(...values);
  switch (node.op) {
    case "relu":
      return apply("Relu");
    case "sigmoid":
      return apply("Sigmoid");
    case "leakyRelu":
      return apply("LeakyRelu", { ...T(x), alpha: { float: node.slope } });
    case "clip":
      if (node.least === 0 && node.most === 6) return apply("Relu6");
      return apply("Minimum", T(x), [apply("Maximum", T(x), [x, numberLike(x, node.least)]), numberLike(x, node.most)]);
    case "scale":
      return apply("AddV2", T(x), [apply("Mul", T(x), [x, numberLike(x, node.factor)]), numberLike(x, node.offset)]);
    case "add":
    case "subtract":
    case "multiply":
    case "divide":
      return apply(BINARY[node.op]);
    case "matMul":
      return ops.matMul(x, y);
    case "concat":
      return joined(inputs, node.axis, shape);
    case "slice":
      return apply("Slice", { ...T(x), Index: INT32 }, [x, integers(...node.begin), integers(...node.size)]);
    case "reshape":
      return ops.reshape(x, [x.shape[0], ...node.shape.slice(1)]);
    case "transpose":
      return apply("Transpose", { ...T(x), Tperm: INT32 }, [x, integers(...node.order)]);
    case "pad":
      return padded(x, node.pads, node.value);
    case "mean":
      return apply("Mean", { ...T(x), Tidx: INT32, keep_dims: { bool: true } }, [x, integers(...node.axes)]);
    case "maxPool":
    case "averagePool": {
      const window = { ksize: { ints: [1, ...node.size, 1] }, strides: { ints: [1, ...node.strides, 1] } };
      return apply(node.op === "maxPool" ? "MaxPool" : "AvgPool", {
        ...T(x),
        ...NHWC,
        ...window,
        padding: { string: "VALID" },
      });
    }
  }
}

/** What comes out; for a batch of one image, such as a zero kernel gives for all images, again one. */
function resultShape(node: PlainOperation, inputs: readonly Symbolic[]): Shape {
  const shapes = inputs.map((input) => input.shape);
  if (node.op in BINARY || node.op === "matMul") return shapeOf(node, shapes, 0)!;
  const batches = shapes.map(([batch]) => batch);
  const whole = shapes.map(([, ...sizes]) => [-1, ...sizes]);
  return [batches.includes(-1) ? -1 : batches[0], ...shapeOf(node, whole, 0)!.slice(1)];
}

/** Joined along an axis; what is there for one image is repeated where another input has a whole batch. */
function joined(inputs: readonly Symbolic[], axis: number, shape: Shape): Symbolic {
  const { graph } = inputs[0].node;
  const batch = inputs.find((input) => input.shape[0] === -1);
  const all = inputs.map((input) => (batch && input.shape[0] === 1 ? repeated(input, batch) : input));
  const attributes: Attributes = { ...T(inputs[0]), N: { int: inputs.length }, Tidx: INT32 };
  const along = graph.constant(Int32Array.of(axis), []);
  return ops.apply("ConcatV2", [...all, along], attributes, { shape, dtype: inputs[0].dtype });
}

/** What is there for one image, for each of a batch: plus a zero for each. */
function repeated(x: Symbolic, batch: Symbolic): Symbolic {
  const { graph } = batch.node;
  const shape = batch.shape.map((_, axis) => (axis === 0 ? -1 : 1));
  const begin = graph.integers(...shape.map(() => 0));
  const attributes: Attributes = { ...T(batch), Index: INT32 };
  const first = ops.apply("Slice", [batch, begin, graph.integers(...shape)], attributes, { shape, dtype: batch.dtype });
  const type = { shape: [-1, ...x.shape.slice(1)], dtype: x.dtype };
  return ops.apply("AddV2", [x, ops.multiply(first, numberLike(batch, 0))], T(x), type);
}
