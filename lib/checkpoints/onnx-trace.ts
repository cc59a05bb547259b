// What the tensors of an ONNX file become: known numbers, or the result of a node of the graph that is being made.
//
// A tensor of four or more axes, [batch, channels…, height, width] in the file, is [batch, height, width, channels…] in the graph; one of
// fewer axes is as in the file.
import { SIDE } from "../data/image";
import { sizeOf, type Values } from "../files/values";
import { type Extents, type GraphOperation, shapeOf } from "../networks/layer-graph";

/** Numbers that do not depend on the images, in the file's order; whole ones in float64, NaN in place of the size of the batch. */
export interface Known {
  readonly shape: readonly number[];
  readonly data: Float32Array | Float64Array;
}

/** The result of a node. */
export interface Traced {
  readonly node: number;
  /** In the graph's order of axes. */
  readonly stored: Extents;
}

export type Tensor = Known | Traced;

export const isTraced = (tensor: Tensor | undefined): tensor is Traced => tensor !== undefined && "node" in tensor;

/** The graph under construction. */
export class OnnxTrace {
  readonly nodes: GraphOperation[] = [];
  readonly parameters = new Map<string, Values>();
  /** Convolutions that have their batch norm. */
  readonly normed = new Set<number>();
  private readonly stored: Extents[] = [];
  private readonly names = new Set<string>();

  /** Adds an operation. @throws Error where its inputs do not fit */
  add(node: GraphOperation): Traced {
    const shapes = node.inputs.map((input) => this.stored[input]);
    const shape = shapeOf(node, shapes, SIDE);
    if (!shape) throw new Error(`its inputs [${shapes.join("] and [")}] do not fit`);
    this.stored.push(shape);
    return { node: this.nodes.push(node) - 1, stored: shape };
  }

  /** Adds numbers that the graph computes with, under a name made from the given one. */
  constant(name: string, values: Values): Traced {
    const parameter = this.unused(name);
    this.parameters.set(parameter, values);
    return this.add({ op: "constant", inputs: [], parameter, shape: values.shape });
  }

  /** A name like the given one of letters, digits, _, - and ., which nothing else has. */
  unused(name: string): string {
    const plain =
      name
        .slice(-100)
        .replace(/[^\w.-]/g, "_")
        .replace(/^[._-]+/, "") || "unnamed";
    let own = plain;
    for (let number = 2; this.names.has(own); number++) own = `${plain}_${number}`;
    this.names.add(own);
    return own;
  }

  /** The same numbers in another shape, that of the file's order, whose batch stays. */
  reshaped(x: Traced, shape: Extents): Traced {
    const before = logicalOf(x);
    if (sizeOf(shape) !== sizeOf(before)) throw new Error(`[${before}] cannot become [${shape}]`);
    const target = shape.map((_, axis) => shape[storedOrder(shape.length)[axis]]);
    const keepsPixels = sameLast(before, shape) || (isFlat(before) && isFlat(shape));
    if (keepsPixels) return this.add({ op: "reshape", inputs: [x.node], shape: target });
    const plain = isFlat(before) ? x : this.moved(x, loggedOrder(before.length));
    const flat = this.add({ op: "reshape", inputs: [plain.node], shape: isFlat(shape) ? target : shape });
    return isFlat(shape) ? flat : this.moved(flat, storedOrder(shape.length));
  }

  moved(x: Traced, order: readonly number[]): Traced {
    return this.add({ op: "transpose", inputs: [x.node], order });
  }
}

/** Whether both orders of the axes are the same sequence of numbers. */
const isFlat = (shape: Extents): boolean =>
  shape.length < 4 || sizeOf(shape.slice(-2)) === 1 || sizeOf(shape.slice(1, -2)) === 1;

const sameLast = (before: Extents, after: Extents): boolean =>
  before.length > 3 && after.length > 3 && before.slice(-2).join() === after.slice(-2).join();

/** For each axis in the graph, which one of the file it is. */
export function storedOrder(rank: number): number[] {
  const axes = Array.from({ length: rank }, (_, axis) => axis);
  return rank < 4 ? axes : [0, rank - 2, rank - 1, ...axes.slice(1, -2)];
}

/** For each axis in the file, which one of the graph it is. */
export function loggedOrder(rank: number): number[] {
  const order = storedOrder(rank);
  return order.map((_, axis) => order.indexOf(axis));
}

/** A tensor's shape in the file's order. */
export function logicalOf({ stored }: Traced): number[] {
  return loggedOrder(stored.length).map((axis) => stored[axis]);
}

/** Known numbers [..] moved to another order of axes. */
export function transposed({ shape, data }: Known, order: readonly number[]): Known {
  const strides = shape.map((_, axis) => sizeOf(shape.slice(axis + 1)));
  const after = order.map((axis) => shape[axis]);
  const steps = order.map((axis) => strides[axis]);
  const moved = data.slice();
  for (let at = 0; at < moved.length; at++) {
    let [rest, from] = [at, 0];
    for (let axis = after.length - 1; axis >= 0; axis--) {
      from += (rest % after[axis]) * steps[axis];
      rest = Math.floor(rest / after[axis]);
    }
    moved[at] = data[from];
  }
  return { shape: after, data: moved };
}
