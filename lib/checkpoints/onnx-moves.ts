// ONNX's operations that cut activations, put zeros around them or give them another shape.
import { sizeOf } from "../files/values";
import { axesOf, known, list, number, type Operation, refuse, storedAxis } from "./onnx-operation";
import { logicalOf, type OnnxTrace, type Traced } from "./onnx-trace";

/** The shape that a Reshape asks for, with its -1 and 0 filled in. @throws Error where it moves numbers between images */
export function shapeFrom(x: Traced, target: readonly number[], zeros: boolean): number[] {
  const before = logicalOf(x);
  const [batch, ...rest] = target.map((size, axis) => (size === 0 && !zeros ? before[axis] : size));
  const given = sizeOf(rest.filter((size) => size !== -1));
  const left = batch === -1 ? 1 : sizeOf(before.slice(1)) / given;
  const shape = [-1, ...rest.map((size) => (size === -1 ? left : size))];
  if (sizeOf(shape) === sizeOf(before)) return shape;
  return refuse(`[${before}] to become [${target}], which mixes images`);
}

/** A part of an activation along one axis of the file. */
function cut(trace: OnnxTrace, x: Traced, { axis, start, end }: { axis: number; start: number; end: number }): Traced {
  const at = storedAxis(x, axis);
  if (at === 0) refuse("a slice of the batch");
  const begin = x.stored.map((_, index) => (index === at ? start : 0));
  const size = x.stored.map((whole, index) => (index === at ? end - start : whole));
  return trace.add({ op: "slice", inputs: [x.node], begin, size });
}

export function slice(operation: Operation, x: Traced): Traced {
  const numbers = (index: number) => known(operation, index)?.data;
  const [starts, ends, steps] = [numbers(1) ?? refuse("no starts"), numbers(2) ?? refuse("no ends"), numbers(4)];
  const axes = numbers(3) ?? starts.map((_, index) => index);
  if (steps?.some((step) => step !== 1)) refuse(`steps of ${[...steps].join(", ")}`);
  const before = logicalOf(x);
  return Array.from(axes).reduce((part: Traced, axis, index) => {
    const size = before[axis < 0 ? axis + before.length : axis];
    const within = (at: number) => Math.min(Math.max(at < 0 ? at + size : at, 0), size);
    return cut(operation.trace, part, { axis, start: within(starts[index]), end: within(ends[index]) });
  }, x);
}

export function split(operation: Operation, x: Traced): Traced[] {
  const { node, trace } = operation;
  const axis = number(node, "axis", 0);
  const size = x.stored[storedAxis(x, axis)];
  const given = known(operation, 1)?.data ?? list(node, "split");
  const part = Math.ceil(size / node.outputs.length);
  const sizes = given ? [...given] : node.outputs.map((_, index) => Math.min(part, size - index * part));
  let start = 0;
  return sizes.map((length) => cut(trace, x, { axis, start, end: (start += length) }));
}

export function pad(operation: Operation, x: Traced): Traced {
  const { node, trace } = operation;
  const mode = node.attributes.mode ?? "constant";
  if (mode !== "constant") refuse(`the mode ${JSON.stringify(mode)}`);
  const pads = known(operation, 1)?.data ?? list(node, "pads") ?? refuse("no pads");
  const rank = x.stored.length;
  const axes = operation.inputs[3]
    ? axesOf({ ...operation, inputs: [undefined, operation.inputs[3]] }, rank)!
    : logicalOf(x).map((_, axis) => axis);
  const sides = new Array<number>(2 * rank).fill(0);
  axes.forEach((axis, index) => {
    const at = 2 * storedAxis(x, axis);
    [sides[at], sides[at + 1]] = [pads[index], pads[index + axes.length]];
  });
  const value = known(operation, 2)?.data[0] ?? number(node, "value", 0);
  return trace.add({ op: "pad", inputs: [x.node], pads: sides, value });
}
