// Which network a state_dict holds, and whose: told from the names and shapes of its tensors.
import type { Shaped } from "../networks/complete";
import { AVERAGE_COUNTER } from "../files/torch-weights";
import { type CifarSpec, type FamilySpec, IMAGENET_STAGES, type Spec } from "../networks/spec";

/** Whose code made a checkpoint; it decides how the pixels were normalized. */
export type Author = "akamaster" | "chenyaofo" | "kuangliu" | "pytorchcv" | "torchvision" | "xternalz";

/** How networks with pre-activation are called: as pytorchcv does, and as xternalz does. */
const PRE_ACTIVATED: readonly (readonly [RegExp, string])[] = [
  [/^features\.init_block\./, "conv1."],
  [/^features\.post_activ\.bn\./, "bn1."],
  [/^features\.stage(\d)\.unit(\d+)\.identity_conv\./, "block$1.unit$2.convShortcut."],
  [/^features\.stage(\d)\.unit(\d+)\.body\.conv(\d)\.(conv|bn)\./, "block$1.unit$2.$4$3."],
  [/^output\./, "linear."],
];

/**
 * One name for a tensor, whoever called it (akamaster, chenyaofo, kuangliu, torchvision, timm, xternalz or pytorchcv), also where it lies
 * within a wrapper (DataParallel, torch.compile, Lightning); undefined for counters, of a batch norm or of averaged weights, which
 * are not needed.
 */
export function commonName(found: string): string | undefined {
  if (found.endsWith(".num_batches_tracked") || found === AVERAGE_COUNTER) return undefined;
  const plain = found
    .replace(/^(?:(?:module|_orig_mod|model|net|backbone)\.){1,4}/, "")
    .replace(".downsample.", ".shortcut.")
    .replace(/^fc\./, "linear.")
    .replace(/^block(\d)\.layer\.(\d+)\./, (_, stage, block) => `block${stage}.unit${Number(block) + 1}.`);
  return PRE_ACTIVATED.reduce((name, [theirs, common]) => name.replace(theirs, common), plain);
}

/** @throws Error where some weights are the product of a mask and what it hides, as `torch.nn.utils.prune` keeps them */
export function checkNoMasks(names: readonly string[]): void {
  const masked = names.find((name) => name.endsWith("_mask") && names.includes(name.replace(/_mask$/, "_orig")));
  if (!masked) return;
  const [, module, parameter] = /^(.*?)\.?([^.]*)_mask$/.exec(masked)!;
  throw new Error(
    `Cannot import the checkpoint: it holds pruning masks, such as ${JSON.stringify(masked.slice(0, 100))}; make them permanent in ` +
      `PyTorch before its state_dict is saved: torch.nn.utils.prune.remove(${module || "module"}, "${parameter}")`,
  );
}

/** Whose network this is by its tensors' names; undefined where nobody or several use them. */
export function authorOf(names: readonly string[]): Author | undefined {
  const some = (pattern: RegExp) => names.some((name) => pattern.test(name));
  if (some(/(^|\.)features\.0\.weight$/)) {
    return some(/(^|\.)features\.0\.bias$/) && some(/(^|\.)classifier\.weight$/) ? "kuangliu" : undefined;
  }
  if (some(/(^|\.)block1\.layer\.0\.bn1\./)) return "xternalz";
  if (some(/(^|\.)features\.init_block\.weight$/)) return "pytorchcv";
  const dense = some(/(^|\.)linear\.weight$/);
  const [downsample, shortcut] = [some(/\.downsample\./), some(/\.shortcut\./)];
  if (some(/(^|\.)layer4\./)) return dense && shortcut && !downsample ? "kuangliu" : undefined;
  if (dense && !downsample) return "akamaster";
  if (!dense && downsample && !shortcut) return "chenyaofo";
  return undefined;
}

/**
 * The spec by names (those of `commonName`) and shapes; what does not fit this best guess has to be found out afterwards.
 * @param family a file says nothing of shortcuts without parameters
 * @throws Error where the tensors are those of another architecture.
 */
