// The checkpoint of an unfinished training: written after each epoch, read by the same training only, removed at its end.
import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { readWhole, writeTogether } from "../files/disk";
import { parseJson } from "../files/json";
import { decodeSealed, encodeSealed } from "../files/sealed";
import { checkParameters, firstMisfits, misfitsOf } from "../networks/complete";
import { isTrainable, type Parameters, parameterShapes } from "../networks/network";
import type { Spec } from "../networks/spec";
import type { TrainConfig } from "../training/recipe";
import type { Progress } from "../training/train";
import { parseHistory, type TrainedOn } from "./run-file";

/** What has to be the same for a training to go on. */
export interface Purpose {
  readonly spec: Spec;
  readonly config: TrainConfig;
  readonly data: TrainedOn;
}

/** One stretch of a training that was interrupted and went on. */
export interface Session {
  /** How many epochs were done when it began. */
  readonly afterEpoch: number;
  /** When, in ISO 8601. */
  readonly began: string;
  /** The code that it ran. */
  readonly commit: string;
  /** The processor that it ran on; not written before there were several in one training. */
  readonly processor?: string;
}

/** What a checkpoint holds. */
export interface SavedProgress extends Progress {
  /** The last one is the one that saved it. */
  readonly sessions: readonly Session[];
}

const FILE = "checkpoint.safetensors";
const LARGEST = 2 ** 31;
const PARAMETER = "parameter/";
const VELOCITY = "velocity/";

/** Saves where a training stands, in place of its last checkpoint. @throws Error when the file cannot be written */
export async function saveProgress(dir: string, purpose: Purpose, progress: SavedProgress): Promise<void> {
  const tensors = new Map([...prefixed(PARAMETER, progress.parameters), ...prefixed(VELOCITY, progress.velocity)]);
  const { history, sessions } = progress;
  const metadata = Object.entries({ purpose, history, sessions }).map(([key, value]) => [key, JSON.stringify(value)]);
  await writeTogether(dir, new Map([[FILE, encodeSealed({ tensors, metadata: Object.fromEntries(metadata) })]]));
}

/**
 * Where the training of that folder stopped; undefined where there is no checkpoint.
 * @throws Error naming the field in which the checkpoint's training differs, or what is damaged in it
 */
export function loadProgress(dir: string, purpose: Purpose): SavedProgress | undefined {
  const path = join(dir, FILE);
  if (!existsSync(path)) return undefined;
  try {
    const { tensors, metadata } = decodeSealed(readWhole(path, LARGEST));
    checkSame(jsonIn(metadata, "purpose"), purpose);
    const [parameters, velocity] = [unprefixed(PARAMETER, tensors), unprefixed(VELOCITY, tensors)];
    checkParameters({ name: FILE, spec: purpose.spec, parameters });
    checkVelocity(purpose.spec, velocity);
    const history = parseHistory(jsonIn(metadata, "history"));
    return { parameters, velocity, history, sessions: jsonIn(metadata, "sessions") as Session[] };
  } catch (error) {
    const advice = "use another folder, or start afresh";
    throw new Error(`Cannot go on from "${path}": ${(error as Error).message}; ${advice}`, { cause: error });
  }
}

/** Removes the checkpoint of a folder's training. */
export async function removeProgress(dir: string): Promise<void> {
  await rm(join(dir, FILE), { force: true });
}

/** @throws Error naming the first field in which what was found is not what is wanted: 'it has config.seed 1, wanted 2' */
export function checkSame(found: object, wanted: Purpose): void {
  const difference = firstDifference(found, JSON.parse(JSON.stringify(wanted)));
  if (difference) throw new Error(`it has ${difference}`);
}

function checkVelocity(spec: Spec, velocity: Parameters): void {
  const shapes = new Map([...parameterShapes(spec)].filter(([name]) => isTrainable(name)));
  const misfits = misfitsOf(shapes, velocity);
  if (misfits.length) throw new Error(`of the velocities, ${firstMisfits(misfits)}`);
  for (const [name, { data }] of velocity) {
    const bad = data.find((value) => !Number.isFinite(value));
    if (bad !== undefined) throw new Error(`the velocity of ${name} holds ${bad}, expected finite numbers`);
  }
}

/** A field of the checkpoint's metadata. @throws Error naming the field that is missing or not JSON */
function jsonIn(metadata: Readonly<Record<string, string>>, field: string): object {
  return parseJson(`"${field}" in ${FILE}`, metadata[field] ?? "") as object;
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
