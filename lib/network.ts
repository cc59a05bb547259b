// The networks of the paper as data: a spec, its named layers, its parameters as plain arrays, and the forward pass.
//
// He et al. 2015, section 4.2 (CIFAR-10), width 16:
//   depth 6n+2         20     32     44     56     110
//   convolutions       19     31     43     55     109   (shortcut A; the dense layer is the 20th, 32nd, ...)
//   parameters (M)     0.27   0.46   0.66   0.85   1.7
import type { Random } from "./random";

/** A plain array of float32 numbers with its shape. */
export interface Values {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** What a network is, before it has parameters. */
export interface Spec {
  /** "plain" is the same network without shortcuts. */
  readonly family: "resnet" | "plain";
  /** 6n+2: three stages of n blocks of two convolutions, the stem and the dense layer. */
  readonly depth: number;
  /** Channels of the first stage; the second has twice, the third four times as many. */
  readonly width: number;
  /** How a block that changes the channels is bypassed: "A" pads with zeros, "B" has a 1x1 convolution. */
  readonly shortcut: "A" | "B";
  readonly classes: number;
}

/** What is subtracted from and divided through pixel / 255, per channel (red, green, blue). */
export interface Normalization {
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/** One convolution and its batch norm. The kernel's shape is [size, size, inputs, outputs]. */
export interface Layer {
  readonly name: string;
  /** 0 for the stem, then 1 to 3. */
  readonly stage: number;
  /** 0 for the stem, then 1 to n within its stage. */
  readonly block: number;
  readonly size: number;
  readonly inputs: number;
  readonly outputs: number;
  readonly stride: number;
}

/** The arrays of a layer's batch norm: scale, shift and running statistics, each [outputs]. */
export const BATCH_NORM = ["gamma", "beta", "mean", "variance"] as const;

/** Parameters by name: `<layer>.kernel` and `<layer>.<part>` of its batch norm for each layer, `dense.kernel`, `dense.bias`. */
export type Parameters = ReadonlyMap<string, Values>;

/** A trained network: its spec, how its input is normalized, and its parameters. */
export interface Network {
  readonly name: string;
  readonly spec: Spec;
  readonly normalization: Normalization;
  readonly parameters: Parameters;
}

/** PyTorch's: added to the variance under the root of every batch norm. */
export const EPSILON = 1e-5;

/** Mean and standard deviation of the pixels of CIFAR-10's 50,000 training images (recomputed from the bytes in the tests). */
export const CIFAR10_NORMALIZATION: Normalization = {
  mean: [0.49139968, 0.48215841, 0.44653091],
  std: [0.24703223, 0.24348513, 0.26158784],
};

const STAGES = [1, 2, 3] as const;

/**
 * The spec of a network called by its usual name: "resnet20", "plain20", "resnet20-B" (shortcut B), "resnet20-w32" (width 32).
 * @throws RangeError for any other name, and for a depth that is not 6n+2
 */
export function specOf(name: string, classes = 10): Spec {
  const match = /^(resnet|plain)(\d{1,4})(-B)?(?:-w(\d{1,3}))?$/.exec(name);
  if (!match)
    throw new RangeError(
      `Cannot read the network's name "${name}": expected one like resnet20, plain20, resnet20-B, resnet20-w32`,
    );
  const spec: Spec = {
    family: match[1] as Spec["family"],
    depth: Number(match[2]),
    width: Number(match[4] ?? 16),
    shortcut: match[3] ? "B" : "A",
    classes,
  };
  blocksPerStage(spec);
  return spec;
}

/** The usual name of a spec: the inverse of `specOf`. */
export function specName(spec: Spec): string {
  return `${spec.family}${spec.depth}${spec.shortcut === "B" ? "-B" : ""}${spec.width === 16 ? "" : `-w${spec.width}`}`;
}

/** n of depth = 6n+2. @throws RangeError when the depth is not of that form, or the width is not a positive even number */
export function blocksPerStage(spec: Spec): number {
  const blocks = (spec.depth - 2) / 6;
  if (!Number.isInteger(blocks) || blocks < 1) {
    throw new RangeError(
      `Cannot build a network of depth ${spec.depth}: the depth has to be 6n+2 (8, 14, 20, 26, 32, ...)`,
    );
  }
  if (!Number.isInteger(spec.width) || spec.width < 2 || spec.width % 2) {
    throw new RangeError(`Cannot build a network of width ${spec.width}: the width has to be a positive even number`);
  }
  return blocks;
}

/** The convolutions of one block, in forward order. */
function blockLayers(spec: Spec, stage: number, block: number): Layer[] {
  const outputs = spec.width * 2 ** (stage - 1);
  const first = stage > 1 && block === 1;
  const place = { stage, block, outputs };
  const prefix = `stage${stage}.block${block}`;
  const entry = { inputs: first ? outputs / 2 : outputs, stride: first ? 2 : 1 };
  const layers: Layer[] = [
    { name: `${prefix}.conv1`, ...place, size: 3, ...entry },
    { name: `${prefix}.conv2`, ...place, size: 3, inputs: outputs, stride: 1 },
  ];
  if (first && spec.family === "resnet" && spec.shortcut === "B") {
    layers.push({ name: `${prefix}.shortcut`, ...place, size: 1, ...entry });
  }
  return layers;
}

/** The blocks of a network in forward order, each as its convolutions. */
export function blocksOf(spec: Spec): Layer[][] {
  const numbers = Array.from({ length: blocksPerStage(spec) }, (_, index) => index + 1);
  return STAGES.flatMap((stage) => numbers.map((block) => blockLayers(spec, stage, block)));
}

function stemOf(spec: Spec): Layer {
  return { name: "stem.conv", stage: 0, block: 0, size: 3, inputs: 3, outputs: spec.width, stride: 1 };
}

/** All convolutions in forward order. @throws RangeError when the depth is not 6n+2 */
export function layersOf(spec: Spec): Layer[] {
  return [stemOf(spec), ...blocksOf(spec).flat()];
}

/** The layer of that name. @throws RangeError that lists the layers when there is none */
export function layerOf(spec: Spec, name: string): Layer {
  const layers = layersOf(spec);
  const layer = layers.find((candidate) => candidate.name === name);
  if (layer) return layer;
  throw new RangeError(
    `Cannot find the layer "${name}": ${specName(spec)} has ${layers.map((candidate) => candidate.name).join(", ")}`,
  );
}

/** The last convolution of every residual branch, in forward order; none in a plain network. */
export function branchEnds(spec: Spec): Layer[] {
  return spec.family === "plain" ? [] : blocksOf(spec).map(([, conv2]) => conv2);
}

/** Whether a layer has another number of outputs than of inputs: the paper's "feature decomposition layers". */
export function changesChannels(layer: Layer): boolean {
  return layer.inputs !== layer.outputs;
}

/** The shape of a layer's kernel: height, width, inputs, outputs. */
export function kernelShape({ size, inputs, outputs }: Layer): number[] {
  return [size, size, inputs, outputs];
}

/** The name and shape of every parameter that a complete network holds, in forward order. */
export function parameterShapes(spec: Spec): Map<string, number[]> {
  const shapes = new Map<string, number[]>();
  for (const layer of layersOf(spec)) {
    shapes.set(`${layer.name}.kernel`, kernelShape(layer));
    for (const part of BATCH_NORM) shapes.set(`${layer.name}.${part}`, [layer.outputs]);
  }
  shapes.set("dense.kernel", [4 * spec.width, spec.classes]);
  return shapes.set("dense.bias", [spec.classes]);
}

/** Whether training fits a parameter by gradient; running means and variances are only tracked. */
export function isTrainable(parameter: string): boolean {
  return !/\.(mean|variance)$/.test(parameter);
}

/** How many numbers training fits: the count of the paper's table, running statistics left out. */
export function parameterCount(spec: Spec): number {
  return [...parameterShapes(spec)].reduce((sum, [name, shape]) => sum + (isTrainable(name) ? sizeOf(shape) : 0), 0);
}

/** The number of elements of a shape. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, side) => product * side, 1);
}

/** Parameters before training: random kernels, batch norms that start as the identity, biases of zero. */
export function initialParameters(spec: Spec, random: Random): Parameters {
  const parameters = new Map<string, Values>();
  for (const [name, shape] of parameterShapes(spec)) {
    parameters.set(name, { shape, data: initialValues(name, shape, random) });
  }
  return parameters;
}

function initialValues(name: string, shape: readonly number[], random: Random): Float32Array {
  const data = new Float32Array(sizeOf(shape));
  if (/\.(gamma|variance)$/.test(name)) return data.fill(1);
  return name.endsWith(".kernel") ? initialKernel(shape, random) : data;
}

/** He et al.'s initialization of a kernel [..., outputs]: normal with variance 2 / (weights per output). */
export function initialKernel(shape: readonly number[], random: Random): Float32Array {
  const deviation = Math.sqrt(2 / sizeOf(shape.slice(0, -1)));
  return new Float32Array(sizeOf(shape)).map(() => deviation * random.normal());
}

/** What a forward pass is made of. An interpreter gives each word a meaning: graph nodes, eager tensors, shapes. */
export interface Vocabulary<T> {
  /** Pixels 0..255 to (pixel / 255 - mean) / std. */
  normalize(images: T): T;
  /** The convolution, padded by (size - 1) / 2 on every side, as PyTorch does also at stride 2. */
  conv(x: T, layer: Layer): T;
  batchNorm(x: T, layer: Layer): T;
  relu(x: T): T;
  /** A block's branch and its shortcut; the layer is the last convolution of the branch. */
  add(branch: T, shortcut: T, layer: Layer): T;
  /** Shortcut A into the given layer's outputs: every second pixel, zero channels on both sides. */
  pad(x: T, layer: Layer): T;
  /** The mean over all pixels. */
  pool(x: T): T;
  dense(x: T): T;
}

/** The forward pass, written once for every interpreter: images [batch, 32, 32, 3] in 0..255 to logits [batch, classes]. */
export function forward<T>(spec: Spec, words: Vocabulary<T>, images: T): T {
  return forwardFrom(spec, words, { block: 0, x: forwardStem(spec, words, images) });
}

/** The part of the forward pass before the first block. */
export function forwardStem<T>(spec: Spec, words: Vocabulary<T>, images: T): T {
  const stem = stemOf(spec);
  return words.relu(words.batchNorm(words.conv(words.normalize(images), stem), stem));
}

/** The forward pass from the input x of a block (counted from 0 over all stages) to the logits. */
export function forwardFrom<T>(
  spec: Spec,
  words: Vocabulary<T>,
  { block, x }: { readonly block: number; readonly x: T },
): T {
  const last = blocksOf(spec)
    .slice(block)
    .reduce((input, layers) => forwardBlock(spec, words, input, layers), x);
  return words.dense(words.pool(last));
}

/** One residual (or plain) block, given as its convolutions. */
export function forwardBlock<T>(spec: Spec, words: Vocabulary<T>, x: T, [conv1, conv2, shortcut]: readonly Layer[]): T {
  const y = words.relu(words.batchNorm(words.conv(x, conv1), conv1));
  const branch = words.batchNorm(words.conv(y, conv2), conv2);
  if (spec.family === "plain") return words.relu(branch);
  if (shortcut) return words.relu(words.add(branch, words.batchNorm(words.conv(x, shortcut), shortcut), conv2));
  return words.relu(words.add(branch, changesChannels(conv1) ? words.pad(x, conv1) : x, conv2));
}
