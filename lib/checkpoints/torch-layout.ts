// Where PyTorch implementations of the networks keep each parameter, and how they order its axes.
import { sizeOf, type Values } from "../files/values";
import { blocksOf, headNorm, type Layer, normChannels } from "../networks/layers";
import { parameterShapes } from "../networks/network";
import { type FamilySpec, familySpec, isPreActivated, type Spec } from "../networks/spec";

/** The metadata, in an exported safetensors file, that holds what a state_dict does not: name, spec and normalization. */
export const STATED = "nontrivial";

const NORM_PARTS = { weight: "gamma", bias: "beta", running_mean: "mean", running_var: "variance" };

/** One parameter: its name here and the name and shape of the tensor that holds it in a state_dict. */
export interface StoredParameter {
  readonly name: string;
  readonly source: string;
  readonly shape: readonly number[]; // PyTorch's: [out, in, h, w] or [out, in]
  /**
   * For a batch norm's mean: the tensor of the bias that the convolution before it may have there, [out]. It shifts what the
   * batch norm sees, so it is subtracted from the mean.
   */
  readonly bias?: string;
}

/**
 * Where each parameter of a network stands in a state_dict of akamaster/pytorch_resnet_cifar10 (CIFAR ResNets), pytorchcv
 * (pre-activation ResNets), xternalz/WideResNet-pytorch (Wide ResNets), torchvision (ResNets for ImageNet) or kuangliu/pytorch-cifar (the other families), in forward order.
 */
export function storedParameters(spec: Spec): StoredParameter[] {
  const { family } = familySpec(spec);
  const places = isPreActivated(spec)
    ? preActivatedParameters(spec)
    : family === "vgg"
      ? vggParameters(spec)
      : residualParameters(spec);
  const dense = DENSE[family] ?? "linear";
  const [inputs, classes] = parameterShapes(spec).get("dense.kernel")!;
  places.push({ name: "dense.kernel", source: `${dense}.weight`, shape: [classes, inputs] });
  places.push({ name: "dense.bias", source: `${dense}.bias`, shape: [classes] });
  return places;
}

/** What the dense layer is called, where it is not "linear". */
const DENSE: Readonly<Partial<Record<FamilySpec["family"], string>>> = {
  vgg: "classifier",
  preresnet: "output",
  wrn: "fc",
  "torchvision-resnet": "fc",
};

/** How somebody calls the parts of a network with pre-activation. */
interface Naming {
  readonly stem: string;
  readonly head: string;
  readonly block: (layer: Layer) => string;
  readonly conv: (number: number) => string;
  readonly norm: (number: number) => string;
  readonly shortcut: string;
}

const PYTORCHCV: Naming = {
  stem: "features.init_block",
  head: "features.post_activ.bn",
  block: ({ stage, block }) => `features.stage${stage}.unit${block}`,
  conv: (number) => `body.conv${number}.conv`,
  norm: (number) => `body.conv${number}.bn`,
  shortcut: "identity_conv",
};

const XTERNALZ: Naming = {
  stem: "conv1",
  head: "bn1",
  block: ({ stage, block }) => `block${stage}.layer.${block - 1}`,
  conv: (number) => `conv${number}`,
  norm: (number) => `bn${number}`,
  shortcut: "convShortcut",
};

function preActivatedParameters(spec: Spec): StoredParameter[] {
  const { stem, head, block, conv, norm, shortcut: bypass } = spec.family === "wrn" ? XTERNALZ : PYTORCHCV;
  const places = blocksOf(spec).flatMap(({ branch, shortcut }) => {
    const own = branch.flatMap((layer, index) => {
      const at = (part: (number: number) => string) => `${block(layer)}.${part(index + 1)}`;
      return layer.stage === 0 ? layerParameters(layer, stem) : layerParameters(layer, at(conv), at(norm));
    });
    return typeof shortcut === "string" ? own : [...own, ...layerParameters(shortcut, `${block(shortcut)}.${bypass}`)];
  });
  return [...places, ...normParameters(headNorm(spec)!, head)];
}

/** VGG's layers are numbered through: convolution, batch norm, relu, and a max pool at the end of a stage. */
function vggParameters(spec: Spec): StoredParameter[] {
  let number = 0;
  return blocksOf(spec).flatMap(({ branch: [layer], maxPool }) => {
    const [conv, norm] = [`features.${number}`, `features.${number + 1}`];
    number += maxPool ? 4 : 3;
    return layerParameters(layer, conv, norm).map((place) =>
      place.name.endsWith(".mean") ? { ...place, bias: `${conv}.bias` } : place,
    );
  });
}

function residualParameters(spec: Spec): StoredParameter[] {
  return blocksOf(spec).flatMap(({ branch, shortcut }) => {
    const places = branch.flatMap((layer, index) => {
      const prefix = layer.stage === 0 ? "" : `${blockPrefix(layer)}.`;
      return layerParameters(layer, `${prefix}conv${index + 1}`, `${prefix}bn${index + 1}`);
    });
    if (typeof shortcut === "string") return places;
    const prefix = `${blockPrefix(shortcut)}.${spec.family === "torchvision-resnet" ? "downsample" : "shortcut"}`;
    return [...places, ...layerParameters(shortcut, `${prefix}.0`, `${prefix}.1`)];
  });
}

const blockPrefix = ({ stage, block }: Layer): string => `layer${stage}.${block - 1}`;

/** The parameters of a layer, given what its convolution and, where it has one, its batch norm are called. */
function layerParameters(layer: Layer, conv: string, norm = ""): StoredParameter[] {
  const { name, size, inputs, outputs } = layer;
  const kernel = { name: `${name}.kernel`, source: `${conv}.weight`, shape: [outputs, inputs, size, size] };
  return [kernel, ...normParameters(layer, norm)];
}

function normParameters(layer: Layer, norm: string): StoredParameter[] {
  const channels = normChannels(layer);
  if (channels === 0) return [];
  return Object.entries(NORM_PARTS).map(([theirs, ours]) => ({
    name: `${layer.name}.${ours}`,
    source: `${norm}.${theirs}`,
    shape: [channels],
  }));
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
