// How PyTorch implementations of CIFAR ResNets name their tensors and order their axes, and what that is here.
import { type Layer, layersOf, type Parameters, sizeOf, type Spec, type Values } from "./network";

/** The metadata, in an exported safetensors file, that holds what a state_dict does not: name, spec and normalization. */
export const STATED = "nontrivial";

const NORM_PARTS = { weight: "gamma", bias: "beta", running_mean: "mean", running_var: "variance" };

/** One parameter: its name here and, in akamaster's networks, the name and the shape of the tensor that holds it. */
export interface Place {
  readonly name: string;
  readonly source: string;
  readonly shape: readonly number[]; // PyTorch's: [out, in, h, w] or [out, in]
}

/** Where each parameter of a network stands in a state_dict of akamaster/pytorch_resnet_cifar10, in forward order. */
export function placesOf(spec: Spec): Place[] {
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

/**
 * Akamaster's name for a tensor that others (chenyaofo, torchvision, timm) call differently, or that lies within a
 * wrapper (DataParallel, torch.compile, Lightning); undefined for a batch norm's counter, which is not needed.
 */
export function commonName(found: string): string | undefined {
  if (found.endsWith(".num_batches_tracked")) return undefined;
  return found
    .replace(/^(?:(?:module|_orig_mod|model|net|backbone)\.){1,4}/, "")
    .replace(".downsample.", ".shortcut.")
    .replace(/^fc\./, "linear.");
}

/** Whose network this is by its tensors' names; undefined where they are a mixture that neither uses. */
export function authorOf(names: readonly string[]): "akamaster" | "chenyaofo" | undefined {
  const some = (pattern: RegExp) => names.some((name) => pattern.test(name));
  const dense = some(/(^|\.)linear\.weight$/);
  if (dense && !some(/\.downsample\./)) return "akamaster";
  if (!dense && some(/\.downsample\./) && !some(/\.shortcut\./)) return "chenyaofo";
  return undefined;
}

/**
 * The spec by names (akamaster's) and shapes; what does not fit this best guess has to be found out afterwards.
 * @throws Error where the tensors are those of another architecture.
 */
export function inferSpec(tensors: Parameters, family: Spec["family"]): Spec {
  const names = [...tensors.keys()];
  const some = (pattern: RegExp) => names.some((name) => pattern.test(name));
  if (some(/^layer4\./)) refuse("four stages (layer1 to layer4), as ResNet-18 and its kin have");
  if (some(/^layer\d\.\d+\.conv3\./)) refuse("blocks of three convolutions");
  const blocks = new Set(
    names.map((name) => /^layer1\.(\d+)\./.exec(name)?.[1]).filter((block) => block !== undefined),
  );
  const width = tensors.get("conv1.weight")?.shape[0];
  const classes = tensors.get("linear.weight")?.shape[0];
  if (!blocks.size || !width || !classes)
    return refuse(`${names.slice(0, 3).join(", ").slice(0, 200)}, … (${names.length} tensors)`);
  const shortcut = some(/\.shortcut\./) ? "B" : "A";
  return { family, depth: 6 * blocks.size + 2, width, shortcut, classes };
}

function refuse(found: string): never {
  throw new Error(
    "Cannot import the checkpoint: expected a CIFAR ResNet of depth 6n+2 with conv1.weight, layer1 to layer3 of " +
      `two-convolution blocks, and linear.weight or fc.weight, but found ${found}`,
  );
}

/** [out, in, h, w] to [h, w, in, out] and [out, in] to [in, out]; one axis stays as it is. */
export function toChannelsLast({ shape, data }: Values): Values {
  if (shape.length < 2) return { shape, data };
  const [outputs, inputs, ...sides] = shape;
  const moved = new Float32Array(data.length);
  eachWeight(shape, (first, last) => (moved[last] = data[first]));
  return { shape: [...sides, inputs, outputs], data: moved };
}

/** The inverse of `toChannelsLast`, for the shape that PyTorch wants. */
export function toChannelsFirst({ data }: Values, shape: readonly number[]): Values {
  if (shape.length < 2) return { shape, data };
  const moved = new Float32Array(data.length);
  eachWeight(shape, (first, last) => (moved[first] = data[last]));
  return { shape, data: moved };
}

/** Calls back with the index of each weight in [out, in, h, w] and in [h, w, in, out]. */
function eachWeight(
  [outputs, inputs, ...sides]: readonly number[],
  visit: (first: number, last: number) => void,
): void {
  const pixels = sizeOf(sides);
  for (let output = 0, first = 0; output < outputs; output++)
    for (let input = 0; input < inputs; input++)
      for (let pixel = 0; pixel < pixels; pixel++, first++) visit(first, (pixel * inputs + input) * outputs + output);
}
