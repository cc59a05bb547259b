// What a zero sweep has to compute, before anything is computed: multiply-adds of the convolutions of its graph.
import { ablate, zero } from "../../lib/ablations/ablate";
import type { LayerSet } from "../../lib/ablations/sets";
import { addNeeded, multiplicationsIn } from "../../lib/engine/graph";
import type { Network } from "../../lib/networks/network";
import { recordSweep } from "../../lib/sweeps/graph-program";

/** Multiply-adds per image of the convolutions; the dense layer and whatever is done once per pixel are left out. */
export interface SweepCost {
  /** Of the intact network. */
  readonly pass: number;
  /** Of each ablation, besides the intact network's pass. */
  readonly ablations: readonly number[];
  /** Of the sweep: one pass and all ablations, what several of them share once. */
  readonly sweep: number;
  /** Of the loop that one would write: a pass for the intact network and one for every ablation. */
  readonly loop: number;
}

/** The cost of a sweep that sets the kernels of each set of layers to zero. */
export function sweepCost(network: Network, sets: readonly LayerSet[]): SweepCost {
  const zeroed = sets.map(({ layers }) =>
    ablate(
      network,
      layers.map(({ name }) => name),
      zero,
    ),
  );
  const [intact, ...ablated] = recordSweep(network, zeroed, { precision: "float32", means: new Map() }).logits;
  const ofIntact = addNeeded(intact, new Set());
  const all = new Set(ofIntact);
  for (const logits of ablated) addNeeded(logits, all);
  const pass = multiplicationsIn(ofIntact);
  return {
    pass,
    ablations: ablated.map((logits) => multiplicationsIn(addNeeded(logits, new Set(ofIntact)))),
    sweep: multiplicationsIn(all),
    loop: pass * (1 + sets.length),
  };
}
