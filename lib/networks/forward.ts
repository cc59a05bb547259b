// The forward pass of every network, written once: interpreters say what its words mean.
import { type Block, blocksOf, headNorm, type Layer, layerOf } from "./layers";
import type { GraphOperation, GraphSpec } from "./layer-graph";
import { isGraphSpec, type Spec } from "./spec";

/** What a forward pass is made of. An interpreter gives each word a meaning: graph nodes, eager tensors, shapes. */
export interface Vocabulary<T> {
  /** Pixels 0..255 to (pixel / 255 - mean) / std. */
  normalize(images: T): T;
  /** The convolution, padded by (size - 1) / 2 on every side, as PyTorch does also at stride 2. */
  conv(x: T, layer: Layer): T;
  /** The batch norm of a layer, behind its convolution or before it, or `headNorm`. */
  batchNorm(x: T, layer: Layer): T;
  relu(x: T): T;
  /** A block's branch and its shortcut together; the layer is the branch's last. */
  add(branch: T, shortcut: T, layer: Layer): T;
  /** Shortcut A to the given layer's outputs: every second pixel, zero channels on both sides. */
  pad(x: T, layer: Layer): T;
  /** The largest of every 2 x 2 pixels, or of 3 x 3 around every second one, what lies beyond the border left out; after a relu. */
  maxPool(x: T, size: 2 | 3): T;
  /** The mean over all pixels. */
  pool(x: T): T;
  dense(x: T): T;
  /** Of a network from a file: an operation that is no layer. The images are there already. */
  operate(node: PlainOperation, inputs: readonly T[]): T;
}

/** An operation of a graph other than its layers and its images. */
export type PlainOperation = Exclude<GraphOperation, { op: "conv" | "image" }>;

/** The forward pass: images [batch, 32, 32, 3] (or of `sideOf`) in 0..255 to logits [batch, classes]. */
export function forward<T>(spec: Spec, words: Vocabulary<T>, images: T): T {
  return forwardFrom(spec, words, { block: 0, x: words.normalize(images) });
}

/** The forward pass from the input x of a block (counted from 0 in `blocksOf`) to the logits. */
export function forwardFrom<T>(spec: Spec, words: Vocabulary<T>, { block, x }: { block: number; x: T }): T {
  const last = blocksOf(spec)
    .slice(block)
    .reduce((input, next) => forwardBlock(words, input, next), x);
  return forwardHead(spec, words, last);
}

/** From what the last block gives to the logits. */
export function forwardHead<T>(spec: Spec, words: Vocabulary<T>, x: T): T {
  if (isGraphSpec(spec)) return x;
  const head = headNorm(spec);
  return words.dense(words.pool(head ? words.relu(words.batchNorm(x, head)) : x));
}

/** One block, from its input to what the next one gets. */
export function forwardBlock<T>(words: Vocabulary<T>, x: T, block: Block): T {
  if (block.graph) return forwardGraph(words, x, block.graph);
  const [{ norm }] = block.branch;
  if (norm) return norm === "none" ? words.conv(x, block.branch[0]) : preActivated(words, x, block);
  const y = words.relu(withShortcut(words, x, block));
  return block.maxPool ? words.maxPool(y, block.maxPool) : y;
}

/** A graph, node by node, from its normalized images to its logits. */
function forwardGraph<T>(words: Vocabulary<T>, images: T, spec: GraphSpec): T {
  const results: T[] = [];
  for (const node of spec.nodes) {
    const inputs = node.inputs.map((input) => results[input]);
    if (node.op === "image") results.push(images);
    else if (node.op !== "conv") results.push(words.operate(node, inputs));
    else {
      const layer = layerOf(spec, node.layer);
      results.push(words.batchNorm(words.conv(inputs[0], layer), layer));
    }
  }
  return results[results.length - 1];
}

/** A block in which batch norm and relu stand before each convolution. */
function preActivated<T>(words: Vocabulary<T>, x: T, { branch, shortcut }: Block): T {
  const active = (input: T, layer: Layer) => words.relu(words.batchNorm(input, layer));
  const [first, ...rest] = branch;
  const common = active(x, first);
  const y = rest.reduce((input, layer) => words.conv(active(input, layer), layer), words.conv(common, first));
  return words.add(y, typeof shortcut === "string" ? x : words.conv(common, shortcut), branch[branch.length - 1]);
}

/** Everything of a block before its last relu. */
function withShortcut<T>(words: Vocabulary<T>, x: T, { branch, shortcut }: Block): T {
  const normed = (input: T, layer: Layer) => words.batchNorm(words.conv(input, layer), layer);
  const [first, ...rest] = branch;
  const y = rest.reduce((input, layer) => normed(words.relu(input), layer), normed(x, first));
  if (shortcut === "none") return y;
  const last = branch[branch.length - 1];
  if (shortcut === "identity") return words.add(y, x, last);
  return words.add(y, shortcut === "pad" ? words.pad(x, first) : normed(x, shortcut), last);
}
