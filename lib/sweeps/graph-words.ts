// What the words of the forward pass mean in a graph of many ablations: shared weights, zero kernels, changed activations.
import type { Ablation } from "../ablations/ablate";
import { changedLayers, changesOf } from "../ablations/changes";
import { type ActivationSite, type Arithmetic, notingWords } from "../ablations/activations";
import { type Tensor, tensorOf } from "../engine/backend";
import { foldedLayer, foldedParameters, plainParameters } from "../engine/fold";
import type { Graph, Symbolic } from "../engine/graph";
import * as ops from "../engine/operations";
import { inferenceWords } from "../engine/recorder";
import type { Values } from "../files/values";
import { forward, type Vocabulary } from "../networks/forward";
import { type Layer, layersOf, outputSides } from "../networks/layers";
import type { Network, Parameters, Precision } from "../networks/network";
import type { Means } from "./reference";

/** How the weights get into a graph; the same array is the same tensor. */
export interface GraphWeights {
  of(values: Values): Symbolic;
  /** What every call has to hand in, and the tensors for it; the caller disposes of them. */
  readonly inputs: Readonly<Record<string, Symbolic>>;
  tensors(): Record<string, Tensor>;
}

/** As constants: TensorFlow keeps each kernel prepared for each of its convolutions, in about four times its size. */
export function writtenIn(graph: Graph): GraphWeights {
  const known = new Map<Values, Symbolic>();
  return {
    of(values) {
      const found = known.get(values) ?? graph.constant(values.data, values.shape);
      known.set(values, found);
      return found;
    },
    inputs: {},
    tensors: () => ({}),
  };
}

/** As inputs: nothing is kept, and kernels are prepared anew in every call. */
export function handedIn(graph: Graph): GraphWeights {
  const names = new Map<Values, string>();
  const inputs: Record<string, Symbolic> = {};
  return {
    of(values) {
      const name = names.get(values) ?? `weights${names.size}`;
      names.set(values, name);
      return (inputs[name] ??= graph.placeholder(name, { shape: values.shape, dtype: "float32" }));
    },
    inputs,
    tensors: () => Object.fromEntries([...names].map(([{ data, shape }, name]) => [name, tensorOf(data, shape)])),
  };
}

/** Interpreters for a network and its ablations in one graph, which share the tensors of the parameters that they share. */
export function frozenWords(
  graph: Graph,
  network: Network,
  { precision, weights }: { precision: Precision; weights: GraphWeights },
): (ablation: Ablation) => Vocabulary<Symbolic> {
  const shared = foldedParameters(network);
  return (ablation) => {
    const folded = foldedLike(ablation, shared);
    const words = inferenceWords((name) => weights.of(folded.get(name)!), network.normalization, precision);
    const conv = (x: Symbolic, layer: Layer) =>
      isZero(folded.get(`${layer.name}.kernel`)!) ? zeros(graph, layer, precision) : words.conv(x, layer);
    return { ...words, conv };
  };
}

/** The folded parameters of an ablation, the arrays of unchanged layers shared with the intact network. */
function foldedLike(ablation: Ablation, shared: Parameters): Parameters {
  const folded = new Map(shared);
  const changed = changedLayers(changesOf(ablation).arrays);
  for (const layer of layersOf(ablation.network.spec).filter(({ name }) => changed.has(name)))
    for (const [name, values] of foldedLayer(ablation.parameters, layer)) folded.set(name, values);
  for (const name of plainParameters(ablation.network.spec)) folded.set(name, ablation.parameters.get(name)!);
  return folded;
}

const isZero = ({ data }: Values): boolean => data.every((weight) => weight === 0);

/** What a zero kernel makes of any batch: zeros for one image, which TensorFlow then carries on as a constant. */
function zeros(graph: Graph, layer: Layer, precision: Precision): Symbolic {
  const shape = [1, ...outputSides(layer), layer.outputs];
  return ops.cast(ops.broadcast(graph.constant(new Float32Array(1), [1, 1, 1, 1]), shape), precision);
}

/** What operators on activations may look at in the graph. The other images' pass is recorded when one first asks for it. */
export function graphSites(
  others: Symbolic,
  { spec }: Network,
  intact: Vocabulary<Symbolic>,
  { precision, means }: { precision: Precision; means: Means },
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
