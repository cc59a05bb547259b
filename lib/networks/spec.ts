// Networks by name: which families there are, and what tells one network of a family from another.
//
// He et al. 2015, section 4.2 (CIFAR-10), width 16:
//   depth 6n+2         20     32     44     56     110
//   convolutions       19     31     43     55     109   (shortcut A; the dense layer is the 20th, 32nd, ...)
//   parameters (M)     0.27   0.46   0.66   0.85   1.7

import { SIDE } from "../data/image";
import type { GraphSpec } from "./layer-graph";

/** He et al.'s networks for CIFAR; "plain" is the same network without shortcuts. */
export interface CifarSpec {
  readonly family: "resnet" | "plain";
  /** 6n+2: three stages of n blocks of two convolutions, the stem and the dense layer. */
  readonly depth: number;
  /** Channels of the first stage; the second has twice, the third four times as many. */
  readonly width: number;
  /** How a block that changes the channels is bypassed: "A" pads with zeros, "B" has a 1x1 convolution. */
  readonly shortcut: "A" | "B";
  readonly classes: number;
}

/**
 * Networks made for ImageNet in the form that is usual for CIFAR: VGG with batch norms and one dense layer, and ResNet with
 * four stages, a 3x3 stem without a max pool, and 1x1 convolutions as shortcuts where the shape changes.
 * Source: models/vgg.py and models/resnet.py in https://github.com/kuangliu/pytorch-cifar
 */
export interface ImageNetSpec {
  readonly family: "vgg" | "imagenet-resnet";
  /** One of 11, 13, 16 (vgg) or 18, 34, 50 (imagenet-resnet; 50 has bottlenecks). */
  readonly depth: number;
  /** Channels of the first stage, usually 64; each further one has twice as many, up to eight times. */
  readonly width: number;
  readonly classes: number;
}

/**
 * He et al. 2016, "Identity Mappings in Deep Residual Networks" (arXiv 1603.05027): batch norm and relu stand before each convolution,
 * so that a zeroed kernel leaves nothing. Where the shape changes, a 1x1 convolution of what the first relu gives is the shortcut.
 *   name              preresnet110   preresnet164bn   preresnet1001bn
 *   parameters (M)    1.7            1.7              10.2
 */
export interface PreActivationSpec {
  readonly family: "preresnet";
  /** 6n+2, or 9n+2 with bottlenecks. */
  readonly depth: number;
  /** Channels of the stem and of the first stage's 3x3 convolutions, usually 16. */
  readonly width: number;
  /** Blocks of a 1x1, a 3x3 and a 1x1 convolution with four times the outputs: "bn" in the name. */
  readonly bottleneck: boolean;
  readonly classes: number;
}

/**
 * Zagoruyko and Komodakis 2016, "Wide Residual Networks" (arXiv 1605.07146): blocks of two 3x3 convolutions with pre-activation,
 * without dropout.
 *   name              wrn16-4   wrn40-4   wrn28-10
 *   parameters (M)    2.7       8.9       36.5
 */
export interface WideSpec {
  readonly family: "wrn";
  /** 6n+4: the shortcuts of three stages are counted. */
  readonly depth: number;
  /** Channels of the stem, usually 16. */
  readonly width: number;
  /** How many times wider than the stem the first stage is. */
  readonly factor: number;
  readonly classes: number;
}

/**
 * He et al.'s networks for ImageNet, "Deep Residual Learning" (arXiv 1512.03385), in the form of torchvision and timm: a 7x7 stem of
 * stride 2, a 3x3 max pool of stride 2, four stages, and a bottleneck's stride in its 3x3 convolution. They take images of any size.
 *   depth             18     34     50     101
 *   parameters (M)    11.7   21.8   25.6   44.5   (1000 classes)
 */
export interface TorchvisionSpec {
  readonly family: "torchvision-resnet";
  readonly depth: number;
  /** Channels of the stem, usually 64. */
  readonly width: number;
  /** Rows, and columns, of an image, usually 224. */
  readonly side: number;
  readonly classes: number;
}

/** A network of one of the families, which its depth and width describe. */
export type FamilySpec = CifarSpec | PreActivationSpec | WideSpec | ImageNetSpec | TorchvisionSpec;

