// The layers of a network: its convolutions by name, in the blocks in which they are computed.
import { CHANNELS } from "../data/image";
import { sizeOf } from "../files/values";
import { type Geometry, type GraphSpec, shapesOf } from "./layer-graph";
import {
  type FamilySpec,
  isBottlenecked,
  isCifarSpec,
  isGraphSpec,
  isPreActivated,
  sideOf,
  type Spec,
  specName,
  stagesOf,
} from "./spec";

/** One convolution and its batch norm, where it has one. The kernel's shape is [size, size, inputs, outputs]. */
export interface Layer {
  readonly name: string;
  /** 0 for the stem, then from 1 on. */
  readonly stage: number;
  /** 0 for the stem, then from 1 on within its stage. */
  readonly block: number;
  readonly size: number;
  readonly inputs: number;
  readonly outputs: number;
  readonly stride: number;
  /** Rows, and columns, of its output for an image of the network's size. */
  readonly side: number;
  /** Where its batch norm stands if not right behind it: before it, with a relu between, as in a network with pre-activation, or nowhere. */
  readonly norm?: "before" | "none";
  /** In a network from a file: how its kernel moves, which need be neither square nor centred, and what comes out. */
  readonly form?: Geometry & { readonly sides: readonly [height: number, width: number] };
}

/** What is computed before the next block can begin: convolutions in a row, and what bypasses them. */
export interface Block {
  /**
   * In forward order. Each one's batch norm follows, then relu; after the last one only once the shortcut is added. With
   * pre-activation both stand before each one, and what the first relu gives is what a 1x1 shortcut works on.
   */
  readonly branch: readonly Layer[];
  /** What is added to the branch: nothing, the block's input, the same with zero channels (He et al.'s A), its 1x1 convolution. */
  readonly shortcut: "none" | "identity" | "pad" | Layer;
  /** How large the max pool is that ends the block, where one does. */
  readonly maxPool: false | 2 | 3;
  /** Of a network that is described node by node: all of it, which is one block then. */
  readonly graph?: GraphSpec;
}

/** Channels and rows of what a block works on. */
type Extent = Pick<Layer, "outputs" | "side">;

/** One convolution of a block, as the architecture states it. */
type Step = Pick<Layer, "name" | "size" | "outputs" | "stride" | "norm">;

/** What follows from a spec. */
interface Architecture {
  readonly blocks: readonly Block[];
  readonly layers: readonly Layer[];
  readonly byName: ReadonlyMap<string, Layer>;
  readonly branchEnds: readonly Layer[];
  readonly head?: Layer;
}

const known = new WeakMap<Spec, Architecture>();

/** Made once for each spec. @throws RangeError for an impossible one */
function architectureOf(spec: Spec): Architecture {
  const found = known.get(spec);
  if (found) return found;
  const blocks = makeBlocks(spec);
  const layers = blocks.flatMap(blockLayers);
  const byName = new Map(layers.map((layer) => [layer.name, layer]));
  const branchEnds = blocks.flatMap(({ branch, shortcut }) => (shortcut === "none" ? [] : branch.slice(-1)));
  const made = { blocks, layers, byName, branchEnds, head: isPreActivated(spec) ? headAfter(layers) : undefined };
  known.set(spec, made);
  return made;
}

/** The blocks of a network in forward order; where there is a stem, it is the first. @throws RangeError for an impossible spec */
export function blocksOf(spec: Spec): readonly Block[] {
  return architectureOf(spec).blocks;
}

function makeBlocks(spec: Spec): Block[] {
  if (isGraphSpec(spec)) return [{ branch: graphLayers(spec), shortcut: "none", maxPool: false, graph: spec }];
  const blocks: Block[] = spec.family === "vgg" ? [] : [stemOf(spec)];
  stagesOf(spec).forEach((count, index) => {
    for (let block = 1; block <= count; block++) {
      const place = { stage: index + 1, block, last: block === count };
      const input = resultOf(spec, blocks.at(-1));
      blocks.push(spec.family === "vgg" ? vggBlock(spec, place, input) : residualBlock(spec, place, input));
    }
  });
  return blocks;
}

