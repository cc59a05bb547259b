// The checkpoint of an unfinished training: written after each epoch, read by the same training only, removed at its end.
import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { readWhole, writeTogether } from "../files";
import type { Parameters, Spec } from "../network";
import { parseJson } from "../parameters";
import { decodeSafetensors, encodeSafetensors } from "../safetensors";
import type { Epoch, Progress, TrainConfig } from "../train";

/** What has to be the same for a training to go on. */
export interface Purpose {
  readonly spec: Spec;
  readonly config: TrainConfig;
  /** The digest of the training images, and how many of them are used. */
  readonly data: string;
}

const FILE = "checkpoint.safetensors";
const LARGEST = 2 ** 31;
const PARAMETER = "parameter/";
const VELOCITY = "velocity/";

/** Saves where a training stands, in place of its last checkpoint. */
export async function saveProgress(dir: string, purpose: Purpose, progress: Progress): Promise<void> {
  const tensors = new Map([...prefixed(PARAMETER, progress.parameters), ...prefixed(VELOCITY, progress.velocity)]);
  const metadata = { purpose: JSON.stringify(purpose), history: JSON.stringify(progress.history) };
  await writeTogether(dir, new Map([[FILE, encodeSafetensors(tensors, metadata)]]));
}

/**
 * Where the training of that folder stopped; undefined where there is no checkpoint.
 * @throws Error naming the field in which the checkpoint's training differs
 */
export function loadProgress(dir: string, purpose: Purpose): Progress | undefined {
  const path = join(dir, FILE);
  if (!existsSync(path)) return undefined;
  const { tensors, metadata } = decodeSafetensors(readWhole(path, LARGEST));
  const difference = firstDifference(jsonIn(metadata, "purpose"), JSON.parse(JSON.stringify(purpose)));
  if (difference)
    throw new Error(`Cannot go on from "${path}": it has ${difference}; use another folder, or start afresh`);
  return {
    parameters: unprefixed(PARAMETER, tensors),
    velocity: unprefixed(VELOCITY, tensors),
    history: jsonIn(metadata, "history") as Epoch[],
  };
}

/** A field of the checkpoint's metadata. @throws Error naming the field that is missing or not JSON */
function jsonIn(metadata: Readonly<Record<string, string>>, field: string): object {
  return parseJson(`"${field}" in ${FILE}`, metadata[field] ?? "") as object;
}

/** Removes the checkpoint of a finished training. */
export async function removeProgress(dir: string): Promise<void> {
  await rm(join(dir, FILE), { force: true });
}

/** "config.seed 1, wanted 2" for the first field that differs. */
function firstDifference(found: object, wanted: object, path = ""): string | undefined {
  for (const [key, value] of Object.entries(wanted)) {
    const other = (found as Record<string, unknown>)[key];
    if (typeof value === "object" && typeof other === "object" && other) {
      const inner = firstDifference(other, value as object, `${path}${key}.`);
      if (inner) return inner;
    } else if (other !== value) return `${path}${key} ${JSON.stringify(other)}, wanted ${JSON.stringify(value)}`;
  }
  return undefined;
}

function prefixed(prefix: string, tensors: Parameters): Parameters {
  return new Map([...tensors].map(([name, values]) => [prefix + name, values]));
}

function unprefixed(prefix: string, tensors: Parameters): Parameters {
  return new Map(
    [...tensors]
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, values]) => [name.slice(prefix.length), values]),
  );
}
