// Networks from PyTorch and to PyTorch: imports checkpoints of networks for CIFAR, with a report of what became what, and exports state_dicts.
import { basename } from "node:path";
import { readWhole } from "../files/disk";
import { shown } from "../files/dtypes";
import { parseJson, wrong } from "../files/json";
import { encodeSafetensors, isSafetensors, openSafetensors } from "../files/safetensors";
import { readTorchWeights } from "../files/torch-file";
import { chosenSet, weightSet } from "../files/torch-weights";
import { sizeOf, type Stored, type Values } from "../files/values";
import { checkParameters, firstMisfits, misfitsOf } from "../networks/complete";
import type { Assumed, Network, Normalization } from "../networks/network";
import { parseNormalization, parseSpec } from "../networks/parse";
import { type CifarSpec, familySpec, type Spec, specName } from "../networks/spec";
import { normalizationText, parseAssumed, shapeAssumptions } from "./assumed";
import { type StoredParameter, storedParameters, STATED, toChannelsFirst, toChannelsLast } from "./torch-layout";
import { checkNoMasks, commonName, inferSpec } from "./torch-names";
import { chooseNormalization, type Chosen, takeNormalization } from "./torch-normalization";

const LARGEST_FILE = 2 ** 30; // bytes; a ResNet-1202 has 78 MB
const FLOATING = ["F32", "F16", "BF16", "F64"];

export interface ImportOptions {
  /** The network's name; otherwise the one in the file, or the file's own. */
  readonly name?: string;
  /** What the pixels were normalized by in training, which decides over the names' usual one. */
  readonly normalization?: Normalization;
  /** A file says nothing of shortcuts without parameters: "plain" where the network has none. */
  readonly family?: CifarSpec["family"];
  /** Rows, and columns, of the images of a ResNet with a 7x7 stem, of which a file says nothing; 224 by default. */
  readonly side?: number;
  /** Of a file that holds several: "raw", "averaged", or the key of a state_dict; the averaged ones by default, as timm does. */
  readonly weights?: string;
}

/** One tensor of the file: its name and shape there, and the parameter it became ("" where it is not needed). */
export interface ImportRow {
  readonly from: string;
  readonly to: string;
  readonly shape: string;
}

/** An imported network, and where everything in it comes from. */
export interface ImportReport {
  readonly network: Network;
  readonly normalizedBy: Chosen["by"];
  /** In the order of the file. */
  readonly rows: readonly ImportRow[];
}

/**
 * Imports a PyTorch checkpoint (zip, legacy or safetensors), given as a path or its bytes. Understands the names of
 * akamaster/pytorch_resnet_cifar10, of kuangliu/pytorch-cifar, of chenyaofo/pytorch-cifar-models (as in torchvision and
 * timm), of xternalz/WideResNet-pytorch and of pytorchcv's PreResNets and WRNs for CIFAR, and of wrappers around them. Family, depth, width, shortcut and classes follow from names and shapes. What has no
 * parameters cannot be seen: a ResNet-18 is taken to have no max pool after its stem, a bottleneck its stride in the 3x3.
 *
 * The pixels' normalization is part of a network but not of the file. By default it is ImageNet's for akamaster's names
 * (`linear`, `shortcut`), CIFAR's with their constants for kuangliu's (the same with `layer4`, or VGG's `features`; 10
 * classes), chenyaofo's (`fc`, `downsample`, three stages), xternalz's and pytorchcv's (10 or 100 classes), and that of the metadata for what
 * `encodeTorchState` wrote; with any other names it has to be given. A network that normalizes the pixels itself says it.
 *
 * What was assumed in these ways is said in the network's `assumed`.
 * @throws Error naming the first parameters that do not fit or are not finite.
 */
export function importTorch(file: string | Uint8Array, options: ImportOptions = {}): Network {
  return importReport(file, options).network;
}

/** Like `importTorch`, with a report of what was mapped to what. */
export function importReport(file: string | Uint8Array, options: ImportOptions = {}): ImportReport {
  return typeof file === "string"
    ? importBytes(readWhole(file, LARGEST_FILE), options, nameOf(file))
    : importBytes(file, options);
}