/** Where a block stands; `last` in its stage. */
interface Position {
  readonly stage: number;
  readonly block: number;
  readonly last: boolean;
}

function stemOf(spec: FamilySpec): Block {
  const large = spec.family === "torchvision-resnet";
  const form = large ? { size: 7, stride: 2 } : { size: 3, stride: 1 };
  const step = { name: "stem.conv", outputs: spec.width, ...form, ...bareIn(spec) };
  return {
    branch: chain({ stage: 0, block: 0, last: true }, resultOf(spec), [step]),
    shortcut: "none",
    maxPool: large ? 3 : false,
  };
}

/** The place of the batch norm of a stem or a shortcut: with pre-activation, what reads its sum has one. */
const bareIn = (spec: FamilySpec): Pick<Layer, "norm"> => (isPreActivated(spec) ? { norm: "none" } : {});

function vggBlock({ width }: FamilySpec, place: Position, input: Extent): Block {
  const outputs = width * Math.min(2 ** (place.stage - 1), 8);
  const step = { name: `stage${place.stage}.conv${place.block}`, size: 3, outputs, stride: 1 };
  return { branch: chain(place, input, [step]), shortcut: "none", maxPool: place.last ? 2 : false };
}

function residualBlock(spec: FamilySpec, place: Position, input: Extent): Block {
  const prefix = `stage${place.stage}.block${place.block}`;
  const stride = place.stage > 1 && place.block === 1 ? 2 : 1;
  const width = spec.width * (spec.family === "wrn" ? spec.factor : 1) * 2 ** (place.stage - 1);
  const steps = branchSteps(isBottlenecked(spec), prefix, { width, stride });
  const branch = chain(place, input, isPreActivated(spec) ? steps.map((step) => ({ ...step, norm: "before" })) : steps);
  const { outputs } = branch.at(-1)!;
  const shortcut: Step = { name: `${prefix}.shortcut`, size: 1, outputs, stride, ...bareIn(spec) };
  const projection = chain(place, input, [shortcut]);
  const keepsShape = stride === 1 && outputs === input.outputs;
  return { branch, shortcut: shortcutOf(spec, keepsShape) ?? projection[0], maxPool: false };
}

/** The kind of a block's shortcut; undefined where it is a convolution. */
function shortcutOf(spec: FamilySpec, keepsShape: boolean): "none" | "identity" | "pad" | undefined {
  if (spec.family === "plain") return "none";
  if (keepsShape) return "identity";
  return isCifarSpec(spec) && spec.shortcut === "A" ? "pad" : undefined;
}

/** A basic block has two 3x3 convolutions; a bottleneck a 1x1, a 3x3 and a 1x1 with four times the outputs. */
function branchSteps(
  bottlenecked: boolean,
  prefix: string,
  { width, stride }: { width: number; stride: number },
): Step[] {
  const [conv1, conv2, conv3] = [1, 2, 3].map((number) => ({ name: `${prefix}.conv${number}`, outputs: width }));
  if (!bottlenecked)
    return [
      { ...conv1, size: 3, stride },
      { ...conv2, size: 3, stride: 1 },
    ];
  return [
    { ...conv1, size: 1, stride: 1 },
    { ...conv2, size: 3, stride },
    { ...conv3, size: 1, stride: 1, outputs: 4 * width },
  ];
}

/** Convolutions one after the other, each made for what the one before it gives. */
function chain({ stage, block }: Position, input: Extent, steps: readonly Step[]): Layer[] {
  const layers: Layer[] = [];
  for (const { name, size, outputs, stride, ...norm } of steps) {
    const { outputs: inputs, side } = layers.at(-1) ?? input;
    layers.push({ name, stage, block, size, inputs, outputs, stride, side: Math.ceil(side / stride), ...norm });
  }
  return layers;
}

