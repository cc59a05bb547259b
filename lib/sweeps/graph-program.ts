// Many ablations as one frozen graph.
import { type Ablation, intact } from "../ablations/ablate";
import { changedWords } from "../ablations/activations";
import { type Labels, labelsFrom } from "../data/labels";
import { CHANNELS } from "../data/image";
import type { Tensor } from "../engine/backend";
import { addNeeded, Graph, type GraphNode, kernelSize, nodesOf, type Symbolic } from "../engine/graph";
import * as ops from "../engine/operations";
import { loadProgram } from "../engine/savedmodel";
import { stacked } from "../engine/stack";
import { sizeOf } from "../files/values";
import { forward } from "../networks/forward";
import type { Network, Precision } from "../networks/network";
import { sideOf } from "../networks/spec";
import { largestOf } from "../statistics/extremes";
import { frozenWords, graphSites } from "./graph-words";
import type { Means } from "./reference";

/** A batch under test. */
export interface SweepBatch {
  /** [batch, 32, 32, 3] in 0..255 */
  readonly images: Tensor;
  /** [batch], int32 */
  readonly labels: Tensor;
  /** [batch, 32, 32, 3]: for operators that look at another image, one per image under test. */
  readonly others: Tensor;
}

/** What networks say about a batch: the intact one first, then each ablation. */
export interface Answers {
  /** Predicted classes, [batch] per network. */
  readonly predictions: readonly Labels[];
  /** Cross-entropies in nats, [batch] per network. */
  readonly losses: readonly Float32Array[];
}

/** A network and its ablations, ready for batches. */
export interface SweepProgram {
  /** @throws Error when a network gives a logit that is not finite */
  run(batch: SweepBatch): Answers;
  dispose(): void;
}

/** How ablations are computed, apart from what they are. */
export interface SweepGraphOptions {
  readonly precision: Precision;
  readonly means: Means;
}

/** A network, row 0, and its ablations in one graph, whose rows are loaded in any choice. */
export interface SweepGraph {
  readonly inputs: Readonly<Record<keyof SweepBatch, Symbolic>>;
  /** [batch, classes] of each row. */
  readonly logits: readonly Symbolic[];
}

/**
 * Records a network and ablations of it, each as a whole forward pass: the graph itself sees what they share. The convolution of a
 * kernel that is zero is never computed: it gives every image the same.
 */
export function recordSweep(network: Network, ablations: readonly Ablation[], options: SweepGraphOptions): SweepGraph {
  const graph = new Graph();
  const side = sideOf(network.spec);
  const type = { shape: [-1, side, side, CHANNELS], dtype: "float32" } as const;
  const inputs = {
    images: graph.placeholder("images", type),
    labels: graph.placeholder("labels", { shape: [-1], dtype: "int32" }),
    others: graph.placeholder("others", type),
  };
  const frozen = frozenWords(graph, network, options.precision);
  const siteOf = graphSites(inputs.others, network, frozen(intact(network)), options);
  const logits = [intact(network), ...ablations].map((ablation) => {
    const words = changedWords(frozen(ablation), ablation.activations, siteOf);
    return forEachLabel(forward(network.spec, words, inputs.images), inputs.labels);
  });
  return { inputs, logits };
}

/**
 * Loads rows of a recorded sweep into the native engine.
 * @param options.stacks as one operation for many rows (`engine/stack.ts`): the first answers in 0.55 (ResNet-56) to 0.73 (ResNet-20) of the time, and then up to a third slower
 */
export async function loadRows(
  { inputs, logits: all }: SweepGraph,
  rows: readonly number[],
  { stacks = false }: { readonly stacks?: boolean } = {},
): Promise<SweepProgram> {
  const logits = rows.map((row) => all[row]);
  const [, classes] = logits[0].shape;
  const outputs = {
    classes: ops.stack(logits.map(ops.argMax)),
    losses: ops.stack(logits.map((row) => ops.crossEntropy(row, inputs.labels))),
    finite: ops.stack(logits.map(ops.shareFinite)),
  };
  const recorded = { inputs, outputs };
  const program = await loadProgram({ sweep: stacks ? stacked(recorded) : recorded });
  return {
    run(batch) {
      const found = program.run("sweep", { ...batch });
      try {
        checkFinite(found.finite.dataSync());
        const size = batch.images.shape[0];
        return {
          predictions: rowsIn(labelsFrom(found.classes.dataSync(), classes), size),
          losses: rowsIn(found.losses.dataSync() as Float32Array, size),
        };
      } finally {
        for (const tensor of Object.values(found)) tensor.dispose();
      }
    },
    dispose: program.dispose,
  };
}