/** Like `importReport`, of a file's bytes. @param otherwise the network's name where neither the options nor the file have one */
export function importBytes(bytes: Uint8Array, options: ImportOptions, otherwise?: string): ImportReport {
  const { found, weights, stated } = readTensors(bytes, options.weights);
  checkNoMasks([...found.keys()]);
  const { tensors: own, inside } = takeNormalization(found);
  const tensors = commonTensors(own);
  const spec = specIn(tensors, stated, options);
  const name = options.name ?? stated?.name ?? otherwise ?? specName(spec);
  const places = storedParameters(spec).map(commonPlace);
  checkTensors(name, places, { spec, tensors });
  checkNumbers(places, tensors, bytes.length);
  const given = { given: options.normalization, stated: stated?.normalization ?? inside };
  const { normalization, by } = chooseNormalization([...found.keys()], spec, given);
  const parameters = new Map(places.map((place) => [place.name, valuesAt(place, tensors)]));
  const assumed = assumptionsOf({ spec, stated, options }, { normalization, by }, weights);
  const network = { name, spec, normalization, parameters, ...(assumed ? { assumed } : {}) };
  checkParameters(network);
  return { network, normalizedBy: by, rows: importRows(found, places) };
}

/** The place of a parameter by the names of `commonName`, whoever's it has. */
const commonPlace = (place: StoredParameter): StoredParameter => ({ ...place, source: commonName(place.source)! });

/** What the file states that it was assumed when its network was imported before, or what is assumed now. */
function assumptionsOf(
  { spec, stated, options }: { spec: Spec; stated?: Stated; options: ImportOptions },
  { normalization, by }: Chosen,
  weights?: string,
): Assumed | undefined {
  const { normalization: before, ...shape } = stated
    ? (stated.assumed ?? {})
    : shapeAssumptions(familySpec(spec), options);
  const now = by === "options" ? undefined : by === "file" ? before : normalizationText(normalization, by);
  const all = { ...shape, ...(weights ? { weights } : {}), ...(now ? { normalization: now } : {}) };
  return Object.keys(all).length ? all : undefined;
}

type Stated = Pick<Network, "name" | "spec" | "normalization" | "assumed">;

/** The spec that a file states, or that its tensors show. @throws Error where a family is asked for that is not the stated one */
function specIn(tensors: ReadonlyMap<string, Stored>, stated?: Stated, { family, side }: ImportOptions = {}): Spec {
  if (!stated) return inferSpec(tensors, { family: family ?? "resnet", side });
  if (family === undefined || family === stated.spec.family) return stated.spec;
  throw new Error(
    `Cannot import "${stated.name}" as a ${family} network: the file says that it is ${specName(stated.spec)}`,
  );
}

/** The tensors of a file in any of the formats, and what a file of `encodeTorchState` states besides. */
function readTensors(
  bytes: Uint8Array,
  asked?: string,
): { found: ReadonlyMap<string, Stored>; weights?: string; stated?: Stated } {
  if (!isSafetensors(bytes)) {
    const { tensors, choice } = readTorchWeights(bytes, asked);
    return { found: tensors, weights: choice };
  }
  const { tensors, metadata } = openSafetensors(bytes);
  chosenSet([weightSet("", tensors)], asked);
  return { found: tensors, stated: Object.hasOwn(metadata, STATED) ? parseStated(metadata[STATED]) : undefined };
}

function parseStated(text: string): Stated {
  const { name, spec, normalization, assumed } = (parseJson(STATED, text) ?? {}) as Record<string, unknown>;
  if (typeof name !== "string") return wrong(`${STATED}.name`, name, "a string");
  const known = { spec: parseSpec(spec), normalization: parseNormalization(normalization) };
  return { name, ...known, assumed: parseAssumed(assumed) };
}

function commonTensors(found: ReadonlyMap<string, Stored>): Map<string, Stored> {
  const tensors = new Map<string, Stored>();
  for (const [from, values] of found) {
    const name = commonName(from);
    if (name === undefined) continue;
    if (tensors.has(name))
      throw new Error(`Cannot import the checkpoint: it holds "${name.slice(0, 100)}" under two names`);
    tensors.set(name, values);
  }
  return tensors;
}

