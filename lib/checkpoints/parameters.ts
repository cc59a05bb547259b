// Checks that a network is complete: every parameter of its spec, with its shape, and every number finite.
import { shown } from "../files/dtypes";
import { type Network, type Normalization, type Parameters, parameterShapes, sizeOf } from "../networks/network";
import { FAMILIES, isCifarSpec, type Spec } from "../networks/spec";

/**
 * Checks that a network has every parameter of its spec, and each with finite numbers.
 * @throws Error naming the first parameters that are missing, unknown, of another shape, or hold NaN, an infinity or a
 * negative variance
 */
export function checkParameters(network: Pick<Network, "name" | "spec" | "parameters">): void {
  const { name, spec, parameters } = network;
  const misfits = misfitsOf(parameterShapes(spec), parameters);
  if (misfits.length) throw new Error(`Cannot use the network "${name}": ${firstOf(misfits)}`);
  for (const [parameter, { data }] of parameters) {
    const lowest = parameter.endsWith(".variance") ? 0 : -Infinity;
    const index = data.findIndex((value) => !Number.isFinite(value) || value < lowest);
    if (index < 0) continue;
    const wanted = lowest === 0 ? "finite numbers of at least 0" : "finite numbers";
    throw new Error(`Cannot use the network "${name}": ${parameter} holds ${data[index]}, expected ${wanted}`);
  }
}

/** Says of each parameter that does not fit what was wanted and what was found; empty where all fit. */
export function misfitsOf(wanted: ReadonlyMap<string, readonly number[]>, found: Parameters): string[] {
  const misfits: string[] = [];
  for (const [name, shape] of wanted) {
    const values = found.get(name);
    if (!values) misfits.push(`${name} ${shown(shape)} is missing`);
    else if (shown(values.shape) !== shown(shape))
      misfits.push(`${name} has the shape ${shown(values.shape)} instead of ${shown(shape)}`);
    else if (values.data.length !== sizeOf(shape))
      misfits.push(`${name} ${shown(shape)} holds ${values.data.length} numbers`);
  }
  for (const [name, { shape }] of found)
    if (!wanted.has(name)) misfits.push(`${JSON.stringify(name.slice(0, 100))} ${shown(shape)} is unknown`);
  return misfits;
}

/** The first three misfits and the number of all of them, in one line. */
export function firstOf(misfits: readonly string[]): string {
  const rest = misfits.length - 3;
  return misfits.slice(0, 3).join(", ") + (rest > 0 ? `, and ${rest} more` : "");
}

/** Parses JSON. @throws Error naming the field or file that is not JSON */
export function parseJson(name: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`${name} is not JSON: ${(error as Error).message.slice(0, 200)}`, { cause: error });
  }
}

// Far above every published CIFAR network; a hostile file cannot ask for endless layers.
const SPEC_LIMITS = [
  ["depth", 2000],
  ["width", 4096],
  ["classes", 100_000],
] as const;

/** Reads a spec from JSON. @throws Error that names the field that is not what a spec holds */
export function parseSpec(value: unknown): Spec {
  const spec = (value ?? {}) as Spec;
  if (!FAMILIES.includes(spec.family)) wrong("spec.family", spec.family, `one of ${FAMILIES.join(", ")}`);
  for (const [field, most] of SPEC_LIMITS)
    if (!Number.isInteger(spec[field]) || spec[field] < 1 || spec[field] > most)
      wrong(`spec.${field}`, spec[field], `a whole number from 1 to ${most}`);
  const { depth, width, classes } = spec;
  if (!isCifarSpec(spec)) return { family: spec.family, depth, width, classes };
  const { family, shortcut } = spec;
  if (shortcut !== "A" && shortcut !== "B") wrong("spec.shortcut", shortcut, '"A" or "B"');
  return { family, depth, width, shortcut, classes };
}

/** Reads a normalization from JSON. @throws Error that names the field that is not what a normalization holds */
export function parseNormalization(value: unknown): Normalization {
  const { mean, std } = (value ?? {}) as Normalization;
  for (const [field, numbers] of Object.entries({ mean, std }))
    if (!Array.isArray(numbers) || numbers.length !== 3 || !numbers.every(Number.isFinite))
      wrong(`normalization.${field}`, numbers, "three numbers");
  if (!std.every((deviation) => deviation > 0)) wrong("normalization.std", std, "three numbers above 0");
  return { mean, std };
}

/** @throws Error that names a field of a file, what it holds and what was wanted */
export function wrong(field: string, found: unknown, wanted: string): never {
  throw new Error(`${field} is ${String(JSON.stringify(found)).slice(0, 100)}, expected ${wanted}`);
}