/** What a network is, before it has parameters: plain JSON. */
export type Spec = FamilySpec | GraphSpec;

export const FAMILIES: readonly FamilySpec["family"][] = [
  "resnet",
  "plain",
  "preresnet",
  "wrn",
  "vgg",
  "imagenet-resnet",
  "torchvision-resnet",
];

/** Blocks per stage by depth; a block of a VGG is one convolution. */
export const IMAGENET_STAGES: Readonly<
  Record<(ImageNetSpec | TorchvisionSpec)["family"], Readonly<Record<number, readonly number[]>>>
> = {
  vgg: { 11: [1, 1, 2, 2, 2], 13: [2, 2, 2, 2, 2], 16: [2, 2, 3, 3, 3] },
  "imagenet-resnet": { 18: [2, 2, 2, 2], 34: [3, 4, 6, 3], 50: [3, 4, 6, 3] },
  "torchvision-resnet": { 18: [2, 2, 2, 2], 34: [3, 4, 6, 3], 50: [3, 4, 6, 3], 101: [3, 4, 23, 3] },
};

/** Whether a spec is one of He et al.'s networks for CIFAR. */
export function isCifarSpec(spec: Spec): spec is CifarSpec {
  return isCifarFamily(spec.family);
}

/** Whether a spec says the network node by node, as a file does. */
export function isGraphSpec(spec: Spec): spec is GraphSpec {
  return spec.family === "graph";
}

/**
 * The family's own spec of a network.
 * @throws RangeError for one that a file describes node by node, such as where it should be trained
 */
export function familySpec(spec: Spec): FamilySpec {
  if (!isGraphSpec(spec)) return spec;
  throw new RangeError(
    `Cannot do this with the network "${spec.name}": expected one of the families ${FAMILIES.join(", ")} but found a graph from a file`,
  );
}

const isCifarFamily = (family: Spec["family"]): family is CifarSpec["family"] =>
  family === "resnet" || family === "plain";

/** Whether batch norms stand before the convolutions, and one before the mean of all pixels at the end. */
export function isPreActivated(spec: Spec): spec is PreActivationSpec | WideSpec {
  return spec.family === "preresnet" || spec.family === "wrn";
}

/** Whether a block is a 1x1, a 3x3 and a 1x1 convolution. */
export function isBottlenecked(spec: Spec): boolean {
  if (spec.family === "preresnet") return spec.bottleneck;
  return (spec.family === "imagenet-resnet" || spec.family === "torchvision-resnet") && spec.depth >= 50;
}

const usualWidth = (family: Spec["family"]): number => (Object.hasOwn(IMAGENET_STAGES, family) ? 64 : 16);

/** Rows, and columns, of the images that a network is made for. */
export function sideOf(spec: Spec): number {
  return "side" in spec ? spec.side : SIDE;
}

const USUAL_SIDE = 224;

/** What may stand behind the depth in a network's name. */
const KINDS: Readonly<Record<FamilySpec["family"], RegExp>> = {
  resnet: /^(-B)?$/,
  plain: /^(-B)?$/,
  preresnet: /^(bn)?$/,
  wrn: /^-[1-9]\d?$/,
  vgg: /^$/,
  "imagenet-resnet": /^$/,
  "torchvision-resnet": /^(-s[1-9]\d*)?$/,
};

/**
 * The spec of a network called by its usual name: "resnet20", "plain20", "resnet20-B" (shortcut B), "resnet20-w32" (width 32),
 * "preresnet20" (pre-activation), "preresnet164bn" (with bottlenecks), "wrn16-4" (depth 16, four times as wide), "vgg16",
 * "imagenet-resnet18" (resnet18 would be another network: 6n+2 layers in three stages), "torchvision-resnet18" (for images of 224 x 224
 * pixels) or "torchvision-resnet18-s64" (64 x 64).
 * @throws RangeError for any other name, and for a depth that the family does not have
 */
