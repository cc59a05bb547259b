// Networks by name: which families there are, and what tells one network of a family from another.
//
// He et al. 2015, section 4.2 (CIFAR-10), width 16:
//   depth 6n+2         20     32     44     56     110
//   convolutions       19     31     43     55     109   (shortcut A; the dense layer is the 20th, 32nd, ...)
//   parameters (M)     0.27   0.46   0.66   0.85   1.7

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

/** A network of one of the families, which its depth and width describe. */
export type FamilySpec = CifarSpec | ImageNetSpec;

/** What a network is, before it has parameters: plain JSON. */
export type Spec = FamilySpec | GraphSpec;

export const FAMILIES: readonly FamilySpec["family"][] = ["resnet", "plain", "vgg", "imagenet-resnet"];

/** Blocks per stage by depth; a block of a VGG is one convolution. */
export const IMAGENET_STAGES: Readonly<Record<ImageNetSpec["family"], Readonly<Record<number, readonly number[]>>>> = {
  vgg: { 11: [1, 1, 2, 2, 2], 13: [2, 2, 2, 2, 2], 16: [2, 2, 3, 3, 3] },
  "imagenet-resnet": { 18: [2, 2, 2, 2], 34: [3, 4, 6, 3], 50: [3, 4, 6, 3] },
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

const usualWidth = (family: Spec["family"]): number => (isCifarFamily(family) ? 16 : 64);

/**
 * The spec of a network called by its usual name: "resnet20", "plain20", "resnet20-B" (shortcut B), "resnet20-w32" (width 32),
 * "vgg16", "imagenet-resnet18" (resnet18 would be another network: 6n+2 layers in three stages).
 * @throws RangeError for any other name, and for a depth that the family does not have
 */
export function specOf(name: string, classes = 10): FamilySpec {
  const match = /^(?:(resnet|plain)(\d{1,4})(-B)?|(vgg|imagenet-resnet)(\d{1,4}))(?:-w(\d{1,3}))?$/.exec(name);
  if (!match)
    throw new RangeError(
      `Cannot read the network's name "${name}": expected one like resnet20, plain20, resnet20-B, resnet20-w32, vgg16, imagenet-resnet18`,
    );
  const family = (match[1] ?? match[4]) as FamilySpec["family"];
  const [depth, width] = [Number(match[2] ?? match[5]), Number(match[6] ?? usualWidth(family))];
  const spec: FamilySpec = isCifarFamily(family)
    ? { family, depth, width, shortcut: match[3] ? "B" : "A", classes }
    : { family, depth, width, classes };
  stagesOf(spec);
  return spec;
}

/** The usual name of a spec: the inverse of `specOf`; of a graph the name that its file had. */
export function specName(spec: Spec): string {
  if (isGraphSpec(spec)) return spec.name;
  const { family, depth, width } = spec;
  const shortcut = isCifarSpec(spec) && spec.shortcut === "B" ? "-B" : "";
  return `${family}${depth}${shortcut}${width === usualWidth(family) ? "" : `-w${width}`}`;
}

/**
 * The number of blocks in each stage.
 * @throws RangeError when the family has no such depth, or the width is not a positive even number
 */
export function stagesOf(spec: FamilySpec): readonly number[] {
  const { depth, width } = spec;
  if (!Number.isInteger(width) || width < 2 || width % 2)
    throw new RangeError(`Cannot build a network of width ${width}: the width has to be a positive even number`);
  if (isCifarSpec(spec)) return cifarStages(depth);
  const known = IMAGENET_STAGES[spec.family];
  if (Object.hasOwn(known, depth)) return known[depth];
  throw new RangeError(
    `Cannot build a network of depth ${depth}: ${spec.family} has the depths ${Object.keys(known).join(", ")}`,
  );
}

function cifarStages(depth: number): number[] {
  const blocks = (depth - 2) / 6;
  if (Number.isInteger(blocks) && blocks >= 1) return [blocks, blocks, blocks];
  throw new RangeError(
    `Cannot build a network of depth ${depth}: the depth has to be 6n+2 (8, 14, 20, 26, 32, ...); ` +
      "ResNet-18, 34 and 50 are called imagenet-resnet18, imagenet-resnet34 and imagenet-resnet50",
  );
}
