// The arrays of one layer: what operators are given of it, and what they return, checked.
import { typeText } from "./format";
import type { Layer } from "./layers";
import { BATCH_NORM, type Parameters, type Values } from "./network";

/** All arrays of one layer: its kernel [size, size, inputs, outputs] and its batch norm, each [outputs]. */
export interface LayerValues {
  readonly kernel: Values;
  readonly gamma: Values;
  readonly beta: Values;
  readonly mean: Values;
  readonly variance: Values;
}

const PARTS: readonly string[] = ["kernel", ...BATCH_NORM];

/** Copies of a layer's arrays. */
export function layerValues(parameters: Parameters, { name }: Layer): LayerValues {
  const copy = (part: string): Values => {
    const { shape, data } = parameters.get(`${name}.${part}`)!;
    return { shape, data: data.slice() };
  };
  return Object.fromEntries(PARTS.map((part) => [part, copy(part)])) as unknown as LayerValues;
}

/**
 * The arrays that an operator returned, by their part: a kernel by itself, or several by name.
 * @throws TypeError when it returned anything else, such as nothing, a promise or a name that is none of a layer's arrays
 */
export function returnedArrays(returned: unknown, layer: Layer): Record<string, Values> {
  if (isRecord(returned)) {
    if ("shape" in returned || "data" in returned) return { kernel: returned as unknown as Values };
    const arrays = Object.entries(returned).filter(([, values]) => values !== undefined);
    if (arrays.every(([part]) => PARTS.includes(part))) return Object.fromEntries(arrays) as Record<string, Values>;
  }
  const found = isRecord(returned) ? `{ ${Object.keys(returned).join(", ")} }` : typeText(returned);
  throw new TypeError(
    `Cannot ablate ${layer.name}: the operator returned ${found}, expected a kernel { shape, data } or arrays by name (${PARTS.join(", ")})`,
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
  { layer, part }: { readonly layer: Layer; readonly part: string },
): void {
  const failed = `Cannot ablate ${layer.name}: the operator returned`;
  if (!isRecord(after) || !Array.isArray(after.shape) || !(after.data instanceof Float32Array))
    throw new TypeError(`${failed} ${valuesText(after, part)}, expected { shape: [${shape}], data: a Float32Array }`);
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

const isRecord = (value: unknown): value is Record<string, unknown> =>
  Object.prototype.toString.call(value) === "[object Object]";

/** What was found in place of a shape with its numbers. */
function valuesText(found: unknown, part: string): string {
  if (!isRecord(found)) return `${typeText(found)} as ${part}`;
  const shape = Array.isArray(found.shape) ? `[${found.shape}]` : typeText(found.shape);
  return `a ${part} { shape: ${shape}, data: ${typeText(found.data)} }`;
}
