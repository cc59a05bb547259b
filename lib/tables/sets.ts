// Tables of sets of layers: the strongest synergies, and greedy orders step by step.
import type { GreedyStep, GrowthPoint, SpreadPoint } from "../results/growth";
import { type Effect, isFree, type Scale, type Synergy } from "../results/synergy";
import { percent } from "../text/format";
import { type Table, tableOf } from "./table";

/**
 * Pairs with drops and synergy in percentage points, each effect with its p value (Holm over all pairs), the largest effect, up or down,
 * first.
 */
export function synergyTable(synergies: readonly Synergy[], { scale = "additive" }: { scale?: Scale } = {}): Table {
  const sorted = [...synergies].sort((a, b) => Math.abs(b[scale].value) - Math.abs(a[scale].value));
  return tableOf(
    sorted.map((pair) => ({
      first: pair.first.name,
      second: pair.second.name,
      "first pp": 100 * pair.dropFirst,
      "second pp": 100 * pair.dropSecond,
      "together pp": 100 * pair.drop,
      "against sum pp": 100 * pair.additive.value,
      "p sum": pText(pair.additive),
      "against product pp": 100 * pair.multiplicative.value,
      "p product": pText(pair.multiplicative),
      "against worse pp": 100 * pair.beyondWorse.value,
      "p worse": pText(pair.beyondWorse),
      forced: pair.forced ?? "",
    })),
  );
}

const pText = ({ adjusted }: Effect): string => (adjusted < 0.0001 ? "< 0.0001" : adjusted.toFixed(4));

/** How many pairs do more, less or nothing significant beyond what each scale expects, of those that are free to. */
export function synergyCounts(synergies: readonly Synergy[], level = 0.05): Table {
  return tableOf(
    (["additive", "multiplicative"] as const).map((scale) => {
      const free = synergies.filter((pair) => isFree(pair, scale));
      const sure = free.filter((pair) => pair[scale].adjusted < level);
      return {
        scale,
        expected: scale === "additive" ? "sum of both drops" : "product of what both leave",
        pairs: synergies.length,
        "free to show": free.length,
        cover: sure.filter((pair) => pair[scale].value > 0).length,
        overlap: sure.filter((pair) => pair[scale].value < 0).length,
        "not significant": free.length - sure.length,
      };
    }),
  );
}

/**
 * A greedy order, one line per step: the drop seen while choosing, the accuracy on the test set, and beside it random orders of
 * as many layers. The last column counts those that keep the accuracy at least as well.
 * @param curve of the order on the test set, from the intact network on
 * @throws RangeError when the three do not belong together
 */
export function greedyTable(
  steps: readonly GreedyStep[],
  curve: readonly GrowthPoint[],
  random: readonly SpreadPoint[] = [],
): Table {
  const fits = steps.every(({ layer }, index) => curve[index + 1]?.layer === layer.name);
  if (!fits || (random.length > 0 && random.length <= steps.length))
    throw new RangeError(
      "Cannot list a greedy order: expected a curve, and random orders if any, through all its steps",
    );
  return tableOf(
    steps.map(({ layer, drop }, index) => ({
      layers: index + 1,
      "layer added": layer.name,
      "drop when chosen pp": 100 * drop,
      "test drop pp": 100 * (curve[0].accuracy - curve[index + 1].accuracy),
      ...accuracyColumns(curve[index + 1]),
      ...(random.length > 0 ? randomColumns(curve[index + 1], random[index + 1]) : {}),
    })),
  );
}

const accuracyColumns = ({ accuracy, low, high }: GrowthPoint) => ({
  "accuracy %": 100 * accuracy,
  "95 % interval": `${percent(low)} to ${percent(high)}`,
});

function randomColumns({ accuracy }: GrowthPoint, { mean, low, high, accuracies }: SpreadPoint) {
  return {
    "random mean %": 100 * mean,
    "middle 90 %": `${percent(low)} to ${percent(high)}`,
    "random as good": `${accuracies.filter((other) => other >= accuracy).length} of ${accuracies.length}`,
  };
}

/** Random orders, one line per number of layers: the mean accuracy, and between which the middle 90 % of the orders lie, in percent. */
export function spreadTable(spread: readonly SpreadPoint[]): Table {
  return tableOf(
    spread.map(({ count, mean, low, high, accuracies }) => ({
      layers: count,
      orders: accuracies.length,
      "mean accuracy %": 100 * mean,
      "middle 90 % from": 100 * low,
      "to %": 100 * high,
    })),
  );
}
