// A network in one file, safetensors with its spec and normalization beside the tensors, written and read with every check.
import { readWhole } from "../files/disk";
import { toHalf } from "../files/dtypes";
import { parseJson } from "../files/json";
import { isSafetensors, openSafetensors } from "../files/safetensors";
import { checkSeal, encodeSealed } from "../files/sealed";
import type { Stored, Values } from "../files/values";
import { checkParameters, firstMisfits, misfitsOf } from "../networks/complete";
import { type Network, parameterShapes, type Parameters } from "../networks/network";
import { parseNormalization, parseSpec } from "../networks/parse";
import type { Spec } from "../networks/spec";
import { parseAssumed } from "./assumed";
import { importOnnx, type OnnxOptions } from "./onnx";
import { importBytes, type ImportOptions, nameOf } from "./torch";

// In the metadata of our own weights. Before there was a digest in every file, only the run.json beside it had one.
const FORMAT = "nontrivial network 2";
const UNSEALED = "nontrivial network 1";
const LARGEST_FILE = 2 ** 30; // bytes

/**
 * Loads a network from an ONNX file (.onnx), from a file that `encodeNetwork` made, or from a PyTorch checkpoint; which of the latter two
 * its content decides, not its ending.
 * @param options those of `importTorch`; for the latter only, but for the name and normalization of an ONNX file
 * @throws Error saying what was found where none can be loaded
 */
export function loadNetworkFile(path: string, options: ImportOptions): Network {
  if (path.endsWith(".onnx")) return importOnnx(path, onnxOptions(options));
  const bytes = readWhole(path, LARGEST_FILE);
  if (!isOwn(bytes)) return importBytes(bytes, options, nameOf(path)).network;
  checkNoOptions(options);
  return decodeNetwork(bytes);
}

const isOwn = (bytes: Uint8Array): boolean =>
  isSafetensors(bytes) && [FORMAT, UNSEALED].includes(openSafetensors(bytes).metadata.format);

/** What is said of an ONNX file, which describes its network otherwise. @throws Error where more is said */
function onnxOptions({ name, normalization, ...rest }: ImportOptions): OnnxOptions {
  const given = Object.keys(rest).filter((option) => rest[option as keyof typeof rest] !== undefined);
  if (given.length) throw new Error(`an ONNX file says this itself: expected no other ${given.join(" and ")}`);
  return { name, normalization };
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
 * A complete network as safetensors, with its name, spec and normalization as metadata, and the digest of all of it.
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
  return encodeSealed({ tensors: parameters, metadata }, (parameter) => half && isKernel(parameter));
}

/** The parameters with every kernel rounded to half precision; batch norms and biases, a small part, stay as they are. */
export function withHalfKernels(parameters: Parameters): Parameters {
  const rounded = ([name, values]: [string, Values]): [string, Values] =>
    isKernel(name) ? [name, { ...values, data: values.data.map(toHalf) }] : [name, values];
  return new Map([...parameters].map(rounded));
}

/** The network that `encodeNetwork` was given. @throws Error naming what is missing, damaged or does not fit */
export function decodeNetwork(bytes: Uint8Array): Network {
  const { tensors, metadata } = openSafetensors(bytes);
  if (metadata.format !== UNSEALED) checkSeal(bytes, metadata);
  for (const field of ["name", "spec", "normalization"])
    if (!Object.hasOwn(metadata, field)) throw new Error(`expected "${field}" in the metadata but found none`);
  const spec = parseSpec(parseJson("spec", metadata.spec));
  const normalization = parseNormalization(parseJson("normalization", metadata.normalization));
  const assumed = Object.hasOwn(metadata, "assumed") && parseAssumed(parseJson("assumed", metadata.assumed));
  const parameters = parametersIn(tensors, metadata.name, spec);
  const network = { name: metadata.name, spec, normalization, parameters, ...(assumed ? { assumed } : {}) };
  checkParameters(network);
  return network;
}

/** Their numbers are read when their shapes are known to be right. */
function parametersIn(tensors: ReadonlyMap<string, Stored>, name: string, spec: Spec): Parameters {
  const misfits = misfitsOf(parameterShapes(spec), tensors);
  if (misfits.length) throw new Error(`Cannot use the network "${name}": ${firstMisfits(misfits)}`);
  return new Map([...tensors].map(([parameter, stored]) => [parameter, stored.read()]));
}
