// Networks from PyTorch and to PyTorch: imports checkpoints of networks for CIFAR, with a report of what became what, and exports state_dicts.
import { basename } from "node:path";
import { shown } from "./dtypes";
import { readWhole } from "./files";
import type { Network, Normalization, Parameters, Values } from "../network";
import { checkParameters, firstOf, misfitsOf, parseJson, parseNormalization, parseSpec, wrong } from "./parameters";
import { decodeSafetensors, encodeSafetensors } from "./safetensors";
import { type CifarSpec, type Spec, specName } from "../spec";
import { decodeTorchCheckpoint } from "./torch-file";
import { type Place, placesOf, STATED, toChannelsFirst, toChannelsLast } from "./torch-layout";
import { type Author, authorOf, commonName, inferSpec } from "./torch-names";

const LARGEST_FILE = 2 ** 30; // bytes; a ResNet-1202 has 78 MB

/** ImageNet's pixel statistics, with which akamaster's CIFAR networks were trained. */
const IMAGENET_NORMALIZATION: Normalization = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

/** What kuangliu's and chenyaofo's networks of ten classes were trained with. Source: main.py in kuangliu/pytorch-cifar. */
const CIFAR10_USUAL: Normalization = { mean: [0.4914, 0.4822, 0.4465], std: [0.2023, 0.1994, 0.201] };

/** Source, also for ten classes: the logs of his trainings, logs/cifar10 and logs/cifar100 in chenyaofo/pytorch-cifar-models. */
const CHENYAOFO_CIFAR100: Normalization = { mean: [0.507, 0.4865, 0.4409], std: [0.2673, 0.2564, 0.2761] };

export interface ImportOptions {
  /** The network's name; otherwise the one in the file, or the file's own. */
  readonly name?: string;
  /** What the pixels were normalized by in training, which decides over the names' usual one. */
  readonly normalization?: Normalization;
  /** A file says nothing of shortcuts without parameters: "plain" where the network has none. */
  readonly family?: CifarSpec["family"];
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
  /** Who decided the normalization: the caller, the file itself, or the author whose names the tensors have. */
  readonly normalizedBy: "options" | "file" | Author;
  /** In the order of the file. */
  readonly rows: readonly ImportRow[];
}

/**
 * Imports a PyTorch checkpoint (zip, legacy or safetensors), given as a path or its bytes. Understands the names of
 * akamaster/pytorch_resnet_cifar10, of kuangliu/pytorch-cifar, of chenyaofo/pytorch-cifar-models (as in torchvision and
 * timm), and of wrappers around them. Family, depth, width, shortcut and classes follow from names and shapes. What has no
 * parameters cannot be seen: a ResNet-18 is taken to have no max pool after its stem, a bottleneck its stride in the 3x3.
 *
 * The pixels' normalization is part of a network but not of the file. By default it is ImageNet's for akamaster's names
 * (`linear`, `shortcut`), CIFAR's with their constants for kuangliu's (the same with `layer4`, or VGG's `features`; 10
 * classes) and chenyaofo's (`fc`, `downsample`, three stages; 10 or 100 classes), and that of the metadata for what
 * `encodeTorchState` wrote; with any other names it has to be given.
 * @throws Error naming the first parameters that do not fit or are not finite.
 */
export function importTorch(file: string | Uint8Array, options: ImportOptions = {}): Network {
  return importReport(file, options).network;
}

/** Like `importTorch`, with a report of what was mapped to what. */
export function importReport(file: string | Uint8Array, options: ImportOptions = {}): ImportReport {
  const { found, stated } = readTensors(typeof file === "string" ? readWhole(file, LARGEST_FILE) : file);
  const tensors = commonTensors(found);
  const spec = stated?.spec ?? inferSpec(tensors, options.family ?? "resnet");
  const name = options.name ?? stated?.name ?? (typeof file === "string" ? nameOf(file) : specName(spec));
  const places = placesOf(spec);
  checkFit(name, places, { spec, tensors });
  const { normalization, by } = chooseNormalization([...found.keys()], spec, { stated, options });
  const parameters = new Map(places.map((place) => [place.name, valuesAt(place, tensors)]));
  const network = { name, spec, normalization, parameters };
  checkParameters(network);
  return { network, normalizedBy: by, rows: rowsOf(found, places) };
}

type Stated = Pick<Network, "name" | "spec" | "normalization">;

/** The tensors of a file in any of the formats, and what a file of `encodeTorchState` states besides. */
function readTensors(bytes: Uint8Array): { found: Map<string, Values>; stated?: Stated } {
  // Safetensors' JSON begins at byte 8, where a zip archive has a 0 and the legacy format a byte of its magic number.
  if (bytes[8] !== 0x7b) return { found: decodeTorchCheckpoint(bytes) };
  const { tensors, metadata } = decodeSafetensors(bytes);
  return { found: tensors, stated: Object.hasOwn(metadata, STATED) ? parseStated(metadata[STATED]) : undefined };
}

