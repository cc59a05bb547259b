// The run.json of a run folder: what a training was, written and read with every field checked.
import type { Dataset } from "./cifar";
import type { Network, Parameters } from "./network";
import { parseJson, parseNormalization, parseSpec, wrong } from "./parameters";
import type { Epoch } from "./train";

/** One training with one seed. Its folder holds `weights.safetensors`, `start.safetensors` (where kept) and `run.json`. */
export interface Run {
  readonly network: Network;
  /** The parameters before the first epoch. */
  readonly start?: Parameters;
  readonly seed: number;
  /** What it was trained on. */
  readonly data: Pick<Dataset, "name" | "sha256">;
  /** Test accuracy at the end, as a fraction. */
  readonly accuracy: number;
  readonly history: readonly Epoch[];
  /** What was asked for: any JSON. */
  readonly config: unknown;
  /** What it was made with: versions, hardware, commit, times; any JSON. */
  readonly provenance: Readonly<Record<string, unknown>>;
}

/** What run.json holds: a run without its parameters, which are named by the SHA-256 of their files. */
export type RunFile = Omit<Run, "network" | "start"> &
  Omit<Network, "parameters"> & { readonly weights: Digest; readonly start?: Digest };

/** The identity of a weights file beside run.json. */
export interface Digest {
  readonly sha256: string;
}

const SCHEMA = 1;
const EPOCH_FIELDS = ["epoch", "rate", "trainLoss", "trainAccuracy", "seconds", "imagesPerSecond"] as const;

/** Writes a run as JSON; throws an Error naming a number that JSON does not have (NaN, an infinity). */
export function encodeRunFile(run: Run, files: { readonly weights: Digest; readonly start?: Digest }): Uint8Array {
  const { network, seed, data, accuracy, history, config, provenance } = run;
  const { name, spec, normalization } = network;
  const identity = { schema: SCHEMA, name, spec, normalization, seed, data: { name: data.name, sha256: data.sha256 } };
  const json = { ...identity, accuracy, ...files, config, provenance, history };
  return new TextEncoder().encode(`${JSON.stringify(json, refuseNaN, 2)}\n`);
}

// JSON.stringify would silently write null.
function refuseNaN(field: string, value: unknown): unknown {
  if (typeof value === "number" && !Number.isFinite(value))
    throw new Error(`Cannot save the run: ${field} is ${value}, expected a finite number`);
  return value;
}

/** Reads a run.json; throws an Error naming the field that is not as wanted. */
export function decodeRunFile(bytes: Uint8Array): RunFile {
  const json = parseJson("run.json", new TextDecoder().decode(bytes)) as RunFile & { schema: unknown };
  if (json?.schema !== SCHEMA) wrong("schema", json?.schema, String(SCHEMA));
  if (typeof json.name !== "string") wrong("name", json.name, "a string");
  if (!Number.isFinite(json.seed)) wrong("seed", json.seed, "a number");
  if (!(json.accuracy >= 0 && json.accuracy <= 1)) wrong("accuracy", json.accuracy, "a fraction");
  if (typeof json.data?.sha256 !== "string") wrong("data.sha256", json.data?.sha256, "a string");
  if (typeof json.weights?.sha256 !== "string") wrong("weights.sha256", json.weights?.sha256, "a string");
  if (!Array.isArray(json.history)) wrong("history", json.history, "a list");
  json.history.forEach(checkEpoch);
  return { ...json, spec: parseSpec(json.spec), normalization: parseNormalization(json.normalization) };
}

function checkEpoch(epoch: Epoch, index: number): void {
  for (const field of EPOCH_FIELDS)
    if (!Number.isFinite(epoch?.[field])) wrong(`history[${index}].${field}`, epoch?.[field], "a number");
}
