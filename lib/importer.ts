// Imports public PyTorch checkpoints of CIFAR ResNets as networks.
import { basename } from "node:path";

import { readWhole } from "./files";
import {
  type Layer,
  layersOf,
  type Network,
  type Normalization,
  type Parameters,
  type Spec,
  type Values,
} from "./network";
import { checkParameters, firstOf, misfitsOf } from "./parameters";
import { decodeTorchCheckpoint } from "./torch";

const LARGEST_FILE = 2 ** 30; // bytes; a ResNet-1202 has 78 MB

/** ImageNet's pixel statistics, with which akamaster's CIFAR networks were trained. */
export const IMAGENET_NORMALIZATION: Normalization = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

const NORM_PARTS = { weight: "gamma", bias: "beta", running_mean: "mean", running_var: "variance" };

/** How one parameter is found: its name here and, of the tensor that holds it, the name and the shape. */
interface Place {
  readonly name: string;
  readonly source: string;
  readonly shape: readonly number[]; // PyTorch's: [out, in, h, w] or [out, in]
}

/**
 * Imports a PyTorch checkpoint with the names of akamaster/pytorch_resnet_cifar10, given as a path or its bytes.
 * Depth, width, shortcut and classes follow from names and shapes. The pixels' normalization is part of a network but
 * not of the file: ImageNet's, as akamaster's networks have it, unless one is given.
 * Throws an Error naming the first parameters that do not fit or are not finite.
 */
export function importTorch(
  file: string | Uint8Array,
  options: { name?: string; normalization?: Normalization } = {},
): Network {
  const bytes = typeof file === "string" ? readWhole(file, LARGEST_FILE) : file;
  const label = options.name ?? (typeof file === "string" ? basename(file).replace(/\.(th|pt|pth)$/, "") : undefined);
  const tensors = commonNames(decodeTorchCheckpoint(bytes));
  const spec = inferSpec(tensors);
  const name = label ?? `${spec.family}${spec.depth}`;
  const network = {
    name,
    spec,
    normalization: options.normalization ?? IMAGENET_NORMALIZATION,
    parameters: placeAll(tensors, spec, name),
  };
  checkParameters(network);
  return network;
}

// One name for what implementations call differently; counters of batches are not needed.
function commonNames(tensors: Parameters): Map<string, Values> {
  const renamed = new Map<string, Values>();
  for (const [found, values] of tensors) {
    if (found.endsWith(".num_batches_tracked")) continue;
    const name = found
      .replace(/^module\./, "")
      .replace(".downsample.", ".shortcut.")
      .replace(/^fc\./, "linear.");
    if (renamed.has(name)) throw new Error(`Cannot import the checkpoint: it holds "${name}" under two names`);
    renamed.set(name, values);
  }
  return renamed;
}

// Whatever does not fit this best guess is reported by name afterwards.
function inferSpec(tensors: Parameters): Spec {
  const names = [...tensors.keys()];
  const blocks = new Set(
    names.map((name) => /^layer1\.(\d+)\./.exec(name)?.[1]).filter((block) => block !== undefined),
  );
  const width = tensors.get("conv1.weight")?.shape[0];
  const classes = tensors.get("linear.weight")?.shape[0];
  if (!blocks.size || !width || !classes)
    throw new Error(
      "Cannot import the checkpoint: expected a CIFAR ResNet's conv1.weight, layer1.0.conv1.weight, … and linear.weight " +
        `but found ${names.slice(0, 3).join(", ").slice(0, 200)}, … (${names.length} tensors)`,
    );
  const shortcut = names.some((name) => name.includes(".shortcut.")) ? "B" : "A";
  return { family: "resnet", depth: 6 * blocks.size + 2, width, shortcut, classes };
}

function placeAll(tensors: Parameters, spec: Spec, name: string): Parameters {
  const places = placesOf(spec);
  const misfits = misfitsOf(new Map(places.map(({ source, shape }) => [source, shape])), tensors);
  if (misfits.length) {
    const { depth, width, shortcut, classes } = spec;
    const guess = `a ResNet-${depth} of width ${width} with shortcut ${shortcut} and ${classes} classes`;
    throw new Error(`Cannot import "${name}" as ${guess}: ${firstOf(misfits)}`);
  }
  return new Map(places.map((place) => [place.name, toChannelsLast(tensors.get(place.source)!)]));
}

function placesOf(spec: Spec): Place[] {
  const places: Place[] = [];
  for (const layer of layersOf(spec)) {
    const { name, size, inputs, outputs } = layer;
    const { conv, norm } = sourceOf(layer);
    places.push({ name: `${name}.kernel`, source: `${conv}.weight`, shape: [outputs, inputs, size, size] });
    for (const [theirs, ours] of Object.entries(NORM_PARTS))
      places.push({ name: `${name}.${ours}`, source: `${norm}.${theirs}`, shape: [outputs] });
  }
  places.push({ name: "dense.kernel", source: "linear.weight", shape: [spec.classes, 4 * spec.width] });
  places.push({ name: "dense.bias", source: "linear.bias", shape: [spec.classes] });
  return places;
}

function sourceOf({ name, stage, block }: Layer): { conv: string; norm: string } {
  if (stage === 0) return { conv: "conv1", norm: "bn1" };
  const last = name.slice(name.lastIndexOf(".") + 1);
  const prefix = `layer${stage}.${block - 1}`;
  if (last === "shortcut") return { conv: `${prefix}.shortcut.0`, norm: `${prefix}.shortcut.1` };
  return { conv: `${prefix}.${last}`, norm: `${prefix}.${last.replace("conv", "bn")}` };
}

/** [out, in, h, w] to [h, w, in, out] and [out, in] to [in, out]; one axis stays as it is. */
function toChannelsLast({ shape, data }: Values): Values {
  if (shape.length < 2) return { shape, data };
  const [outputs, inputs, ...sides] = shape;
  const pixels = data.length / (outputs * inputs);
  const moved = new Float32Array(data.length);
  for (let output = 0, from = 0; output < outputs; output++)
    for (let input = 0; input < inputs; input++)
      for (let pixel = 0; pixel < pixels; pixel++, from++)
        moved[(pixel * inputs + input) * outputs + output] = data[from];
  return { shape: [...sides, inputs, outputs], data: moved };
}