function parseStated(text: string): Stated {
  const { name, spec, normalization } = (parseJson(STATED, text) ?? {}) as Record<string, unknown>;
  if (typeof name !== "string") return wrong(`${STATED}.name`, name, "a string");
  return { name, spec: parseSpec(spec), normalization: parseNormalization(normalization) };
}

function commonTensors(found: Parameters): Map<string, Values> {
  const tensors = new Map<string, Values>();
  for (const [from, values] of found) {
    const name = commonName(from);
    if (name === undefined) continue;
    if (tensors.has(name))
      throw new Error(`Cannot import the checkpoint: it holds "${name.slice(0, 100)}" under two names`);
    tensors.set(name, values);
  }
  return tensors;
}

function nameOf(path: string): string {
  return basename(path).replace(/\.(th|pt|pth|safetensors)$/, "");
}

function checkFit(
  name: string,
  places: readonly Place[],
  { spec, tensors }: { readonly spec: Spec; readonly tensors: Parameters },
): void {
  const wanted = new Map(places.map(({ source, shape }) => [source, shape]));
  for (const { bias, shape } of places) if (bias && tensors.has(bias)) wanted.set(bias, shape);
  const misfits = misfitsOf(wanted, tensors);
  if (!misfits.length) return;
  const guess = `${specName(spec)} with ${spec.classes} classes`;
  throw new Error(`Cannot import "${name}" as ${guess}: ${firstOf(misfits)}`);
}

/** A parameter of the network, out of the file's tensors. */
function valuesAt({ source, bias }: Place, tensors: Parameters): Values {
  const values = toChannelsLast(tensors.get(source)!);
  const shift = bias && tensors.get(bias)?.data;
  return shift ? { shape: values.shape, data: values.data.map((mean, channel) => mean - shift[channel]) } : values;
}

function chooseNormalization(
  names: readonly string[],
  spec: Spec,
  { stated, options }: { readonly stated?: Stated; readonly options: ImportOptions },
): { normalization: Normalization; by: ImportReport["normalizedBy"] } {
  if (options.normalization) return { normalization: parseNormalization(options.normalization), by: "options" };
  if (stated) return { normalization: stated.normalization, by: "file" };
  const author = authorOf(names);
  const usual = author && usualNormalization(author, spec.classes);
  if (author && usual) return { normalization: usual, by: author };
  throw new Error(
    "Cannot import the checkpoint: expected the names of akamaster's, chenyaofo's or kuangliu's networks, from which the " +
      `normalization of the pixels would follow, but found a mixture or another number of classes (${spec.classes}); ` +
      "give the normalization",
  );
}

function usualNormalization(author: Author, classes: number): Normalization | undefined {
  if (author === "akamaster") return IMAGENET_NORMALIZATION;
  if (classes === 10) return CIFAR10_USUAL;
  return author === "chenyaofo" && classes === 100 ? CHENYAOFO_CIFAR100 : undefined;
}

function rowsOf(found: Parameters, places: readonly Place[]): ImportRow[] {
  const parameters = new Map(places.map(({ source, name }) => [source, name]));
  for (const { bias, name } of places) if (bias) parameters.set(bias, name);
  return [...found].map(([from, { shape }]) => ({
    from,
    to: parameters.get(commonName(from) ?? "") ?? "",
    shape: shown(shape),
  }));
}

/**
 * A network as a PyTorch state_dict in safetensors: the names of akamaster (CIFAR ResNets) or kuangliu (the other families,
 * with the biases that his VGG's convolutions have, all zero), kernels [out, in, h, w], float32. PyTorch reads it by `safetensors.torch.load_file` and, with `strict=True`, `load_state_dict`. Name, spec and normalization go
 * along as metadata, so that `importTorch` gives back the same network.
 * @throws Error naming the parameter that is missing or not finite.
 */
export function encodeTorchState(network: Network): Uint8Array {
  checkParameters(network);
  const { name, spec, normalization, parameters } = network;
  const tensors = new Map<string, Values>();
  for (const { name: parameter, source, shape, bias } of placesOf(spec)) {
    tensors.set(source, toChannelsFirst(parameters.get(parameter)!, shape));
    if (bias) tensors.set(bias, { shape, data: new Float32Array(shape[0]) });
  }
  return encodeSafetensors(tensors, {
    format: "pt", // by which other readers of safetensors know PyTorch's order of axes
    [STATED]: JSON.stringify({ name, spec, normalization }),
  });
}
