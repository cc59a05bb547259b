// Operations of an ONNX file on known numbers: how exporters compute shapes, paddings and parts of weights.
import type { OnnxNode } from "../files/onnx-file";
import { sizeOf } from "../files/values";
import { type Known, transposed } from "./onnx-trace";

/** Numbers of one known tensor that was computed, at most. */
const MOST = 2 ** 24;

type Rule = (inputs: readonly Known[], node: OnnxNode) => Known;

const whole = ({ data }: Known): boolean => data instanceof Float64Array;
const like = (x: Known, numbers: ArrayLike<number>): Known["data"] =>
  whole(x) ? Float64Array.from(numbers) : Float32Array.from(numbers);

const RULES: Readonly<Record<string, Rule>> = {
  Add: arithmetic((a, b) => a + b),
  Sub: arithmetic((a, b) => a - b),
  Mul: arithmetic((a, b) => a * b),
  Div: arithmetic((a, b) => a / b),
  Floor: ([x]) => ({ ...x, data: x.data.map(Math.floor) }),
  Neg: ([x]) => ({ ...x, data: x.data.map((value) => -value) }),
  Identity: ([x]) => x,
  Dropout: ([x]) => x,
  Cast: ([x], { attributes }) =>
    [6, 7, 9].includes(Number(attributes.to))
      ? { ...x, data: Float64Array.from(x.data, Math.trunc) }
      : { ...x, data: Float32Array.from(x.data) },
  Gather: ([x, { shape, data }], { attributes }) => {
    if (x.shape.length !== 1 || Number(attributes.axis ?? 0) !== 0) throw new Error("more than one axis");
    return {
      shape,
      data: like(
        x,
        Array.from(data, (index) => x.data[index < 0 ? index + x.data.length : index]),
      ),
    };
  },
  Concat: (all) => {
    if (all.some(({ shape }) => shape.length !== 1)) throw new Error("more than one axis");
    const data = like(
      all[0],
      all.flatMap((x) => [...x.data]),
    );
    return { shape: [data.length], data };
  },
  Unsqueeze: ([x, given], { attributes }) => {
    const axes = given ? [...given.data] : (attributes.axes as readonly number[]);
    const rank = x.shape.length + axes.length;
    return {
      ...x,
      shape: withOnes(
        x.shape,
        axes.map((axis) => (axis < 0 ? axis + rank : axis)),
        rank,
      ),
    };
  },
  Squeeze: ([x, given], { attributes }) => {
    const axes = given ? [...given.data] : (attributes.axes as readonly number[] | undefined);
    const gone = axes?.map((axis) => (axis < 0 ? axis + x.shape.length : axis));
    return { ...x, shape: x.shape.filter((size, axis) => (gone ? !gone.includes(axis) : size !== 1)) };
  },
  Reshape: ([x, target]) => {
    const rest = -sizeOf([...target.data]);
    const shape = Array.from(target.data, (size) => (size === -1 ? x.data.length / rest : size));
    return { ...x, shape };
  },
  Transpose: ([x], { attributes }) =>
    transposed(x, (attributes.perm as readonly number[] | undefined) ?? x.shape.map((_, axis) => axis).reverse()),
  Slice: ([x, starts, ends, axes, steps]) => {
    const [axis, step] = [axes?.data[0] ?? 0, steps?.data[0] ?? 1];
    if (starts?.data.length !== 1 || axis !== 0) throw new Error("more than one axis");
    const size = x.shape[0];
    const rows = indicesOf(starts.data[0], ends.data[0], { step, size });
    const row = sizeOf(x.shape.slice(1));
    const data = like(
      x,
      rows.flatMap((index) => [...x.data.subarray(index * row, (index + 1) * row)]),
    );
    return { shape: [rows.length, ...x.shape.slice(1)], data };
  },
  ConstantOfShape: ([{ data }], { attributes }) => {
    const shape = [...data];
    const value = attributes.value as Known | undefined;
    if (!(sizeOf(shape) <= MOST)) throw new Error(`${sizeOf(shape)} numbers`);
    const filled = value && whole(value) ? new Float64Array(sizeOf(shape)) : new Float32Array(sizeOf(shape));
    return { shape, data: filled.fill(value?.data[0] ?? 0) };
  },
};

/** The shape with ones at these axes. */
export function withOnes(shape: readonly number[], axes: readonly number[], rank: number): number[] {
  const left = [...shape];
  return Array.from({ length: rank }, (_, axis) => (axes.includes(axis) ? 1 : left.shift()!));
}

/** Where a slice goes through, as Python means it. */
function indicesOf(start: number, end: number, { step, size }: { step: number; size: number }): number[] {
  const within = (index: number, least: number, most: number) =>
    Math.min(Math.max(index < 0 ? index + size : index, least), most);
  const indices: number[] = [];
  if (step > 0) for (let at = within(start, 0, size); at < within(end, 0, size); at += step) indices.push(at);
  if (step < 0) for (let at = within(start, -1, size - 1); at > within(end, -1, size - 1); at += step) indices.push(at);
  return indices;
}

/** Element by element, the smaller one repeated along its first axes. */
function arithmetic(combine: (a: number, b: number) => number): Rule {
  return ([x, y]) => {
    const [large, small] = x.data.length >= y.data.length ? [x, y] : [y, x];
    const tail = large.shape.slice(large.shape.length - small.shape.length).join();
    if (small.data.length !== 1 && tail !== small.shape.join()) throw new Error(`[${x.shape}] with [${y.shape}]`);
    const at = (values: Known, index: number) => values.data[index % values.data.length];
    const numbers = Float64Array.from(large.data, (_, index) => combine(at(x, index), at(y, index)));
    // Whole numbers are divided as whole numbers.
    return { shape: large.shape, data: whole(x) && whole(y) ? numbers.map(Math.trunc) : Float32Array.from(numbers) };
  };
}

/** What an operation makes of known numbers. @throws Error where it is none that is computed while reading */
export function knownResult(node: OnnxNode, inputs: readonly Known[]): Known {
  if (!Object.hasOwn(RULES, node.op)) throw new Error("constants");
  const result = RULES[node.op](inputs, node);
  if (result.data.length !== sizeOf(result.shape))
    throw new Error(`a shape [${result.shape}] of ${result.data.length} numbers`);
  return result;
}
