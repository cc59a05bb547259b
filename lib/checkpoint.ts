// Run folders (weights, config, history and provenance of a training) and network files, saved and loaded with every check.
import { createHash } from "node:crypto";
import { rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Dataset } from "./cifar";
import { readWhole, writeTogether } from "./files";
import type { Network, Parameters } from "./network";
import { checkParameters, parseJson, parseNormalization, parseSpec, wrong } from "./parameters";
import { decodeSafetensors, encodeSafetensors } from "./safetensors";
import { type ImportOptions, importTorch } from "./torch";
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
type RunFile = Omit<Run, "network" | "start"> &
  Omit<Network, "parameters"> & { readonly weights: Digest; readonly start?: Digest };

/** The identity of a weights file beside run.json. */
interface Digest {
  readonly sha256: string;
}

const WEIGHTS = "weights.safetensors";
const START = "start.safetensors";
const LARGEST_WEIGHTS = 2 ** 30; // bytes
const LARGEST_JSON = 2 ** 24;
const FORMAT = "nontrivial network 1"; // in the metadata of our own weights
const SCHEMA = 1; // of run.json
const EPOCH_FIELDS = ["epoch", "rate", "trainLoss", "trainAccuracy", "seconds", "imagesPerSecond"] as const;

/**
 * Saves a run into its folder; `run.json`, which names the weights by their SHA-256, is put in place last.
 * Nothing half-written stays.
 * @throws Error naming the parameter that is missing or not finite, or the file that could not be written
 */
export async function saveRun(dir: string, run: Run): Promise<void> {
  const weights = encodeNetwork(run.network);
  const start = run.start && encodeNetwork({ ...run.network, parameters: run.start });
  const digests = { weights: digestOf(weights), start: start && digestOf(start) };
  const files = new Map([[WEIGHTS, weights]]);
  if (start) files.set(START, start);
  files.set("run.json", encodeRunFile(run, digests)); // last: it vouches for the others
  await writeTogether(dir, files);
  if (!start) await rm(join(dir, START), { force: true }); // of a run that was saved here before
}

/**
 * Loads a run from its folder.
 * @throws Error naming the file or field that is missing, damaged or does not fit the others.
 */
export async function loadRun(dir: string): Promise<Run> {
  try {
    const json = decodeRunFile(readWhole(join(dir, "run.json"), LARGEST_JSON));
    const { name, spec, normalization, seed, data, accuracy, history, config, provenance } = json;
    const network = { name, spec, normalization, parameters: loadWeights(dir, WEIGHTS, json.weights) };
    checkParameters(network);
    const run = { network, seed, data, accuracy, history, config, provenance };
    if (!json.start) return run;
    const start = loadWeights(dir, START, json.start);
    checkParameters({ ...network, name: `${name} (start)`, parameters: start });
    return { ...run, start };
  } catch (error) {
    throw new Error(`Cannot load the run "${dir}": ${(error as Error).message}`, { cause: error });
  }
}

/**
 * Loads a network from a run folder, from a `.safetensors` file that `encodeNetwork` made, or from a PyTorch checkpoint
 * (`.safetensors`, `.th`, `.pt`, `.pth`).
 * @param options those of `importTorch`; what the project wrote itself needs none
 * @throws Error saying what was found where none can be loaded
 */
export async function loadNetwork(
  path: string,
  options: Pick<ImportOptions, "normalization" | "family"> = {},
): Promise<Network> {
  const found = await stat(path).catch((error: Error) => {
    throw new Error(`Cannot load a network from "${path}": ${error.message}`, { cause: error });
  });
  if (found.isDirectory()) return (await loadRun(path)).network;
  try {
    if (!/\.(safetensors|th|pt|pth)$/.test(path))
      throw new Error("expected a run folder, a .safetensors or a .th, .pt or .pth file");
    const own = path.endsWith(".safetensors") && decodeSafetensors(readWhole(path, LARGEST_WEIGHTS));
    return own && own.metadata.format === FORMAT ? networkOf(own) : importTorch(path, options);
  } catch (error) {
    throw new Error(`Cannot load a network from "${path}": ${(error as Error).message}`, { cause: error });
  }
}

/**
 * A complete network as safetensors, with its name, spec and normalization as metadata.
 * @throws Error naming the parameter that is missing or not finite
 */
export function encodeNetwork(network: Network): Uint8Array {
  checkParameters(network);
  const { name, spec, normalization, parameters } = network;
  return encodeSafetensors(parameters, {
    format: FORMAT,
    name,
    spec: JSON.stringify(spec),
    normalization: JSON.stringify(normalization),
  });
}

/** The network that `encodeNetwork` was given. @throws Error naming what is missing or does not fit */
export function decodeNetwork(bytes: Uint8Array): Network {
  return networkOf(decodeSafetensors(bytes));
}

function networkOf({ tensors: parameters, metadata }: ReturnType<typeof decodeSafetensors>): Network {
  for (const field of ["name", "spec", "normalization"])
    if (!Object.hasOwn(metadata, field)) throw new Error(`expected "${field}" in the metadata but found none`);
  const spec = parseSpec(parseJson("spec", metadata.spec));
  const normalization = parseNormalization(parseJson("normalization", metadata.normalization));
  const network = { name: metadata.name, spec, normalization, parameters };
  checkParameters(network);
  return network;
}

function loadWeights(dir: string, file: string, wanted: Digest): Parameters {
  const bytes = readWhole(join(dir, file), LARGEST_WEIGHTS);
  const { sha256 } = digestOf(bytes);
  if (sha256 !== wanted.sha256)
    throw new Error(`${file} has the SHA-256 ${sha256}, but run.json says ${String(wanted.sha256).slice(0, 64)}`);
  return decodeSafetensors(bytes).tensors;
}

function digestOf(bytes: Uint8Array): Digest {
  return { sha256: createHash("sha256").update(bytes).digest("hex") };
}

/** A run as JSON. @throws Error naming a number that JSON does not have (NaN, an infinity) */
function encodeRunFile(run: Run, files: { readonly weights: Digest; readonly start?: Digest }): Uint8Array {
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

/** What a run.json says. @throws Error naming the field that is not as wanted */
function decodeRunFile(bytes: Uint8Array): RunFile {
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
