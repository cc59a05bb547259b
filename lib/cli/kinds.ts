// Which layers npm run sweep changes together (--set), and what it says about such a sweep besides each ablation's verdict.
import { randomOrders } from "../ablations/orders";
import { blockSets, growthSets, type LayerSet, pairs, singles, stageSets } from "../ablations/sets";
import type { Dataset } from "../data/dataset";
import type { Layer } from "../networks/layers";
import type { Network } from "../networks/network";
import { growthOf, spreadOf, type SpreadPoint } from "../results/growth";
import type { EvenSweep } from "../results/matrix";
import { synergiesOf } from "../results/synergy";
import { greedyOrder } from "../sweeps/greedy";
import type { EvenOptions } from "../sweeps/sweep";
import { greedyTable, synergyTable } from "../tables/sets";
import { type Table, tableOf } from "../tables/table";
import { progressBar } from "./command";

/** What sets are made of. */
export interface Choice {
  readonly network: Network;
  readonly layers: readonly Layer[];
  /** Layers of an order. */
  readonly most: number;
  readonly seed: number;
  /** Training images to choose by. */
  readonly training: () => Promise<Dataset>;
  readonly options: EvenOptions;
}

/** Sets to sweep over. */
export interface Plan {
  readonly sets: readonly LayerSet[];
  /** A table that stands in for the one of verdicts, and fields for --json. */
  readonly report?: (result: EvenSweep) => { readonly table: Table; readonly fields: object };
}

interface Kind {
  readonly meaning: string;
  readonly plan: (choice: Choice) => Plan | Promise<Plan>;
}

const RANDOM_ORDERS = 20;
const STRONGEST = 20;

const KINDS: Readonly<Record<string, Kind>> = {
  single: { meaning: "every layer by itself", plan: ({ layers }) => ({ sets: singles(layers) }) },
  blocks: {
    meaning: "every block with all its layers",
    plan: ({ network, layers }) => ({ sets: within(blockSets(network.spec), layers) }),
  },
  stages: {
    meaning: "every stage with all its layers",
    plan: ({ network, layers }) => ({ sets: within(stageSets(network.spec), layers) }),
  },
  pairs: { meaning: "every layer and every two: do they cost more together?", plan: planPairs },
  greedy: { meaning: "one more at a time, the least missed first, chosen on training images", plan: planGreedy },
  random: { meaning: `one more at a time, in ${RANDOM_ORDERS} random orders`, plan: planRandom },
};

/** Every kind of sets with a sentence: one per line. */
export function kindList(): string {
  return Object.entries(KINDS)
    .map(([name, { meaning }]) => `  ${name.padEnd(8)}${meaning}`)
    .join("\n");
}

/** The kind of that name. @throws RangeError that lists the kinds when there is none */
export function kindNamed(name: string): (choice: Choice) => Plan | Promise<Plan> {
  if (Object.hasOwn(KINDS, name)) return KINDS[name].plan;
  throw new RangeError(`Cannot find the sets "${name}". Known:\n${kindList()}`);
}

/** The sets of which all layers were asked for. @throws RangeError when there is none */
function within(sets: readonly LayerSet[], layers: readonly Layer[]): LayerSet[] {
  const names = new Set(layers.map(({ name }) => name));
  const whole = sets.filter((set) => set.layers.every(({ name }) => names.has(name)));
  if (whole.length) return whole;
  throw new RangeError("Cannot sweep over blocks or stages: none has all its layers among those asked for");
}

function planPairs({ layers }: Choice): Plan {
  return {
    sets: [...singles(layers), ...pairs(layers)],
    report(result) {
      const synergies = synergiesOf(result);
      const nameOf = ({ name }: Layer) => name;
      const fields = synergies.map((pair) => ({ ...pair, first: nameOf(pair.first), second: nameOf(pair.second) }));
      return { table: synergyTable(synergies).slice(0, STRONGEST), fields: { synergies: fields } };
    },
  };
}

async function planGreedy({ network, layers, most, training, options }: Choice): Promise<Plan> {
  const bar = progressBar("choosing", "images");
  const onProgress = (done: number, total: number) => bar.update(done, total);
  const how = { ...options, layers, most: Math.min(most, layers.length), resume: false, onProgress };
  const steps = await greedyOrder(network, await training(), how).finally(() => bar.stop());
  const order = steps.map(({ layer }) => layer);
  return {
    sets: growthSets([order]),
    report: (result) => ({
      table: greedyTable(steps, growthOf(result, order)),
      fields: { order: steps.map(({ layer, drop }) => ({ layer: layer.name, dropWhenChosen: drop })) },
    }),
  };
}

function planRandom({ layers, most, seed }: Choice): Plan {
  const orders = randomOrders(layers, { count: RANDOM_ORDERS, length: Math.min(most, layers.length), seed });
  return {
    sets: growthSets(orders),
    report(result) {
      const spread = spreadOf(result, orders);
      const names = orders.map((order) => order.map(({ name }) => name));
      return { table: tableOf(spread.map(spreadRow)), fields: { orders: names, spread } };
    },
  };
}

const spreadRow = ({ count, mean, low, high, accuracies }: SpreadPoint) => ({
  layers: count,
  orders: accuracies.length,
  "mean accuracy %": 100 * mean,
  "middle 90 % from": 100 * low,
  "to %": 100 * high,
});
