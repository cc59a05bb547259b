// What the words of the forward pass mean in a graph of many ablations: zero kernels, changed activations.
import type { Ablation } from "../ablations/ablate";
import { type ActivationSite, type Arithmetic, notingWords } from "../ablations/activations";
import { folding } from "../engine/fold";
import type { Graph, Symbolic } from "../engine/graph";
import * as ops from "../engine/operations";
import { inferenceWords } from "../engine/recorder";
import type { Values } from "../files/values";
import { forward, type Vocabulary } from "../networks/forward";
import { type Layer, outputSides } from "../networks/layers";
import type { Network, Precision } from "../networks/network";
import type { Means } from "./reference";

/** Interpreters for a network and its ablations in one graph. */
export function frozenWords(
  graph: Graph,
  { spec }: Network,
  precision: Precision,
): (ablation: Ablation) => Vocabulary<Symbolic> {
  const folded = folding(spec);
  return ({ network: { normalization }, parameters }) => {
    const words = inferenceWords(graph, { parameters, normalization }, folded, { precision });
    const conv = (x: Symbolic, layer: Layer) =>
      isZero(parameters.get(`${layer.name}.kernel`)!) ? zeros(graph, layer, precision) : words.conv(x, layer);
    return { ...words, conv };
  };
}

function isZero({ data }: Values): boolean {
  for (const weight of data) if (weight !== 0) return false;
  return true;
}

/** What a zero kernel makes of any batch: zeros for one image, which TensorFlow then carries on as a constant. */
function zeros(graph: Graph, layer: Layer, precision: Precision): Symbolic {
  const shape = [1, ...outputSides(layer), layer.outputs];
  return ops.cast(ops.broadcast(graph.constant(new Float32Array(1), [1, 1, 1, 1]), shape), precision);
}

/** What operators on activations may look at in the graph. Only those who ask for it need the other images' pass. */
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
    other: () => noteOthers().get(name)!,
  });
}
