// Specs and normalizations read from JSON, with every check.
import { wrong } from "../files/json";
import type { Normalization } from "./network";
import { parseGraph } from "./parse-graph";
import { FAMILIES, type FamilySpec, type Spec } from "./spec";

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
  return onlyKnown(spec);
}

/** The fields of a family, checked, and no others, in the order in which digests of them were taken. */
function onlyKnown(spec: FamilySpec): FamilySpec {
  const { depth, width, classes } = spec;
  switch (spec.family) {
    case "resnet":
    case "plain":
      if (!["A", "B"].includes(spec.shortcut)) wrong("spec.shortcut", spec.shortcut, '"A" or "B"');
      return { family: spec.family, depth, width, shortcut: spec.shortcut, classes };
    case "preresnet":
      if (typeof spec.bottleneck !== "boolean") wrong("spec.bottleneck", spec.bottleneck, "true or false");
      return { family: spec.family, depth, width, bottleneck: spec.bottleneck, classes };
    case "wrn":
      if (!Number.isInteger(spec.factor) || spec.factor < 1 || spec.factor > 99)
        wrong("spec.factor", spec.factor, "a whole number from 1 to 99");
      return { family: spec.family, depth, width, factor: spec.factor, classes };
    case "torchvision-resnet":
      if (!Number.isInteger(spec.side) || spec.side < 1 || spec.side > 4096)
        wrong("spec.side", spec.side, "a whole number from 1 to 4096");
      return { family: spec.family, depth, width, side: spec.side, classes };
    default:
      return { family: spec.family, depth, width, classes };
  }
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
