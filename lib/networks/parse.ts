// Specs and normalizations read from JSON, with every check.
import { wrong } from "../files/json";
import type { Normalization } from "./network";
import { parseGraph } from "./parse-graph";
import { FAMILIES, type FamilySpec, isCifarSpec, type Spec } from "./spec";

// Far above every published CIFAR network; a hostile file cannot ask for endless layers.
const SPEC_LIMITS = [
  ["depth", 2000],
  ["width", 4096],
  ["classes", 100_000],
] as const;

/** Reads a spec from JSON. @throws Error that names the field that is not what a spec holds */
export function parseSpec(value: unknown): Spec {
  if ((value as Spec | undefined)?.family === "graph") return parseGraph(value);
  const spec = (value ?? {}) as FamilySpec;
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
