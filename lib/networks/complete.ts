// Checks that a network is complete: every parameter of its spec, with its shape, and every number finite.
import { shown } from "../files/dtypes";
import { sizeOf, type Values } from "../files/values";
import { type Network, parameterShapes } from "./network";

/**
 * Checks that a network has every parameter of its spec, and each with finite numbers.
 * @throws Error naming the first parameters that are missing, unknown, of another shape, or hold NaN, an infinity or a
 * negative variance
 */
export function checkParameters(network: Pick<Network, "name" | "spec" | "parameters">): void {
  const { name, spec, parameters } = network;
  const misfits = misfitsOf(parameterShapes(spec), parameters);
  if (misfits.length) throw new Error(`Cannot use the network "${name}": ${firstMisfits(misfits)}`);
  for (const [parameter, { data }] of parameters) {
    const lowest = parameter.endsWith(".variance") ? 0 : -Infinity;
    const index = data.findIndex((value) => !Number.isFinite(value) || value < lowest);
    if (index < 0) continue;
    const wanted = lowest === 0 ? "finite numbers of at least 0" : "finite numbers";
    throw new Error(`Cannot use the network "${name}": ${parameter} holds ${data[index]}, expected ${wanted}`);
  }
}

/** An array whose numbers may not have been read yet. */
export type Shaped = Pick<Values, "shape"> & Partial<Values>;

/** Says of each parameter that does not fit what was wanted and what was found; empty where all fit. */
export function misfitsOf(
  wanted: ReadonlyMap<string, readonly number[]>,
  found: ReadonlyMap<string, Shaped>,
): string[] {
  const misfits: string[] = [];
  for (const [name, shape] of wanted) {
    const values = found.get(name);
    if (!values) misfits.push(`${name} ${shown(shape)} is missing`);
    else if (shown(values.shape) !== shown(shape))
      misfits.push(`${name} has the shape ${shown(values.shape)} instead of ${shown(shape)}`);
    else if (values.data && values.data.length !== sizeOf(shape))
      misfits.push(`${name} ${shown(shape)} holds ${values.data.length} numbers`);
  }
  for (const [name, { shape }] of found)
    if (!wanted.has(name)) misfits.push(`${JSON.stringify(name.slice(0, 100))} ${shown(shape)} is unknown`);
  return misfits;
}

/** The first three misfits and the number of all of them, in one line. */
export function firstMisfits(misfits: readonly string[]): string {
  const rest = misfits.length - 3;
  return misfits.slice(0, 3).join(", ") + (rest > 0 ? `, and ${rest} more` : "");
}
