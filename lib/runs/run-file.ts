// run.json: what a run folder says of its training, written and read with every check. It vouches for the weights beside it by their
// SHA-256 but has none of its own: people read it, mend it, and see its changes in git; no number of the network comes from it.
import type { Dataset } from "../data/dataset";
import { isRecord, parseJson, wrong } from "../files/json";
import { type Network, type Parameters, PRECISIONS } from "../networks/network";
import { parseNormalization, parseSpec } from "../networks/parse";
import type { Epoch } from "../training/history";
import type { TrainConfig } from "../training/recipe";

/** One training with one seed. Its folder holds `weights.safetensors`, `start.safetensors` (where kept) and `run.json`. */
export interface Run {
  readonly network: Network;
  /** The parameters before the first epoch. */
  readonly start?: Parameters;
  readonly seed: number;
  /** What it was trained on. */
  readonly data: TrainedOn;
  /** Test accuracy of the saved weights, as a fraction. */
  readonly accuracy: number;
  /** How many images that was measured on; not written before there were held-out images, when it was always 10,000. */
  readonly testImages?: number;
  readonly history: readonly Epoch[];
  /** What was asked for. */
  readonly config: SavedConfig;
  /** What it was made with: versions, hardware, commit, times; any JSON. */
  readonly provenance: Readonly<Record<string, unknown>>;
}

/** A recipe as a run.json has it; the earliest runs say in other words how the learning rate moved. */
export type SavedConfig = Pick<TrainConfig, "epochs" | "precision"> & Partial<TrainConfig>;

/** The images that a network was trained on. */
export interface TrainedOn extends Pick<Dataset, "name" | "sha256"> {
  /** How many of the split's images. */
  readonly images?: number;
  /** How many were kept apart by `holdOut` before; 0 for none. */
  readonly heldOut?: number;
}

/** What run.json holds: a run without its parameters, which are named by the SHA-256 of their files. */
export type RunFile = Omit<Run, "network" | "start"> &
  Omit<Network, "parameters"> & { readonly weights: Digest; readonly start?: Digest };

/** The identity of a weights file beside run.json. */
export interface Digest {
  readonly sha256: string;
}

const SCHEMA = 1; // of run.json
const EPOCH_FIELDS = ["rate", "trainLoss", "trainAccuracy", "seconds", "imagesPerSecond"] as const;
const WATCHED_FIELDS = ["testLoss", "testAccuracy", "heldOutLoss", "heldOutAccuracy"] as const; // where they were

/** A run as JSON. @throws Error naming a number that JSON does not have (NaN, an infinity) */
export function encodeRunFile(run: Run, files: { readonly weights: Digest; readonly start?: Digest }): Uint8Array {
  const { network, seed, data, accuracy, testImages, history, config, provenance } = run;
  const { name, spec, normalization } = network;
  const identity = { schema: SCHEMA, name, spec, normalization, seed, data };
  const json = { ...identity, accuracy, testImages, ...files, config, provenance, history };
  return new TextEncoder().encode(`${JSON.stringify(json, refuseNaN, 2)}\n`);
}

// JSON.stringify would silently write null.
function refuseNaN(field: string, value: unknown): unknown {
  if (typeof value === "number" && !Number.isFinite(value))
    throw new Error(`Cannot save the run: ${field} is ${value}, expected a finite number`);
  return value;
}

/** What a run.json says. @throws Error naming the field that is not as wanted */
export function decodeRunFile(bytes: Uint8Array): RunFile {
  const json = parseJson("run.json", new TextDecoder().decode(bytes)) as RunFile & { schema: unknown };
  if (json?.schema !== SCHEMA) wrong("schema", json?.schema, String(SCHEMA));
  if (typeof json.name !== "string") wrong("name", json.name, "a string");
  if (!Number.isFinite(json.seed)) wrong("seed", json.seed, "a number");
  if (!(json.accuracy >= 0 && json.accuracy <= 1)) wrong("accuracy", json.accuracy, "a fraction");
  if (json.testImages !== undefined) checkCount("testImages", json.testImages, 1);
  checkData(json.data);
  for (const file of json.start === undefined ? (["weights"] as const) : (["weights", "start"] as const))
    checkDigest(`${file}.sha256`, json[file]?.sha256);
  if (!isRecord(json.config)) wrong("config", json.config, "an object");
  checkCount("config.epochs", json.config.epochs, 1);
  if (!PRECISIONS.includes(json.config.precision))
    wrong("config.precision", json.config.precision, PRECISIONS.join(" or "));
  if (!isRecord(json.provenance)) wrong("provenance", json.provenance, "an object");
  const history = parseHistory(json.history);
  return { ...json, history, spec: parseSpec(json.spec), normalization: parseNormalization(json.normalization) };
}

function checkData(data: TrainedOn): void {
  checkDigest("data.sha256", data?.sha256);
  if (typeof data.name !== "string") wrong("data.name", data.name, "a string");
  if (data.images !== undefined) checkCount("data.images", data.images, 1);
  if (data.heldOut !== undefined) checkCount("data.heldOut", data.heldOut, 0);
}

function checkCount(field: string, count: unknown, least: number): void {
  if (!Number.isSafeInteger(count) || (count as number) < least)
    wrong(field, count, `a whole number of at least ${least}`);
}

function checkDigest(field: string, digest: unknown): void {
  if (typeof digest !== "string" || !/^[0-9a-f]{64}$/.test(digest)) wrong(field, digest, "64 hexadecimal digits");
}

/** A history read from JSON. @throws Error naming the epoch and the field that is not as wanted */
export function parseHistory(value: unknown): Epoch[] {
  if (!Array.isArray(value)) wrong("history", value, "a list");
  (value as Epoch[]).forEach(checkEpoch);
  return value as Epoch[];
}

function checkEpoch(epoch: Epoch, index: number): void {
  if (epoch?.epoch !== index + 1) wrong(`history[${index}].epoch`, epoch?.epoch, String(index + 1));
  const watched = WATCHED_FIELDS.filter((field) => epoch[field] !== undefined);
  for (const field of [...EPOCH_FIELDS, ...watched])
    if (!Number.isFinite(epoch[field])) wrong(`history[${index}].${field}`, epoch[field], "a number");
}
