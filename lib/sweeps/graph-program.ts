// Many ablations as one frozen graph: what they share with the intact network is computed once, what is constant once per graph.
import { sumOf } from "../statistics/summary";
import { type Ablation, intact } from "../ablations/ablate";
import { changedLayers, changesOf } from "../ablations/changes";
import { changedWords } from "../ablations/activations";
import { CHANNELS } from "../data/image";
import type { Tensor } from "../engine/backend";
import { Graph, type Symbolic } from "../engine/graph";
import * as ops from "../engine/operations";
import { loadProgram } from "../engine/savedmodel";
import { sizeOf } from "../files/values";
import { forwardBlock, forwardFrom } from "../networks/forward";
import { blockLayers, blocksOf, kernelShape } from "../networks/layers";
import type { Network, Precision } from "../networks/network";
import { sideOf } from "../networks/spec";
import { frozenWords, graphSites, type GraphWeights, handedIn, writtenIn } from "./graph-words";
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
  readonly predictions: readonly Uint8Array[];
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
  /** Hands the weights in with every call instead of writing them into the graph: a ResNet-56 takes 1.5 times as long, in half the memory. */
  readonly handIn: boolean;
}

/** Compiles a network and ablations of it into one graph of the native engine. */
export async function compileSweep(
  network: Network,
  ablations: readonly Ablation[],
  options: SweepGraphOptions,
): Promise<SweepProgram> {
  const graph = new Graph();
  const side = sideOf(network.spec);
  const type = { shape: [-1, side, side, CHANNELS], dtype: "float32" } as const;
  const inputs = {
    images: graph.placeholder("images", type),
    labels: graph.placeholder("labels", { shape: [-1], dtype: "int32" }),
    others: graph.placeholder("others", type),
  };
  const weights = options.handIn ? handedIn(graph) : writtenIn(graph);
  const logits = recordSweep(inputs, network, ablations, { ...options, weights }).map((row) =>
    forEachLabel(row, inputs.labels),
  );
  const outputs = {
    classes: ops.stack(logits.map(ops.argMax)),
    losses: ops.stack(logits.map((row) => ops.crossEntropy(row, inputs.labels))),
    finite: ops.stack(logits.map(ops.shareFinite)),
  };
  const program = await loadProgram(graph, { sweep: { inputs: { ...inputs, ...weights.inputs }, outputs } });
  const tensors = weights.tensors();
  return {
    run(batch) {
      const found = program.run("sweep", { ...batch, ...tensors });
      try {
        checkFinite(found.finite.dataSync());
        const size = batch.images.shape[0];
        return {
          predictions: rowsIn(Uint8Array.from(found.classes.dataSync()), size),
          losses: rowsIn(found.losses.dataSync() as Float32Array, size),
        };
      } finally {
        for (const tensor of Object.values(found)) tensor.dispose();
      }
    },
    dispose() {
      program.dispose();
      for (const tensor of Object.values(tensors)) tensor.dispose();
    },
  };
}

/** The rows of a matrix [rows, size], each an array of its own. */
function rowsIn<A extends Uint8Array | Float32Array>(matrix: A, size: number): A[] {
  return Array.from({ length: matrix.length / size }, (_, row) => matrix.slice(row * size, (row + 1) * size) as A);
}

/** @throws Error naming the first network of which not all logits are finite numbers */
function checkFinite(shares: ArrayLike<number>): void {
  const bad = Array.from(shares).findIndex((share) => share < 1);
  if (bad < 0) return;
  const which = bad === 0 ? "the intact network" : `ablation ${bad} of ${shares.length - 1}`;
  throw new Error(`Cannot read predictions of ${which}: its logits hold NaN or an infinity, expected finite numbers`);
}

/**
 * Records the logits [batch, classes] of all networks: one pass of the intact one, from which each ablation branches off at the
 * first block in which it differs. The convolution of a kernel that is zero is never computed: it gives every image the same.
 */
function recordSweep(
  { images, others }: { images: Symbolic; others: Symbolic },
  network: Network,
  ablations: readonly Ablation[],
  options: SweepGraphOptions & { readonly weights: GraphWeights },
): Symbolic[] {
  const { spec } = network;
  const frozen = frozenWords(images.node.graph, network, options);
  const words = frozen(intact(network));
  const siteOf = graphSites(others, network, words, options);
  const firsts = ablations.map(firstChange);
  const results: Symbolic[] = [];
  const branchOff = (block: number, x: Symbolic) =>
    ablations.forEach((ablation, index) => {
      if (firsts[index] !== block) return;
      const changed = changedWords(frozen(ablation), ablation.activations, siteOf);
      results[index + 1] = forwardFrom(spec, changed, { block, x });
    });
  let x = words.normalize(images);
  blocksOf(spec).forEach((block, index) => {
    branchOff(index, x);
    x = forwardBlock(words, x, block);
  });
  const head = blocksOf(spec).length;
  branchOff(head, x);
  results[0] = forwardFrom(spec, words, { block: head, x });
  return results;
}

/** A network that no longer looks at the image answers once for all of them: that answer, once per label. */
function forEachLabel(logits: Symbolic, labels: Symbolic): Symbolic {
  if (logits.shape[0] !== 1) return logits;
  const [, classes] = logits.shape;
  const column = ops.reshape(ops.cast(labels, "float32"), [-1, 1]);
  return ops.add(logits, ops.matMul(column, labels.node.graph.constant(new Float32Array(classes), [1, classes])));
}

/** The block in which an ablation first differs from the network: the number of blocks for the dense layer. */
function firstChange(ablation: Ablation): number {
  const { arrays, activations } = changesOf(ablation);
  const changed = changedLayers(arrays, activations);
  const blocks = blocksOf(ablation.network.spec);
  const first = blocks.findIndex((block) => blockLayers(block).some(({ name }) => changed.has(name)));
  return first < 0 ? blocks.length : first;
}

/** How many blocks an ablation adds to a graph, the dense layer counted as one: most of what the graph takes to load and to hold. */
export function recordedBlocks(ablation: Ablation): number {
  return 1 + blocksOf(ablation.network.spec).length - firstChange(ablation);
}

/** How many kernel weights an ablation adds to a graph, each block's as often as it is recorded. */
export function recordedWeights(ablation: Ablation): number {
  const blocks = blocksOf(ablation.network.spec).slice(firstChange(ablation));
  return sumOf(blocks.flatMap(blockLayers).map((layer) => sizeOf(kernelShape(layer))));
}
