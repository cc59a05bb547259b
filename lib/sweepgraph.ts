// Many ablations as one frozen graph: what they share with the intact network is computed once, what is constant once per graph.
import type { Ablation } from "./ablate";
import { activationName, type ActivationSite, type Arithmetic, changedWords, notingWords } from "./activations";
import type { Tensor } from "./backend";
import { CHANNELS, SIDE } from "./cifar-files";
import { foldedBias, foldedKernel, foldedParameters } from "./fold";
import { forward, forwardBlock, forwardFrom, type Vocabulary } from "./forward";
import { type DType, Graph, type Symbolic } from "./graph";
import { blockLayers, blocksOf, type Layer, layersOf } from "./layers";
import { BATCH_NORM, type Network, type Parameters, type Values } from "./network";
import * as ops from "./operations";
import { inferenceWords } from "./recorder";
import type { Means } from "./reference";
import { loadProgram } from "./savedmodel";

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
  readonly precision: DType;
  readonly means: Means;
}

/** Compiles a network and ablations of it into one graph of the native engine. */
export async function compileSweep(
  network: Network,
  ablations: readonly Ablation[],
  options: SweepGraphOptions,
): Promise<SweepProgram> {
  const graph = new Graph();
  const type = { shape: [-1, SIDE, SIDE, CHANNELS], dtype: "float32" } as const;
  const inputs = {
    images: graph.placeholder("images", type),
    labels: graph.placeholder("labels", { shape: [-1], dtype: "int32" }),
    others: graph.placeholder("others", type),
  };
  const logits = recordSweep(inputs, network, ablations, options).map((row) => forEachLabel(row, inputs.labels));
  const outputs = {
    classes: ops.stack(logits.map(ops.argMax)),
    losses: ops.stack(logits.map((row) => ops.crossEntropy(row, inputs.labels))),
    finite: ops.stack(logits.map(ops.shareFinite)),
  };
  const program = await loadProgram(graph, { sweep: { inputs, outputs } });
  return {
    run(batch) {
      const found = program.run("sweep", { ...batch });
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
    dispose: program.dispose,
  };
}

/** The rows of a matrix [rows, size], each an array of its own. */
function rowsIn<A extends Uint8Array | Float32Array>(matrix: A, size: number): A[] {
  return Array.from({ length: matrix.length / size }, (_, row) => matrix.slice(row * size, (row + 1) * size) as A);
}

/** @throws Error naming the first network of which not all logits are finite numbers */
export function checkFinite(shares: ArrayLike<number>): void {
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
  { images, others }: { readonly images: Symbolic; readonly others: Symbolic },
  network: Network,
  ablations: readonly Ablation[],
  options: SweepGraphOptions,
): Symbolic[] {
  const { spec } = network;
  const frozen = frozenWords(images.node.graph, network, options.precision);
  const intact = frozen(network);
  const siteOf = graphSites(others, network, intact, options);
  const wordsOf = (ablation: Ablation) =>
    ablation.activations ? changedWords(frozen(ablation), ablation.activations, siteOf) : frozen(ablation);
  const results: Symbolic[] = [];
  const branchOff = (block: number, x: Symbolic) =>
    ablations.forEach((ablation, index) => {
      if (firstChange(network, ablation) !== block) return;
      results[index + 1] = forwardFrom(spec, wordsOf(ablation), { block, x });
    });
  let x = intact.normalize(images);
  blocksOf(spec).forEach((block, index) => {
    branchOff(index, x);
    x = forwardBlock(intact, x, block);
  });
  const head = blocksOf(spec).length;
  branchOff(head, x);
  results[0] = forwardFrom(spec, intact, { block: head, x });
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
function firstChange(network: Network, ablation: Ablation): number {
  const changed = (layer: Layer) => isChanged(network, ablation, layer);
  const blocks = blocksOf(network.spec);
  const first = blocks.findIndex((block) => blockLayers(block).some(changed));
  return first < 0 ? blocks.length : first;
}

/** How many blocks an ablation adds to a graph, the dense layer counted as one: most of what the graph takes to load and to hold. */
export function recordedBlocks(network: Network, ablation: Ablation): number {
  return 1 + blocksOf(network.spec).length - firstChange(network, ablation);
}

/** Whether an ablation changes anything at a layer: its arrays, its output, or the shortcut that is added to it. */
function isChanged(network: Network, ablation: Ablation, layer: Layer): boolean {
  const places = ["output", "shortcut"] as const;
  return (
    hasNewArrays(network, ablation, layer) ||
    places.some((place) => ablation.activations?.has(activationName(layer, place)))
  );
}

/** Ablations share the arrays that they do not change, so identity tells. */
function hasNewArrays(network: Network, ablation: Network, { name }: Layer): boolean {
  const parts = ["kernel", ...BATCH_NORM].map((part) => `${name}.${part}`);
  return parts.some((part) => network.parameters.get(part) !== ablation.parameters.get(part));
}

/** Interpreters for a network and its ablations in one graph; parameters that they share are one constant. */
function frozenWords(graph: Graph, network: Network, precision: DType): (of: Network) => Vocabulary<Symbolic> {
  const shared = foldedParameters(network);
  const constants = new Map<Values, Symbolic>();
  const constantOf = (values: Values): Symbolic => {
    const known = constants.get(values) ?? graph.constant(values.data, values.shape);
    constants.set(values, known);
    return known;
  };
  return (of) => {
    const folded = foldedLike(network, of, shared);
    const words = inferenceWords((name) => constantOf(folded.get(name)!), network.normalization, precision);
    const conv = (x: Symbolic, layer: Layer) =>
      isZero(folded.get(`${layer.name}.kernel`)!) ? zeros(graph, layer, { x, precision }) : words.conv(x, layer);
    return { ...words, conv };
  };
}

/** The folded parameters of an ablation, the arrays of unchanged layers shared with the intact network. */
function foldedLike(network: Network, ablation: Network, shared: Parameters): Parameters {
  const folded = new Map(shared);
  for (const layer of layersOf(network.spec).filter((candidate) => hasNewArrays(network, ablation, candidate))) {
    folded.set(`${layer.name}.kernel`, foldedKernel(ablation.parameters, layer));
    folded.set(`${layer.name}.bias`, foldedBias(ablation.parameters, layer));
  }
  for (const name of ["dense.kernel", "dense.bias"]) folded.set(name, ablation.parameters.get(name)!);
  return folded;
}

const isZero = ({ data }: Values): boolean => data.every((weight) => weight === 0);

/** What a zero kernel makes of any batch: zeros for one image, which TensorFlow then carries on as a constant. */
function zeros(
  graph: Graph,
  layer: Layer,
  { x, precision }: { readonly x: Symbolic; readonly precision: DType },
): Symbolic {
  const [, height, width] = x.shape;
  const shape = [1, Math.ceil(height / layer.stride), Math.ceil(width / layer.stride), layer.outputs];
  return ops.cast(ops.broadcast(graph.constant(new Float32Array(1), [1, 1, 1, 1]), shape), precision);
}

/** What operators on activations may look at in the graph. The other images' pass is recorded when one first asks for it. */
function graphSites(
  others: Symbolic,
  { spec }: Network,
  intact: Vocabulary<Symbolic>,
  { precision, means }: SweepGraphOptions,
): (name: string) => ActivationSite<Symbolic> {
  const { graph } = others.node;
  const arithmetic: Arithmetic<Symbolic> = {
    add: ops.add,
    scale: (x, factor) => ops.multiply(x, ops.cast(graph.scalar(factor), x.dtype)),
    constant: ({ data, shape }) => ops.cast(graph.constant(data, shape), precision),
  };
  let noted: Map<string, Symbolic> | undefined;
  const noteOthers = () => {
    const notes = new Map<string, Symbolic>();
    forward(
      spec,
      notingWords(intact, (name, x) => notes.set(name, x)),
      others,
    );
    return notes;
  };
  return (name) => ({
    ...arithmetic,
    mean: () => arithmetic.constant(means.get(name)!),
    other: () => (noted ??= noteOthers()).get(name)!,
  });
}
