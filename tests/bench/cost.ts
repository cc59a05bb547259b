// What a zero sweep has to compute, before anything is computed: multiply-adds of convolutions, found by interpreting the forward pass.
import { forward, type Vocabulary } from "../../lib/networks/forward";
import { layersOf, multiplicationsOf } from "../../lib/networks/layers";
import type { LayerSet } from "../../lib/ablations/sets";
import type { Spec } from "../../lib/networks/spec";

/** Multiply-adds per image of the convolutions; the dense layer and whatever is done once per pixel are left out. */
export interface SweepCost {
  /** Of the intact network. */
  readonly pass: number;
  /** Of each ablation, besides the intact network's pass, which all of them share. */
  readonly ablations: readonly number[];
  /** Of the sweep: one pass and all ablations. */
  readonly sweep: number;
  /** Of the loop that one would write: a pass for the intact network and one for every ablation. */
  readonly loop: number;
}

/**
 * The cost of a sweep that sets the kernels of each set of layers to zero.
 * @throws RangeError for a spec that is not possible
 */
export function sweepCost(spec: Spec, sets: readonly LayerSet[]): SweepCost {
  const costs = new Map(layersOf(spec).map((layer) => [layer.name, multiplicationsOf(layer)]));
  const total = (names: Iterable<string>) => [...names].reduce((sum, name) => sum + costs.get(name)!, 0);
  const pass = total(costs.keys());
  const ablations = sets.map(({ layers }) => total(computedAgain(spec, new Set(layers.map(({ name }) => name)))));
  return {
    pass,
    ablations,
    sweep: pass + ablations.reduce((sum, cost) => sum + cost, 0),
    loop: pass * (1 + sets.length),
  };
}

/**
 * What an ablation's pass knows of a tensor: "intact" when the intact network has the same, "constant" when it is the same for
 * every image, else the names of the convolutions that have to be computed for it, from where it leaves the intact network.
 */
type Trace = "intact" | "constant" | ReadonlySet<string>;

/**
 * The convolutions that an ablation computes itself. A constant one costs nothing, TensorFlow computes it once per graph; and
 * neither does one whose result is not looked at, or that the intact network computes too.
 */
function computedAgain(spec: Spec, zeroed: ReadonlySet<string>): Iterable<string> {
  const logits = forward(spec, traceWords(zeroed), "intact");
  return typeof logits === "string" ? [] : logits;
}

function traceWords(zeroed: ReadonlySet<string>): Vocabulary<Trace> {
  const same = (x: Trace) => x;
  return {
    normalize: same,
    conv(x, { name }) {
      if (zeroed.has(name)) return "constant";
      return typeof x === "string" ? x : new Set([...x, name]);
    },
    batchNorm: same,
    relu: same,
    add: sumOf,
    pad: same,
    maxPool: same,
    pool: same,
    dense: same,
    operate: (_, inputs) => inputs.reduce(sumOf),
  };
}

function sumOf(x: Trace, y: Trace): Trace {
  if (x === y) return x;
  return new Set([x, y].flatMap((trace) => (typeof trace === "string" ? [] : [...trace])));
}