/** Numbers in the largest stack of a call, 400 MB: a ResNet-56 has 46 million for 50 images, an imagenet-resnet50 2 thousand million. */
const LARGEST_STACK = 1e8;

/** Whether so many rows of so many images can be loaded as stacks, of which memory holds a few at a time. */
export function fitStacks({ logits }: SweepGraph, rows: number, images: number): boolean {
  const outputs = nodesOf([logits[0]]).flatMap((node) => node.outputs.map(({ shape }) => shape));
  const widest = largestOf(outputs.filter(([batch]) => batch === -1).map(([, ...sizes]) => sizeOf(sizes)));
  return rows * images * widest <= LARGEST_STACK;
}

/** In nodes: enough for all layers of a ResNet-56 (6,017). While TensorFlow prepares a graph it takes memory in proportion to its size. */
const LARGEST_GRAPH = 9000;

/**
 * Bytes for each node that is loaded, for each weight of every convolution (TensorFlow keeps kernels prepared, about four times), and for
 * each number of a constant, of which there are several copies while a graph is loaded. An imagenet-resnet50 (94 MB) would take 13 GB as one.
 */
const [NODE_BYTES, WEIGHT_BYTES, CONSTANT_BYTES] = [20_000, 16, 40];

/**
 * Rows in portions of which memory holds one at a time, each in the graphs that it is loaded as. The intact network, row 0, is in every
 * graph, and not in the lists.
 * @param options.memory in bytes
 * @param options.largest of a graph, in nodes
 */
export function portionsOf(
  { logits }: SweepGraph,
  rows: readonly number[],
  { memory, largest = LARGEST_GRAPH }: { readonly memory: number; readonly largest?: number },
): number[][][] {
  const portions: number[][][] = [];
  let [needed, used] = [new Set<GraphNode>(), 0];
  for (const row of rows) {
    const isFull = portions.length === 0 || used > memory;
    if (isFull) [used] = [0, portions.push([])];
    const graphs = portions[portions.length - 1];
    if (isFull || needed.size > largest) {
      needed = new Set();
      used += bytesOf(addNeeded(logits[0], needed));
      graphs.push([]);
    }
    used += bytesOf(addNeeded(logits[row], needed));
    graphs[graphs.length - 1].push(row);
  }
  return portions;
}

function bytesOf(nodes: readonly GraphNode[]): number {
  let sum = NODE_BYTES * nodes.length;
  for (const node of nodes)
    sum += WEIGHT_BYTES * kernelSize(node) + (node.op === "Const" ? CONSTANT_BYTES * sizeOf(node.outputs[0].shape) : 0);
  return sum;
}

/** The rows of a matrix [rows, size], each an array of its own. */
function rowsIn<A extends Labels | Float32Array>(matrix: A, size: number): A[] {
  return Array.from({ length: matrix.length / size }, (_, row) => matrix.slice(row * size, (row + 1) * size) as A);
}

/** @throws Error naming the first network of which not all logits are finite numbers */
function checkFinite(shares: ArrayLike<number>): void {
  const bad = Array.from(shares).findIndex((share) => share < 1);
  if (bad < 0) return;
  const which = bad === 0 ? "the intact network" : `ablation ${bad} of ${shares.length - 1}`;
  throw new Error(`Cannot read predictions of ${which}: its logits hold NaN or an infinity, expected finite numbers`);
}

/** A network that no longer looks at the image answers once for all of them: that answer, once per label. */
function forEachLabel(logits: Symbolic, labels: Symbolic): Symbolic {
  if (logits.shape[0] !== 1) return logits;
  const [, classes] = logits.shape;
  const column = ops.reshape(ops.cast(labels, "float32"), [-1, 1]);
  return ops.add(logits, ops.matMul(column, labels.node.graph.constant(new Float32Array(classes), [1, classes])));
}
