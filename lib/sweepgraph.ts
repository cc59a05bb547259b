// A whole sweep as one frozen graph: what ablations share with the intact network is computed once, what is constant once per graph.
import { startEngine, type Tensor } from "./backend";
import { CHANNELS, SIDE } from "./cifar-files";
import { logitsOf, openPredictor, predictedClasses } from "./evaluate";
import { foldedBias, foldedKernel, foldedParameters } from "./fold";
import { type DType, Graph, type Symbolic } from "./graph";
import {
  BATCH_NORM,
  blocksOf,
  forwardBlock,
  forwardFrom,
  forwardStem,
  type Layer,
  layersOf,
  type Network,
  type Parameters,
  type Values,
  type Vocabulary,
} from "./network";
import * as ops from "./operations";
import { inferenceWords } from "./recorder";
import { loadProgram } from "./savedmodel";

/** A network and its ablations, compiled together. */
export interface SweepProgram {
  /**
   * The predicted classes of a batch [batch, 32, 32, 3] in 0..255: the intact network's, then each ablation's.
   * @throws Error when a network gives a logit that is not finite
   */
  predict(images: Tensor): Uint8Array[];
  dispose(): void;
}

const STEM = -1;

/** Prepares a network and ablations of it for batches of images: as one graph on the native engine, one by one elsewhere. */
export async function openSweep(
  network: Network,
  ablations: readonly Network[],
  precision: DType = "float32",
): Promise<SweepProgram> {
  const { backend } = await startEngine();
  return backend === "tensorflow" ? compileSweep(network, ablations, precision) : openOneByOne([network, ...ablations]);
}

async function openOneByOne(networks: readonly Network[]): Promise<SweepProgram> {
  const predictor = await openPredictor(networks[0]);
  const loaded = networks.map((network) => predictor.load(network));
  return {
    predict: (images) =>
      loaded.map((network) => predictedClasses(logitsOf(predictor, network, images), networks[0].spec.classes)),
    dispose() {
      for (const held of [...loaded, predictor]) held.dispose();
    },
  };
}

/**
 * One graph of all networks. An ablation is computed from the first block in which it differs, and the convolution of a
 * kernel that is zero never: its result is the same for every image.
 */
async function compileSweep(network: Network, ablations: readonly Network[], precision: DType): Promise<SweepProgram> {
  const graph = new Graph();
  const images = graph.placeholder("images", { shape: [-1, SIDE, SIDE, CHANNELS], dtype: "float32" });
  const logits = recordSweep(images, network, { ablations, precision });
  const classes = named("class", logits.map(ops.argMax));
  const finite = named("finite", logits.map(ops.shareFinite));
  const program = await loadProgram(graph, { predict: { inputs: { images }, outputs: { ...classes, ...finite } } });
  return {
    predict(batch) {
      const found = program.run("predict", { images: batch });
      const numbers = (name: string) => found[name].dataSync();
      try {
        checkFinite(Object.keys(finite).map((name) => numbers(name)[0]));
        return Object.keys(classes).map((name) => wholeBatch(Uint8Array.from(numbers(name)), batch.shape[0]));
      } finally {
        for (const tensor of Object.values(found)) tensor.dispose();
      }
    },
    dispose: program.dispose,
  };
}

const named = (name: string, tensors: readonly Symbolic[]): Record<string, Symbolic> =>
  Object.fromEntries(tensors.map((tensor, index) => [name + index, tensor]));

function checkFinite(shares: readonly number[]): void {
  const bad = shares.findIndex((share) => share < 1);
  if (bad < 0) return;
  const which = bad === 0 ? "the intact network" : `ablation ${bad} of ${shares.length - 1}`;
  throw new Error(`Cannot read predictions of ${which}: its logits hold NaN or an infinity, expected finite numbers`);
}

/** A network that no longer looks at the image answers once for all of them. */
const wholeBatch = (predicted: Uint8Array, count: number): Uint8Array =>
  predicted.length === count ? predicted : new Uint8Array(count).fill(predicted[0]);

/** Records the logits of all networks: one pass of the intact one, from which each ablation branches off. */
function recordSweep(
  images: Symbolic,
  network: Network,
  { ablations, precision }: { readonly ablations: readonly Network[]; readonly precision: DType },
): Symbolic[] {
  const { spec } = network;
  const wordsOf = frozenWords(images.node.graph, network, precision);
  const intact = wordsOf(network);
  const results: Symbolic[] = [];
  const branchOff = (block: number, x: Symbolic) =>
    ablations.forEach((ablation, index) => {
      if (firstChange(network, ablation) !== block) return;
      const words = wordsOf(ablation);
      const from = block === STEM ? { block: 0, x: forwardStem(spec, words, images) } : { block, x };
      results[index + 1] = forwardFrom(spec, words, from);
    });
  branchOff(STEM, images);
  let x = forwardStem(spec, intact, images);
  blocksOf(spec).forEach((layers, block) => {
    branchOff(block, x);
    x = forwardBlock(spec, intact, x, layers);
  });
  const head = blocksOf(spec).length;
  branchOff(head, x);
  results[0] = forwardFrom(spec, intact, { block: head, x });
  return results;
}

/** The block in which an ablation first differs from the network: -1 for the stem, the number of blocks for the dense layer. */
function firstChange(network: Network, ablation: Network): number {
  const changed = (layer: Layer) => isChanged(network, ablation, layer);
  const [stem] = layersOf(network.spec);
  if (changed(stem)) return STEM;
  const blocks = blocksOf(network.spec);
  const first = blocks.findIndex((layers) => layers.some(changed));
  return first < 0 ? blocks.length : first;
}

/** Ablations share the arrays that they do not change, so identity tells. */
function isChanged(network: Network, ablation: Network, { name }: Layer): boolean {
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
  for (const layer of layersOf(network.spec).filter((candidate) => isChanged(network, ablation, candidate))) {
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
