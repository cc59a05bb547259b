// ONNX's pools: padding and windows that reach over the border, said as padding, a pool and a factor.
import { list, named, number, type Operation, refuse } from "./onnx-operation";
import type { Traced } from "./onnx-trace";

interface Pool {
  readonly size: readonly [number, number];
  readonly strides: readonly [number, number];
  /** Before and after rows, then columns, as the file says. */
  readonly pads: readonly [top: number, left: number, bottom: number, right: number];
  /** What the last windows need besides. */
  readonly over: readonly [down: number, right: number];
}

/** Below all activations, and still a number. */
const LOWEST = -3.4028234663852886e38;

/** Two numbers of a list. */
export const pairOf = (values: readonly number[]): [number, number] =>
  values.length === 2 ? [values[0], values[1]] : refuse(`[${values}] for two axes`);

/** The padding of a window. @throws Error where it is to follow from the image */
export function padsOf({ node }: Operation): [number, number, number, number] {
  const auto = node.attributes.auto_pad ?? "NOTSET";
  if (auto !== "NOTSET" && auto !== "VALID") refuse(`auto_pad ${JSON.stringify(auto)}`);
  const [top, left, bottom, right, ...more] = list(node, "pads") ?? [0, 0, 0, 0];
  return more.length === 0 && right !== undefined ? [top, left, bottom, right] : refuse("pads for other than two axes");
}

function poolOf(operation: Operation, x: Traced): Pool {
  const { node } = operation;
  if (x.stored.length !== 4) refuse(`${x.stored.length} axes`);
  if (list(node, "dilations")?.some((step) => step !== 1)) refuse("dilations");
  const size = pairOf(list(node, "kernel_shape") ?? refuse("no kernel_shape"));
  const strides = pairOf(list(node, "strides") ?? [1, 1]);
  const pads = padsOf(operation);
  const over = [0, 1].map((axis) => {
    if (number(node, "ceil_mode", 0) !== 1) return 0;
    const input = x.stored[axis + 1];
    const padded = input + pads[axis] + pads[axis + 2];
    const count = Math.ceil((padded - size[axis]) / strides[axis]) + 1;
    // A window has to begin within the image or the padding before it.
    const begun = (count - 1) * strides[axis] >= input + pads[axis] ? count - 1 : count;
    return Math.max(0, (begun - 1) * strides[axis] + size[axis] - padded);
  });
  return { size, strides, pads, over: pairOf(over) };
}

function padded(
  { trace }: Operation,
  x: Traced,
  { pads: [top, left, bottom, right], over }: Pool,
  value: number,
): Traced {
  const sides = [0, 0, top, bottom + over[0], left, right + over[1], 0, 0];
  return sides.some((side) => side > 0) ? trace.add({ op: "pad", inputs: [x.node], pads: sides, value }) : x;
}

export function maxPool(operation: Operation, x: Traced): Traced {
  if (operation.node.outputs.length > 1) refuse("indices among its outputs");
  const pool = poolOf(operation, x);
  const wide = padded(operation, x, pool, LOWEST);
  return operation.trace.add({ op: "maxPool", inputs: [wide.node], size: pool.size, strides: pool.strides });
}

/** Of a window that reaches over the border the mean is taken over fewer pixels: that is a factor for each pixel that comes out. */
export function averagePool(operation: Operation, x: Traced): Traced {
  const { trace, node } = operation;
  const pool = poolOf(operation, x);
  const { size, strides, pads } = pool;
  const wide = padded(operation, x, pool, 0);
  const mean = trace.add({ op: "averagePool", inputs: [wide.node], size, strides });
  const counted = number(node, "count_include_pad", 0) === 1;
  const [, height, width] = mean.stored;
  const shares = [height, width].map((count, axis) => {
    const [from, to] = counted
      ? [0, pads[axis] + x.stored[axis + 1] + pads[axis + 2]]
      : [pads[axis], pads[axis] + x.stored[axis + 1]];
    return Array.from({ length: count }, (_, at) => {
      const start = at * strides[axis];
      return size[axis] / (Math.min(start + size[axis], to) - Math.max(start, from));
    });
  });
  if (shares.flat().every((share) => share === 1)) return mean;
  const data = Float32Array.from(
    { length: height * width },
    (_, at) => shares[0][Math.floor(at / width)] * shares[1][at % width],
  );
  const factor = trace.constant(named(node, "share"), { shape: [1, height, width, 1], data });
  return trace.add({ op: "multiply", inputs: [mean.node, factor.node] });
}
