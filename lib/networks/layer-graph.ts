// Networks as graphs of operations: what a file describes node by node, where no family says it.
import { sizeOf } from "../files/values";

/** Sizes along each axis; -1 stands for a batch of any size. Images and what becomes of them are [batch, height, width, channels]. */
export type Extents = readonly number[];

/** How a convolution moves over its input, in rows and columns. */
export interface Geometry {
  readonly kernel: readonly [rows: number, columns: number];
  readonly strides: readonly [number, number];
  /** Zeros around its input: top, left, bottom, right. */
  readonly pads: readonly [number, number, number, number];
  readonly dilations: readonly [number, number];
  readonly groups: number;
}

/** What is taken together in a pool without padding, and how far its windows are from each other. */
interface Window {
  readonly size: readonly [number, number];
  readonly strides: readonly [number, number];
}

/** One operation. `inputs` are the numbers of earlier nodes. */
export type GraphOperation = { readonly inputs: readonly number[] } & (
  | { readonly op: "image" }
  | { readonly op: "constant"; readonly parameter: string; readonly shape: Extents }
  /** A convolution and the batch norm (or bias) after it: a layer, with the parameters that every layer has. */
  | ({ readonly op: "conv"; readonly layer: string; readonly outputs: number } & Geometry)
  | { readonly op: "relu" | "sigmoid" | "add" | "subtract" | "multiply" | "divide" | "matMul" }
  | { readonly op: "leakyRelu"; readonly slope: number }
  | { readonly op: "clip"; readonly least: number; readonly most: number }
  /** x * factor + offset */
  | { readonly op: "scale"; readonly factor: number; readonly offset: number }
  | { readonly op: "concat"; readonly axis: number }
  | { readonly op: "slice"; readonly begin: Extents; readonly size: Extents }
  | { readonly op: "reshape"; readonly shape: Extents }
  | { readonly op: "transpose"; readonly order: Extents }
  /** `pads` before and after each axis, two numbers for each. */
  | { readonly op: "pad"; readonly pads: readonly number[]; readonly value: number }
  | ({ readonly op: "maxPool" | "averagePool" } & Window)
  /** Over some axes, which stay with size 1. */
  | { readonly op: "mean"; readonly axes: readonly number[] }
);

/** A network described node by node; the first node is the image, normalized, and the last one gives the logits [batch, classes]. */
export interface GraphSpec {
  readonly family: "graph";
  readonly name: string;
  readonly classes: number;
  /** Rows, and columns, of an image. */
  readonly side: number;
  readonly nodes: readonly GraphOperation[];
}

/** The shape of every node's result, in order. @throws Error naming the first node that cannot be computed from its inputs */
export function shapesOf({ nodes, side, classes }: GraphSpec): Extents[] {
  const shapes: Extents[] = [];
  nodes.forEach((node, index) => {
    if ((node.op === "image") !== (index === 0)) fail(node, index, "the image as the first node alone");
    if (!node.inputs.every((input) => Number.isInteger(input) && input >= 0 && input < index))
      fail(node, index, `inputs before it, found ${node.inputs.join(", ")}`);
    const shape = shapeOf(
      node,
      node.inputs.map((input) => shapes[input]),
      side,
    );
    const possible = shape?.every((size, axis) => Number.isInteger(size) && (size > 0 || (axis === 0 && size === -1)));
    if (!shape || !possible || sizeOf(shape.slice(1)) > LARGEST)
      fail(
        node,
        index,
        `other inputs than ${node.inputs.map((input) => `[${shapes[input].join(", ")}]`).join(" and ")}`,
      );
    else shapes.push(shape);
  });
  const last = shapes.at(-1)?.join();
  if (last === [-1, classes].join()) return shapes;
  throw new Error(`Cannot compute the network: expected logits [-1, ${classes}] at its end, found [${last}]`);
}

/** Numbers of one image in an activation, at most. */
const LARGEST = 2 ** 28;

function fail({ op }: GraphOperation, index: number, wanted: string): never {
  throw new Error(`Cannot compute node ${index} (${op}) of the network: expected ${wanted}`);
}

