// Run folders (weights and run.json of a training), saved and loaded with every check.
import { createHash } from "node:crypto";
import { existsSync, readdirSync } from "node:fs";
import { rm, stat } from "node:fs/promises";
import { join } from "node:path";
import {
  checkNoOptions,
  encodeNetwork,
  type EncodeOptions,
  loadNetworkFile,
  withHalfKernels,
} from "../checkpoints/network-file";
import type { ImportOptions } from "../checkpoints/torch";
import { readWhole, writeTogether } from "../files/disk";
import { wrong } from "../files/json";
import { printable } from "../text/format";
import { decodeSafetensors } from "../files/safetensors";
import { checkParameters } from "../networks/complete";
import { type Network, type Parameters } from "../networks/network";
import { type Spec, specName } from "../networks/spec";
import { startParameters } from "../training/start";
import { decodeRunFile, type Digest, encodeRunFile, type Run, type RunFile } from "./run-file";

const WEIGHTS = "weights.safetensors";
const START = "start.safetensors";
const LARGEST_WEIGHTS = 2 ** 30; // bytes
const LARGEST_JSON = 2 ** 24;

/**
 * Saves a run into its folder; `run.json`, which names the weights by their SHA-256, is put in place last.
 * Nothing half-written stays.
 * @param options those of `encodeNetwork`
 * @throws Error naming the parameter that is missing or not finite, or the file that could not be written
 * @throws RangeError naming a kernel that is not in half precision yet when it is to be saved so
 */
export async function saveRun(dir: string, run: Run, options: EncodeOptions = {}): Promise<void> {
  const network = toSave(run.network);
  const weights = encodeNetwork(network, options);
  const start = run.start && encodeNetwork({ ...network, parameters: run.start }, options);
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
    return withStart({ network, seed, data, accuracy, ...tested, history, config, provenance }, dir, json);
  } catch (error) {
    throw new Error(`Cannot load the run "${dir}": ${(error as Error).message}`, { cause: error });
  }
}

/**
 * Loads a network from a run folder, from a file that `encodeNetwork` made, from a PyTorch checkpoint (a state_dict, alone or
 * with whatever a training keeps beside it, or safetensors), or from an ONNX file of any CNN (`.onnx`). Otherwise what is in a file
 * decides, not what it is called.
 * @param options those of `importTorch`, of an ONNX file `normalization` alone; what the project wrote itself says all of this, and takes none
 * @returns the network; what an import assumed is said in its `assumed`
 * @throws Error saying what was found where none can be loaded
 */
export async function loadNetwork(path: string, options: Omit<ImportOptions, "name"> = {}): Promise<Network> {
  const found = await stat(path).catch((error: Error) => {
    throw new Error(`Cannot load a network from "${path}": ${error.message}`, { cause: error });
  });
  if (found.isDirectory()) checkRunFolder(path);
  const run = found.isDirectory() ? await loadRun(path) : undefined;
  try {
    if (!run) return loadNetworkFile(path, options);
    checkNoOptions(options);
    return run.network;
  } catch (error) {
    throw new Error(`Cannot load a network from "${path}": ${(error as Error).message}`, { cause: error });
  }
}

/** Adds what the network was before its first step. Committed runs are without that file: it is made of the seed, when it is first asked for. */
function withStart(run: Run, dir: string, json: RunFile): Run {
  const { start } = json;
  if (!start) return run;
  if (existsSync(join(dir, START))) return { ...run, start: loadWeights(dir, START, { ...json, weights: start }) };
  let made: Parameters | undefined;
  return Object.defineProperty(run, "start", { enumerable: true, get: () => (made ??= madeStart(run, start)) });
}

/** @throws Error where the seed gives others than those that the run had */
function madeStart({ network, seed }: Run, { sha256 }: Digest): Parameters {
  const parameters = startParameters(network.spec, seed);
  const forms = [
    { parameters, half: false },
    { parameters: withHalfKernels(parameters), half: true },
  ];
  const found = forms.find(
    (form) => digestOf(encodeNetwork(toSave({ ...network, ...form }), { half: form.half })).sha256 === sha256,
  );
  if (found) return found.parameters;
  throw new Error(
    `Cannot make the start of the run "${network.name}": it has no ${START}, and the seed ${seed} gives another SHA-256 than run.json says`,
  );
}

/** Called by its architecture: equal trainings leave equal weights, whatever their folders are called, which run.json knows. */
const toSave = (network: Network): Network => ({ ...network, name: specName(network.spec) });

/** The SHA-256 by which a run's weights are known. @throws Error when its run.json cannot be read */
export function weightsDigest(dir: string): string {
  return decodeRunFile(readWhole(join(dir, "run.json"), LARGEST_JSON)).weights.sha256;
}

/** The architecture of a run's network, without reading its weights. @throws Error when its run.json cannot be read */
export function specIn(dir: string): Spec {
  return decodeRunFile(readWhole(join(dir, "run.json"), LARGEST_JSON)).spec;
}

/** For how many epochs the network of a run folder was trained; nothing else is read. @throws as `loadRun` */
export function epochsOf(dir: string): number {
  return decodeRunFile(readWhole(join(dir, "run.json"), LARGEST_JSON)).config.epochs;
}

/** @throws Error where a folder is something else that people have in the place of a checkpoint */
function checkRunFolder(path: string): void {
  const names = readdirSync(path);
  if (names.includes("run.json")) return;
  const refuse = (found: string) => {
    throw new Error(`Cannot load a network from "${path}": ${found}`);
  };
  if (["", ...names].some((name) => existsSync(join(path, name, "data.pkl"))))
    refuse(
      "it is a PyTorch checkpoint that was unpacked, as some browsers do with a download: " +
        "download it again, or pack the folder with data.pkl, zip -0 -r NAME.pth FOLDER",
    );
  const weights = names.find((name) => /\.(safetensors|th|pt|pth|bin|ckpt)$/i.test(name));
  if (weights)
    refuse(`it has no run.json, as a run folder has; expected a file, such as "${printable(weights)}" in it`);
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
