// Run folders: a training's weights, config, history and provenance, saved and loaded with every check.
import { createHash } from "node:crypto";
import { rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { readWhole, writeTogether } from "./files";
import { type ImportOptions, importTorch } from "./importer";
import type { Network, Parameters } from "./network";
import { checkParameters, parseJson, parseNormalization, parseSpec } from "./parameters";
import { decodeRunFile, type Digest, encodeRunFile, type Run } from "./run-file";
import { decodeSafetensors, encodeSafetensors } from "./safetensors";

const WEIGHTS = "weights.safetensors";
const START = "start.safetensors";
const LARGEST_WEIGHTS = 2 ** 30; // bytes
const LARGEST_JSON = 2 ** 24;
const FORMAT = "nontrivial network 1"; // in the metadata of our own weights

/**
 * Saves a run into its folder; `run.json`, which names the weights by their SHA-256, is put in place last.
 * Throws an Error naming the parameter that is missing or not finite, or the file that could not be written; nothing
 * half-written stays.
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
 * Throws an Error naming the file or field that is missing, damaged or does not fit the others.
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
 * (`.safetensors`, `.th`, `.pt`, `.pth`). The options are those of `importTorch`; what the project wrote itself needs none.
 * Throws an Error saying what was found where none can be loaded.
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

/** Encodes a complete network as safetensors, with its name, spec and normalization as metadata. */
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

/** Decodes what `encodeNetwork` made; throws an Error naming what is missing or does not fit. */
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