export function specOf(name: string, classes = 10): FamilySpec {
  const [, found, depths, kind = "", wide] = NAME.exec(name) ?? [];
  const family = found as FamilySpec["family"];
  if (!found || !KINDS[family].test(kind))
    throw new RangeError(
      `Cannot read the network's name "${name}": expected one like resnet20, plain20, resnet20-B, resnet20-w32, preresnet20, ` +
        "preresnet164bn, wrn16-4, vgg16, imagenet-resnet18",
    );
  const [depth, width] = [Number(depths), Number(wide ?? usualWidth(family))];
  const spec = specFrom(family, kind, { depth, width, classes });
  stagesOf(spec);
  return spec;
}

const NAME =
  /^(resnet|plain|preresnet|wrn|vgg|imagenet-resnet|torchvision-resnet)(\d{1,4})(-B|bn|-\d{1,2}|-s\d{1,4})?(?:-w(\d{1,3}))?$/;

function specFrom(
  family: FamilySpec["family"],
  kind: string,
  { depth, width, classes }: Pick<FamilySpec, "depth" | "width" | "classes">,
): FamilySpec {
  if (isCifarFamily(family)) return { family, depth, width, shortcut: kind === "-B" ? "B" : "A", classes };
  if (family === "preresnet") return { family, depth, width, bottleneck: kind === "bn", classes };
  if (family === "wrn") return { family, depth, width, factor: Number(kind.slice(1)), classes };
  if (family === "torchvision-resnet")
    return { family, depth, width, side: Number(kind.slice(2) || USUAL_SIDE), classes };
  return { family, depth, width, classes };
}

/** The usual name of a spec: the inverse of `specOf`; of a graph the name that its file had. */
export function specName(spec: Spec): string {
  if (isGraphSpec(spec)) return spec.name;
  const { family, depth, width } = spec;
  return `${family}${depth}${kindOf(spec)}${width === usualWidth(family) ? "" : `-w${width}`}`;
}

function kindOf(spec: FamilySpec): string {
  if (isCifarSpec(spec)) return spec.shortcut === "B" ? "-B" : "";
  if (spec.family === "preresnet") return spec.bottleneck ? "bn" : "";
  if (spec.family === "torchvision-resnet") return spec.side === USUAL_SIDE ? "" : `-s${spec.side}`;
  return spec.family === "wrn" ? `-${spec.factor}` : "";
}

/**
 * The number of blocks in each stage.
 * @throws RangeError when the family has no such depth, or the width is not a positive even number
 */
export function stagesOf(spec: FamilySpec): readonly number[] {
  const { depth, width } = spec;
  if (!Number.isInteger(width) || width < 2 || width % 2)
    throw new RangeError(`Cannot build a network of width ${width}: the width has to be a positive even number`);
  if (!isImageNetSpec(spec)) return threeStages(spec);
  const known = IMAGENET_STAGES[spec.family];
  if (Object.hasOwn(known, depth)) return known[depth];
  throw new RangeError(
    `Cannot build a network of depth ${depth}: ${spec.family} has the depths ${Object.keys(known).join(", ")}`,
  );
}

const isImageNetSpec = (spec: FamilySpec): spec is ImageNetSpec | TorchvisionSpec =>
  Object.hasOwn(IMAGENET_STAGES, spec.family);

/** How many layers a block of each stage adds, and how many there are besides. */
function depthRule(
  spec: Exclude<FamilySpec, ImageNetSpec | TorchvisionSpec>,
): readonly [each: number, besides: number] {
  if (spec.family === "wrn") return [6, 4];
  return [spec.family === "preresnet" && spec.bottleneck ? 9 : 6, 2];
}

function threeStages(spec: Exclude<FamilySpec, ImageNetSpec | TorchvisionSpec>): number[] {
  const [each, besides] = depthRule(spec);
  const blocks = (spec.depth - besides) / each;
  if (Number.isInteger(blocks) && blocks >= 1) return [blocks, blocks, blocks];
  const depths = [1, 2, 3, 4, 5].map((count) => each * count + besides).join(", ");
  const hint = {
    resnet: "; ResNet-18, 34 and 50 are called imagenet-resnet18, imagenet-resnet34 and imagenet-resnet50",
    plain: "",
    preresnet: each === 6 ? "; with bottlenecks, preresnet164bn, it is 9n+2" : "",
    wrn: "",
  }[spec.family];
  throw new RangeError(
    `Cannot build a network of depth ${spec.depth}: the depth has to be ${each}n+${besides} (${depths}, ...)${hint}`,
  );
}
