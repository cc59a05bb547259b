// What a sweep over sets of a named kind goes through: the sets, and the orders that they grow along.
import { type SetKind, setsWithin } from "../ablations/named-sets";
import { blockSets, type LayerSet, pairs, singles, stageSets, growthSets } from "../ablations/sets";
import type { Dataset } from "../data/dataset";
import { type Layer, layersOf } from "../networks/layers";
import type { Network } from "../networks/network";
import { randomOrders } from "../ablations/orders";
import { greedyOrder } from "./greedy";
import type { GreedyStep } from "../results/growth";
import type { EvenOptions } from "./sweep";

/** Sets to sweep over. */
export interface Plan {
  readonly sets: readonly LayerSet[];
  /** Of sets that grow: the orders of their layers, for `growthOf` and `spreadOf`. */
  readonly orders?: readonly (readonly Layer[])[];
  /** How a greedy order was chosen. */
  readonly steps?: readonly GreedyStep[];
}

/** What plans are made of. */
export interface PlanOptions {
  /** By default all. */
  readonly layers?: readonly Layer[];
  /** Layers of a greedy or random order, at most; by default all. */
  readonly most?: number;
  /** Where random orders start (1). */
  readonly seed?: number;
  /** Training images to choose a greedy order by, which needs them. */
  readonly training?: () => Promise<Dataset>;
  /** What a greedy choice takes besides: options of `sweep`. */
  readonly greedy?: Omit<EvenOptions, "sets">;
}

const RANDOM_ORDERS = 20;

/**
 * The sets of a kind: `const { sets } = await planSets("blocks", network)`. All are lists that cost nothing, but "greedy" sweeps over
 * training images to choose its order.
 * @throws RangeError when the layers have no whole block or stage, or are too few to pair, or a greedy order has no images to be chosen
 * by; what `greedyOrder` throws
 */
export async function planSets(kind: SetKind, network: Network, options: PlanOptions = {}): Promise<Plan> {
  const { layers = layersOf(network.spec), seed, training, greedy } = options;
  const most = Math.min(options.most ?? layers.length, layers.length);
  if (kind === "random") return growing(randomOrders(layers, { count: RANDOM_ORDERS, length: most, seed }));
  if (kind !== "greedy") return { sets: fixedSets(kind, network, layers) };
  if (!training) throw new RangeError("Cannot choose a greedy order: expected training images but found none");
  const steps = await greedyOrder(network, await training(), { ...greedy, layers, most, resume: false });
  return { ...growing([steps.map(({ layer }) => layer)]), steps };
}

function fixedSets(kind: Exclude<SetKind, "random" | "greedy">, { spec }: Network, layers: readonly Layer[]) {
  if (kind === "single") return singles(layers);
  if (kind === "pairs") return [...singles(layers), ...pairs(layers)];
  return setsWithin(kind === "blocks" ? blockSets(spec) : stageSets(spec), layers);
}

const growing = (orders: Layer[][]): Plan => ({ sets: growthSets(orders), orders });
