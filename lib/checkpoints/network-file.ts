// A network in one file, safetensors with its spec and normalization beside the tensors, written and read with every check.
import { readWhole } from "../files/disk";
import { toHalf } from "../files/dtypes";
import { parseJson } from "../files/json";
import { decodeSafetensors, encodeSafetensors } from "../files/safetensors";
import type { Values } from "../files/values";
import { checkParameters } from "../networks/complete";
import type { Network, Parameters } from "../networks/network";
import { parseNormalization, parseSpec } from "../networks/parse";
import { parseAssumed } from "./assumed";
import { type ImportOptions, importTorch } from "./torch";

const FORMAT = "nontrivial network 1"; // in the metadata of our own weights
const LARGEST_FILE = 2 ** 30; // bytes

/**
 * Loads a network from a `.safetensors` file that `encodeNetwork` made, or from a PyTorch checkpoint.
 * @param options those of `importTorch`; for the latter only
 * @throws Error saying what was found where none can be loaded
 */
export function loadNetworkFile(path: string, options: ImportOptions): Network {
  if (!/\.(safetensors|th|pt|pth)$/.test(path))
    throw new Error("expected a run folder, a .safetensors or a .th, .pt or .pth file");
  const own = path.endsWith(".safetensors") && decodeSafetensors(readWhole(path, LARGEST_FILE));
  if (!own || own.metadata.format !== FORMAT) return importTorch(path, options);
  checkNoOptions(options);
  return networkOf(own);
}

/** For what the project wrote itself: options that were passed over would leave other numbers than those asked for. @throws Error */
export function checkNoOptions(options: object): void {
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  if (!given.length) return;
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
