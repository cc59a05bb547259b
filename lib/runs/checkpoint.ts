// Run folders (weights and run.json of a training) and network files, saved and loaded with every check.
import { createHash } from "node:crypto";
import { rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { parseAssumed } from "../checkpoints/assumed";
import { toHalf } from "../files/dtypes";
import { readWhole, writeTogether } from "../files/disk";
import type { Network, Parameters, Values } from "../networks/network";
import { checkParameters, parseJson, parseNormalization, parseSpec, wrong } from "../checkpoints/parameters";
import { decodeRunFile, type Digest, encodeRunFile, type Run, type RunFile } from "./run-file";
import { decodeSafetensors, encodeSafetensors } from "../files/safetensors";
import { type ImportOptions, importTorch } from "../checkpoints/torch";

const WEIGHTS = "weights.safetensors";
const START = "start.safetensors";
const LARGEST_WEIGHTS = 2 ** 30; // bytes
const LARGEST_JSON = 2 ** 24;
const FORMAT = "nontrivial network 1"; // in the metadata of our own weights
/**
 * Saves a run into its folder; `run.json`, which names the weights by their SHA-256, is put in place last.
 * Nothing half-written stays.
 * @param options those of `encodeNetwork`
 * @throws Error naming the parameter that is missing or not finite, or the file that could not be written
 * @throws RangeError naming a kernel that is not in half precision yet when it is to be saved so
 */
export async function saveRun(dir: string, run: Run, options: EncodeOptions = {}): Promise<void> {
  const weights = encodeNetwork(run.network, options);
  const start = run.start && encodeNetwork({ ...run.network, parameters: run.start }, options);
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
    const { name, spec, normalization, seed, data, accuracy, testImages, history, config, provenance } = json;
    const network = { name, spec, normalization, parameters: loadWeights(dir, WEIGHTS, json) };
    const tested = testImages === undefined ? {} : { testImages };
    const run = { network, seed, data, accuracy, ...tested, history, config, provenance };
    return json.start ? { ...run, start: loadWeights(dir, START, { ...json, weights: json.start }) } : run;
  } catch (error) {
    throw new Error(`Cannot load the run "${dir}": ${(error as Error).message}`, { cause: error });
  }
}

/**
 * Loads a network from a run folder, from a `.safetensors` file that `encodeNetwork` made, or from a PyTorch checkpoint
 * (`.safetensors`, `.th`, `.pt`, `.pth`).
 * @param options those of `importTorch`; what the project wrote itself says all of this, and takes none
 * @returns the network; what an import assumed is said in its `assumed`
 * @throws Error saying what was found where none can be loaded
 */
export async function loadNetwork(path: string, options: Omit<ImportOptions, "name"> = {}): Promise<Network> {
  const found = await stat(path).catch((error: Error) => {
    throw new Error(`Cannot load a network from "${path}": ${error.message}`, { cause: error });
  });
  const run = found.isDirectory() ? await loadRun(path) : undefined;
  try {
    if (run) return takingNone(run.network, options);
    if (!/\.(safetensors|th|pt|pth)$/.test(path))
      throw new Error("expected a run folder, a .safetensors or a .th, .pt or .pth file");
    const own = path.endsWith(".safetensors") && decodeSafetensors(readWhole(path, LARGEST_WEIGHTS));
    return own && own.metadata.format === FORMAT ? takingNone(networkOf(own), options) : importTorch(path, options);
  } catch (error) {
    throw new Error(`Cannot load a network from "${path}": ${(error as Error).message}`, { cause: error });
  }
}

/** What the project wrote itself. Options that were passed over would leave other numbers than those asked for. */
function takingNone(network: Network, options: object): Network {
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  if (!given.length) return network;
  const names = given.map(([name]) => name).join(" and ");
  throw new Error(`this project wrote it, which says everything itself: expected no other ${names}`);
}

/** How a network is written. */
export interface EncodeOptions {
  /** Kernels as float16, half the size; they have to be rounded before (`withHalfKernels`), so that the file is what was evaluated. */
  readonly half?: boolean;
}

const isKernel = (parameter: string) => parameter.endsWith(".kernel");

/**
 * A complete network as safetensors, with its name, spec and normalization as metadata.
 * @throws Error naming the parameter that is missing or not finite
 * @throws RangeError naming a kernel that float16 cannot hold when it is asked for
 */
export function encodeNetwork(network: Network, { half = false }: EncodeOptions = {}): Uint8Array {
  checkParameters(network);
  const { name, spec, normalization, parameters, assumed } = network;
  const metadata = {
    ...{ format: FORMAT, name, spec: JSON.stringify(spec), normalization: JSON.stringify(normalization) },
    ...(assumed ? { assumed: JSON.stringify(assumed) } : {}),
  };
  return encodeSafetensors(parameters, metadata, (parameter) => half && isKernel(parameter));
}

/** The parameters with every kernel rounded to half precision; batch norms and biases, a small part, stay as they are. */
export function withHalfKernels(parameters: Parameters): Parameters {
  const rounded = ([name, values]: [string, Values]): [string, Values] =>
    isKernel(name) ? [name, { ...values, data: values.data.map(toHalf) }] : [name, values];
  return new Map([...parameters].map(rounded));
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
  const assumed = Object.hasOwn(metadata, "assumed") && parseAssumed(parseJson("assumed", metadata.assumed));
  const network = { name: metadata.name, spec, normalization, parameters, ...(assumed ? { assumed } : {}) };
  checkParameters(network);
  return network;
}

/** The parameters in a weights file. @throws Error where the file is another than run.json says, or was made for another network */
function loadWeights(dir: string, file: string, json: RunFile): Parameters {
  const bytes = readWhole(join(dir, file), LARGEST_WEIGHTS);
  const { sha256 } = digestOf(bytes);
  if (sha256 !== json.weights.sha256)
    throw new Error(`${file} has the SHA-256 ${sha256}, but run.json says ${json.weights.sha256.slice(0, 64)}`);
  const { tensors, metadata } = decodeSafetensors(bytes);
  checkParameters({ ...json, name: file === START ? `${json.name} (start)` : json.name, parameters: tensors });
  for (const field of ["spec", "normalization"] as const)
    if (metadata[field] !== JSON.stringify(json[field]))
      wrong(field, json[field], `${String(metadata[field]).slice(0, 200)}, as ${file} says`);
  return tensors;
}

function digestOf(bytes: Uint8Array): Digest {
  return { sha256: createHash("sha256").update(bytes).digest("hex") };
}
