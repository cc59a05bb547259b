// The arrays of one layer: what operators are given of it, and what they return, checked.
import { sizeOf, type Values } from "../files/values";
import { type Layer, outputSides } from "../networks/layers";
import { BATCH_NORM, normNames, type Parameters } from "../networks/network";
import { typeText } from "../text/format";

/**
 * All arrays of one layer: its kernel [size, size, inputs, outputs] and its batch norm, each [outputs]. With pre-activation the batch
 * norm stands before the kernel, each array [inputs], and the stem and the shortcuts have none: of them there is the kernel alone.
 */
export interface LayerValues {
  readonly kernel: Values;
  readonly gamma: Values;
  readonly beta: Values;
  readonly mean: Values;
  readonly variance: Values;
}

const PARTS: readonly string[] = ["kernel", ...BATCH_NORM];

/** Copies of a layer's arrays. */
export function layerValues(parameters: Parameters, layer: Layer): LayerValues {
  const copy = (part: string): Values => {
    const { shape, data } = parameters.get(`${layer.name}.${part}`)!;
    return { shape, data: data.slice() };
  };
  return Object.fromEntries(partsOf(layer).map((part) => [part, copy(part)])) as unknown as LayerValues;
}

const partsOf = (layer: Layer): readonly string[] => (normNames(layer).length ? PARTS : ["kernel"]);

/**
 * The arrays that an operator returned, by their part: a kernel by itself, or several by name.
 * @throws TypeError when it returned anything else, such as nothing, a promise or a name that is none of a layer's arrays
 */
export function returnedArrays(returned: unknown, layer: Layer): Record<string, Values> {
  if (isRecord(returned)) {
    if ("shape" in returned || "data" in returned) return { kernel: returned as unknown as Values };
    const arrays = Object.entries(returned).filter(([, values]) => values !== undefined);
    if (arrays.every(([part]) => partsOf(layer).includes(part)))
      return Object.fromEntries(arrays) as Record<string, Values>;
  }
  const found = isRecord(returned) ? `{ ${Object.keys(returned).join(", ")} }` : typeText(returned);
  throw new TypeError(
    `Cannot ablate ${layer.name}: the operator returned ${found}, expected a kernel { shape, data } or arrays by name (${partsOf(layer).join(", ")})`,
  );
}

/**
 * Checks a new array against the one that it replaces.
 * @throws TypeError when it has no shape or its numbers are no Float32Array
 * @throws RangeError when it has another shape or count of numbers, one that is not finite, or a negative variance
 */
export function checkArray(
  after: Values,
  { shape, data }: Values,
  { layer, part }: { layer: Layer; part: string },
): void {
  const failed = `Cannot ablate ${layer.name}: the operator returned`;
  if (!isValues(after))
    throw new TypeError(
      `${failed} ${valuesText(after)} as ${part}, expected { shape: [${shape}], data: a Float32Array }`,
    );
  if (after.shape.join() !== shape.join())
    throw new RangeError(`${failed} a ${part} of shape [${after.shape}], expected [${shape}]`);
  if (after.data.length !== data.length) {
    throw new RangeError(
      `${failed} a ${part} of ${after.data.length} numbers, expected ${data.length} (shape [${shape}])`,
    );
  }
  const bad = after.data.find((value) => !Number.isFinite(value));
  if (bad !== undefined) throw new RangeError(`${failed} ${bad}, expected finite numbers`);
  const negative = part === "variance" ? after.data.find((value) => value < 0) : undefined;
  if (negative !== undefined) throw new RangeError(`${failed} a variance of ${negative}, expected none below 0`);
}

/**
 * An operator's numbers for what a layer passes on, [1, side, side, outputs], repeated along every axis where they have only one. An
 * interpreter would take fewer numbers too, and see an activation of another size in them.
 * @throws TypeError when they have no shape or are no Float32Array
 * @throws RangeError when shape and count do not fit, or a number is not finite
 */
export function activationValues(values: Values, layer: Layer): Values {
  const { name, outputs } = layer;
  const [height, width] = outputSides(layer);
  const shape = [1, height, width, outputs];
  const failed = `Cannot change ${name}: the operator asked for a constant`;
  if (!isValues(values))
    throw new TypeError(`${failed} ${valuesText(values)}, expected { shape: [${shape}], data: a Float32Array }`);
  const fits = values.shape.length === 4 && values.shape.every((size, axis) => size === 1 || size === shape[axis]);
  if (!fits)
    throw new RangeError(`${failed} of shape [${values.shape}], expected [${shape}] or 1 in place of any of them`);
  const { length } = values.data;
  if (length !== sizeOf(values.shape))
    throw new RangeError(`${failed} of shape [${values.shape}] with ${length} numbers`);
  const bad = values.data.find((value) => !Number.isFinite(value));
  if (bad !== undefined) throw new RangeError(`${failed} with ${bad}, expected finite numbers`);
  const [, down, right, channels] = values.shape.map((size, axis) =>
    size === 1 ? 0 : sizeOf(values.shape.slice(axis + 1)),
  );
  const data = Float32Array.from({ length: sizeOf(shape) }, (_, at) => {
    const pixel = Math.floor(at / outputs);
    return values.data[Math.floor(pixel / width) * down + (pixel % width) * right + (at % outputs) * channels];
  });
  return { shape, data };
}

const isValues = (value: unknown): value is Values =>
  isRecord(value) && Array.isArray(value.shape) && value.data instanceof Float32Array;

const isRecord = (value: unknown): value is Record<string, unknown> =>
  Object.prototype.toString.call(value) === "[object Object]";

/** What was found in place of a shape with its numbers. */
function valuesText(found: unknown): string {
  if (!isRecord(found)) return typeText(found);
  const shape = Array.isArray(found.shape) ? `[${found.shape}]` : typeText(found.shape);
  return `{ shape: ${shape}, data: ${typeText(found.data)} }`;
}