/** The shape of an operation's result; undefined where its inputs do not fit. */
export function shapeOf(node: GraphOperation, [x, y, ...rest]: readonly Extents[], side: number): Extents | undefined {
  const unary = y === undefined ? x : undefined;
  switch (node.op) {
    case "image":
      return [-1, side, side, 3];
    case "constant":
      return node.shape;
    case "relu":
    case "sigmoid":
    case "leakyRelu":
    case "clip":
    case "scale":
      return unary;
    case "add":
    case "subtract":
    case "multiply":
    case "divide":
      return x && y && rest.length === 0 ? broadcastOf(x, y) : undefined;
    case "matMul":
      return x?.length === 2 && y?.length === 2 && x[1] === y[0] ? [x[0], y[1]] : undefined;
    case "concat":
      return concatOf(
        [x, y, ...rest].filter((shape) => shape !== undefined),
        node.axis,
      );
    default:
      return unary && movedShape(node, unary);
  }
}

/** What operations are left that move numbers of one input or take some together. */
type Moving = Extract<
  GraphOperation,
  { op: "conv" | "slice" | "reshape" | "transpose" | "pad" | "maxPool" | "averagePool" | "mean" }
>;

function movedShape(node: Moving, x: Extents): Extents | undefined {
  const sameRank = (list: readonly unknown[], times = 1) => list.length === times * x.length;
  switch (node.op) {
    case "conv":
      return x.length === 4 && x[3] % node.groups === 0 && node.outputs % node.groups === 0
        ? [x[0], ...sidesOf([x[1], x[2]], node), node.outputs]
        : undefined;
    case "maxPool":
    case "averagePool":
      return x.length === 4
        ? [x[0], ...sidesOf([x[1], x[2]], { kernel: node.size, strides: node.strides }), x[3]]
        : undefined;
    case "slice":
      if (!sameRank(node.begin) || !sameRank(node.size) || node.begin[0] !== 0 || node.size[0] !== x[0])
        return undefined;
      return x.every(
        (size, axis) => axis === 0 || (node.begin[axis] >= 0 && node.begin[axis] + node.size[axis] <= size),
      )
        ? node.size
        : undefined;
    case "reshape":
      return node.shape[0] === x[0] && sizeOf(node.shape) === sizeOf(x) ? node.shape : undefined;
    case "transpose":
      return sameRank(node.order) && node.order[0] === 0 && new Set(node.order).size === x.length
        ? node.order.map((axis) => x[axis])
        : undefined;
    case "pad":
      return sameRank(node.pads, 2) && node.pads[0] === 0 && node.pads[1] === 0 && node.pads.every((pad) => pad >= 0)
        ? x.map((size, axis) => (axis === 0 ? size : size + node.pads[2 * axis] + node.pads[2 * axis + 1]))
        : undefined;
    case "mean":
      if (!node.axes.every((axis) => axis > 0 && axis < x.length)) return undefined;
      return x.map((size, axis) => (node.axes.includes(axis) ? 1 : size));
  }
}

/** Rows and columns that come out of a window moved over an input. */
export function sidesOf(
  input: readonly [number, number],
  {
    kernel,
    strides,
    pads = [0, 0, 0, 0],
    dilations = [1, 1],
  }: Pick<Geometry, "kernel" | "strides"> & Partial<Geometry>,
): [number, number] {
  const along = (axis: 0 | 1) => {
    const padded = input[axis] + pads[axis] + pads[axis + 2];
    return Math.floor((padded - dilations[axis] * (kernel[axis] - 1) - 1) / strides[axis]) + 1;
  };
  return [along(0), along(1)];
}

/** Two shapes together, axes counted from the last; undefined where they differ. */
function broadcastOf(x: Extents, y: Extents): Extents | undefined {
  const rank = Math.max(x.length, y.length);
  const sizes = Array.from({ length: rank }, (_, axis) => {
    const [a, b] = [x[axis - rank + x.length] ?? 1, y[axis - rank + y.length] ?? 1];
    return a === b || b === 1 ? a : a === 1 ? b : 0;
  });
  return sizes.includes(0) ? undefined : sizes;
}

function concatOf([first, ...rest]: readonly Extents[], axis: number): Extents | undefined {
  if (!first || !(axis > 0 && axis < first.length)) return undefined;
  const fits = (shape: Extents) =>
    shape.length === first.length && shape.every((size, at) => at === axis || size === first[at]);
  return rest.every(fits)
    ? first.map((size, at) => (at === axis ? [first, ...rest].reduce((sum, shape) => sum + shape[at], 0) : size))
    : undefined;
}