/** What a checkpoint's file is called, without the endings that people give them. */
export function nameOf(path: string): string {
  return basename(path).replace(/(?<=.)\.(th|pt|pth|pth\.tar|bin|ckpt|pkl|t7|safetensors)$/i, "");
}

function checkTensors(
  name: string,
  places: readonly StoredParameter[],
  { spec, tensors }: { spec: Spec; tensors: ReadonlyMap<string, Stored> },
): void {
  const wanted = new Map(places.map(({ source, shape }) => [source, shape]));
  for (const { bias, shape } of places) if (bias && tensors.has(bias)) wanted.set(bias, shape);
  const misfits = misfitsOf(wanted, tensors);
  if (!misfits.length) return;
  const guess = `${specName(spec)} with ${spec.classes} classes`;
  throw new Error(`Cannot import "${name}" as ${guess}: ${firstMisfits(misfits)}`);
}

/**
 * Before any number is read: float32 takes at most twice the bytes of what is read into it, as no tensor stands for more numbers
 * than it has in the file, and none of them are small integers.
 */
function checkNumbers(places: readonly StoredParameter[], tensors: ReadonlyMap<string, Stored>, size: number): void {
  let numbers = 0;
  for (const { source, shape } of places) {
    const { dtype } = tensors.get(source)!;
    if (!FLOATING.includes(dtype))
      throw new Error(
        `Cannot import the checkpoint: ${source} is of ${dtype}, expected ${FLOATING.join(", ")}; quantized weights have to be ` +
          "turned back into floating-point numbers, which their scales are needed for",
      );
    numbers += sizeOf(shape);
  }
  if (2 * numbers > size)
    throw new Error(
      `Cannot import the checkpoint: its tensors share storages to hold ${numbers} numbers in ${size} bytes`,
    );
}

/** A parameter of the network, out of the file's tensors. */
function valuesAt({ source, bias }: StoredParameter, tensors: ReadonlyMap<string, Stored>): Values {
  const values = toChannelsLast(tensors.get(source)!.read());
  const shift = bias && tensors.get(bias)?.read().data;
  return shift ? { shape: values.shape, data: values.data.map((mean, channel) => mean - shift[channel]) } : values;
}

function importRows(found: ReadonlyMap<string, Stored>, places: readonly StoredParameter[]): ImportRow[] {
  const parameters = new Map(places.map(({ source, name }) => [source, name]));
  for (const { bias, name } of places) if (bias) parameters.set(bias, name);
  return [...found].map(([from, { shape }]) => ({
    from,
    to: parameters.get(commonName(from) ?? "") ?? "",
    shape: shown(shape),
  }));
}

/**
 * A network as a PyTorch state_dict in safetensors: the names of akamaster (CIFAR ResNets), pytorchcv (pre-activation ResNets),
 * xternalz (Wide ResNets) or kuangliu (the other families, with the biases that his VGG's convolutions have, all zero), kernels [out, in, h, w], float32. PyTorch reads it by `safetensors.torch.load_file` and, with `strict=True`, `load_state_dict`. Name, spec and normalization go
 * along as metadata (and what an import assumed), so that `importTorch` gives back the same network.
 * @throws Error naming the parameter that is missing or not finite.
 */
export function encodeTorchState(network: Network): Uint8Array {
  checkParameters(network);
  const { name, spec, normalization, parameters, assumed } = network;
  const tensors = new Map<string, Values>();
  for (const { name: parameter, source, shape, bias } of storedParameters(spec)) {
    tensors.set(source, toChannelsFirst(parameters.get(parameter)!, shape));
    if (bias) tensors.set(bias, { shape, data: new Float32Array(shape[0]) });
  }
  return encodeSafetensors(tensors, {
    format: "pt", // by which other readers of safetensors know PyTorch's order of axes
    [STATED]: JSON.stringify({ name, spec, normalization, assumed }),
  });
}