/** The convolutions of a graph; where no file says stages, a stage is what works on images of one size. */
function graphLayers(spec: GraphSpec): Layer[] {
  const shapes = shapesOf(spec);
  const heights: number[] = [];
  const layers: Layer[] = [];
  spec.nodes.forEach((node, index) => {
    if (node.op !== "conv") return;
    const { layer: name, outputs, ...form } = node;
    const [, height, width] = shapes[index];
    // A size that comes back, as in a squeeze and excitation, is no new stage.
    if (!heights.includes(height) && height > 1) heights.push(height);
    const stage = height > 1 ? heights.indexOf(height) + 1 : Math.max(1, heights.length);
    const block = 1 + layers.filter((layer) => layer.stage === stage).length;
    const [inputs] = shapes[node.inputs[0]].slice(-1);
    const sides = [height, width] as const;
    const own = { size: form.kernel[0], inputs, outputs, stride: form.strides[0], side: height };
    layers.push({ name, stage, block, ...own, form: { ...form, sides } });
  });
  return layers;
}

/** What the next block works on; before the first one, the image. */
function resultOf(spec: Spec, block?: Block): Extent {
  if (!block) return { outputs: CHANNELS, side: sideOf(spec) };
  const { outputs, side } = block.branch.at(-1)!;
  return { outputs, side: block.maxPool === 3 ? Math.ceil(side / 2) : block.maxPool ? Math.floor(side / 2) : side };
}

/** The convolutions of a block in forward order, its shortcut's last. */
export function blockLayers({ branch, shortcut }: Block): Layer[] {
  return typeof shortcut === "string" ? [...branch] : [...branch, shortcut];
}

/** All convolutions in forward order. @throws RangeError for an impossible spec */
export function layersOf(spec: Spec): readonly Layer[] {
  return architectureOf(spec).layers;
}

/** The layer of that name. @throws RangeError that lists the layers when there is none */
export function layerOf(spec: Spec, name: string): Layer {
  const { byName } = architectureOf(spec);
  const layer = byName.get(name);
  if (layer) return layer;
  throw new RangeError(`Cannot find the layer "${name}": ${specName(spec)} has ${[...byName.keys()].join(", ")}`);
}

/** The last convolution of every residual branch, in forward order; none in a network without shortcuts. */
export function branchEnds(spec: Spec): readonly Layer[] {
  return architectureOf(spec).branchEnds;
}

/** Whether a layer has another number of outputs than of inputs: the paper's "feature decomposition layers". */
export function changesChannels(layer: Layer): boolean {
  return layer.inputs !== layer.outputs;
}

/** What stands between the last sum of a network with pre-activation and the mean of all pixels: a batch norm, written as a layer has it. */
const headAfter = (layers: readonly Layer[]): Layer => ({
  ...layers.at(-1)!,
  name: "head",
  inputs: layers.at(-1)!.outputs,
  norm: "before",
});

/** The batch norm before the mean of all pixels, in a network with pre-activation; it has no kernel and is no layer. */
export function headNorm(spec: Spec): Layer | undefined {
  return architectureOf(spec).head;
}

/** How many channels a layer's batch norm has: those of the convolution's inputs where it stands before it, 0 where there is none. */
export function normChannels({ norm, inputs, outputs }: Layer): number {
  return norm === "none" ? 0 : norm === "before" ? inputs : outputs;
}

/** The shape of a layer's kernel: height, width, inputs (of one group where there are several), outputs. */
export function kernelShape({ size, inputs, outputs, form }: Layer): number[] {
  return form ? [...form.kernel, inputs / form.groups, outputs] : [size, size, inputs, outputs];
}

/** Height and width of what a layer gives. */
export function outputSides({ side, form }: Layer): readonly [height: number, width: number] {
  return form?.sides ?? [side, side];
}

/** How often a layer multiplies (and adds) for one image: once per weight and output pixel, at the borders too. */
export function multiplicationsOf(layer: Layer): number {
  return sizeOf([...kernelShape(layer), ...outputSides(layer)]);
}
