// A trained network as a frozen graph that other programs open: batch norms folded, parameters as constants, nodes named by layer.
import { CHANNELS } from "../data/image";
import { forwardBlock, forwardHead, type Vocabulary } from "../networks/forward";
import { blocksOf, type Layer } from "../networks/layers";
import type { Network } from "../networks/network";
import { isGraphSpec, sideOf } from "../networks/spec";
import { folding } from "./fold";
import { Graph, type Symbolic } from "./graph";
import { inferenceWords } from "./recorder";
import { encodeSavedModel, type Signature } from "./savedmodel";

/** A graph without variables, and what can be asked of it. */
export interface FrozenGraph {
  readonly graph: Graph;
  readonly signatures: Readonly<Record<string, Signature>>;
}

/**
 * The network as one graph with several ways in. `serving_default` takes `images` [n, 32, 32, 3] in 0..255, float32, and gives
 * `logits` [n, classes]; `from_stage1_block1` and its like (`from_stem_conv`: the images, normalized) take a block's `input`
 * [n, height, width, channels] and give the same `logits`, at the cost of the blocks from there on alone. Nodes are called like
 * "stage1.block1.conv1/Conv2D".
 */
export function freeze(network: Network): FrozenGraph {
  const graph = new Graph();
  const side = sideOf(network.spec);
  const images = graph.placeholder("images", { shape: [-1, side, side, CHANNELS], dtype: "float32" });
  const words = namedWords(graph, network);
  const inputs = new Map<string, Symbolic>();
  let x = words.normalize(images);
  for (const block of blocksOf(network.spec)) {
    inputs.set(`from_${blockName(block.branch[0]).replace(".", "_")}`, x);
    x = forwardBlock(words, x, block);
  }
  const outputs = { logits: forwardHead(network.spec, words, x) };
  const restarts = [...inputs].map(([name, input]) => [name, { inputs: { input }, outputs }] as const);
  const serving = { serving_default: { inputs: { images }, outputs } };
  return { graph, signatures: isGraphSpec(network.spec) ? serving : { ...serving, ...Object.fromEntries(restarts) } };
}

/** The file saved_model.pb of a network's SavedModel folder, which holds nothing else: constants need no `variables` folder. */
export function encodeFrozen(network: Network): Uint8Array {
  return encodeSavedModel(freeze(network).signatures);
}

/** The interpreter of frozen inference whose nodes are named by layer, and what belongs to no single layer by block. */
function namedWords(graph: Graph, network: Network): Vocabulary<Symbolic> {
  const words = inferenceWords(graph, network, folding(network.spec), {
    nameOf: (name) => name.replace(/\.(\w+)$/, "/$1"),
  });
  return {
    normalize: (images) => graph.within("normalize", () => words.normalize(images)),
    conv: (x, layer) => graph.within(layer.name, () => words.conv(x, layer)),
    batchNorm: (x, layer) => graph.within(layer.name, () => words.batchNorm(x, layer)),
    relu: (x) => graph.within(scopeOf(x), () => words.relu(x)),
    operate: words.operate,
    add: (branch, shortcut, layer) => graph.within(blockName(layer), () => words.add(branch, shortcut, layer)),
    pad: (x, layer) => graph.within(`${blockName(layer)}.shortcut`, () => words.pad(x, layer)),
    maxPool: (x, size) => graph.within(scopeOf(x), () => words.maxPool(x, size)),
    pool: (x) => graph.within("pool", () => words.pool(x)),
    dense: (x) => graph.within("dense", () => words.dense(x)),
  };
}

/** "stage1.block2" of "stage1.block2.conv1"; a VGG's block is its layer, "stage1.conv2". */
const blockName = ({ name }: Layer): string => name.replace(/(\.block\d+)\..*$/, "$1");

const scopeOf = ({ node }: Symbolic): string => node.name.replace(/\/.*$/, "");