export function inferSpec(
  tensors: ReadonlyMap<string, Shaped>,
  { family, side = 224 }: { readonly family: CifarSpec["family"]; readonly side?: number },
): Spec {
  if (tensors.has("features.0.weight")) return inferVgg(tensors);
  const width = tensors.get("conv1.weight")?.shape[0];
  const classes = tensors.get("linear.weight")?.shape[0];
  const names = [...tensors.keys()];
  if (width && classes && tensors.has("block1.unit1.bn1.weight")) {
    if (family === "plain") refuse("batch norms before convolutions, which no plain network has");
    return inferPreActivated(tensors, { width, classes });
  }
  const counts = stageCounts(names);
  if (!counts[0] || !width || !classes)
    return refuse(`${names.slice(0, 3).join(", ").slice(0, 200)}, … (${names.length} tensors)`);
  const bottlenecked = names.some((name) => /^layer\d\.\d+\.conv3\./.test(name));
  if (counts.length > 3) {
    if (family === "plain") refuse("four stages, which no plain network has");
    const kind = tensors.get("conv1.weight")!.shape[2] === 7 ? "torchvision-resnet" : "imagenet-resnet";
    const depth = imageNetDepth(kind, counts, bottlenecked);
    if (kind === "imagenet-resnet") return { family: kind, depth, width, classes };
    return { family: kind, depth, width, side, classes };
  }
  if (bottlenecked) refuse("blocks of three convolutions in fewer than four stages");
  const shortcut = family === "resnet" && names.some((name) => name.includes(".shortcut.")) ? "B" : "A";
  return { family, depth: 6 * counts[0] + 2, width, shortcut, classes };
}

/** A Wide ResNet that is no wider than its stem is the pre-activation ResNet of two layers less. */
function inferPreActivated(
  tensors: ReadonlyMap<string, Shaped>,
  sizes: Pick<FamilySpec, "width" | "classes">,
): FamilySpec {
  const count = (part: string) =>
    [...tensors.keys()].filter((name) => /^block1\.unit\d+\.conv(\d)\.weight$/.exec(name)?.[1] === part).length;
  const [blocks, bottleneck] = [count("1"), count("3") > 0];
  const factor = (tensors.get("block1.unit1.conv1.weight")?.shape[0] ?? 0) / sizes.width;
  if (factor === 1) return { family: "preresnet", depth: (bottleneck ? 9 : 6) * blocks + 2, ...sizes, bottleneck };
  if (bottleneck || !Number.isInteger(factor) || factor < 1)
    refuse(`batch norms before convolutions of ${factor} times the stem's channels`);
  return { family: "wrn", depth: 6 * blocks + 4, ...sizes, factor };
}

/** How many blocks layer1, layer2, ... have, up to the first that is not there. */
function stageCounts(names: readonly string[]): number[] {
  const blocks = new Set(names.map((name) => /^layer\d\.\d+\./.exec(name)?.[0]));
  const count = (stage: number) => [...blocks].filter((block) => block?.startsWith(`layer${stage}.`)).length;
  const counts = [1, 2, 3, 4, 5].map(count);
  return counts.slice(0, counts.includes(0) ? counts.indexOf(0) : counts.length);
}

function imageNetDepth(
  kind: "imagenet-resnet" | "torchvision-resnet",
  counts: readonly number[],
  bottlenecked: boolean,
): number {
  const stages: Readonly<Record<number, readonly number[]>> = IMAGENET_STAGES[kind];
  const fits = (depth: number) => depth >= 50 === bottlenecked && stages[depth].join() === counts.join();
  const depth = Object.keys(stages).map(Number).find(fits);
  return depth ?? refuse(`stages of ${counts.join(", ")} ${bottlenecked ? "bottlenecks" : "blocks"}`);
}

function inferVgg(tensors: ReadonlyMap<string, Shaped>): Spec {
  const width = tensors.get("features.0.weight")!.shape[0];
  const classes = tensors.get("classifier.weight")?.shape[0];
  const names = [...tensors.keys()];
  const dense = names.filter((name) => /^classifier\..*weight$/.test(name));
  if (!classes) return refuse(`a VGG with the dense layers ${dense.join(", ").slice(0, 200) || "missing"}`);
  if (!tensors.has("features.1.running_mean")) return refuse("a VGG without batch norms");
  const isKernel = (name: string) => /^features\.\d+\.weight$/.test(name) && tensors.get(name)!.shape.length > 1;
  const convolutions = names.filter(isKernel).length;
  const depth = convolutions + 3; // VGG is called by its layers on ImageNet, where three are dense
  if (!Object.hasOwn(IMAGENET_STAGES.vgg, depth)) return refuse(`a VGG of ${convolutions} convolutions`);
  return { family: "vgg", depth, width, classes };
}

function refuse(found: string): never {
  throw new Error(
    "Cannot import the checkpoint: expected a CIFAR ResNet of depth 6n+2 (conv1.weight, layer1 to layer3 of two-convolution " +
      "blocks, linear.weight or fc.weight), the same with pre-activation or a Wide ResNet (pytorchcv's names, " +
      "features.init_block.weight, or xternalz's, block1.layer.0.bn1.weight), a ResNet-18, 34 or 50 for CIFAR (the same with layer4) or, with a 7x7 stem, for ImageNet (101 too), or a VGG-11, 13 or 16 " +
      `with batch norms and one dense layer (features.0.weight, classifier.weight), but found ${found}`,
  );
}
