// Accuracy while more and more layers are changed: sets that grow along one order, and along many random ones.
import { meanOf } from "../statistics/summary";
import { cumulative, keyOf } from "../ablations/sets";
import type { Layer } from "../networks/layers";
import { wilson } from "../statistics/intervals";
import type { EvenSweep } from "./matrix";
import { checkEven, rowsOf } from "./rows";

/** The network after the first layers of an order; accuracies are fractions. */
export interface GrowthPoint {
  readonly count: number; // layers changed so far, 0 for the intact network
  readonly layer?: string; // the last one of them
  readonly operator: string; // what was done to them
  readonly images: number;
  readonly accuracy: number;
  readonly low: number; // Wilson interval of the accuracy, 95 %
  readonly high: number;
  readonly chance: number; // accuracy of guessing
}

/** The accuracies of several orders after equally many layers. */
export interface SpreadPoint {
  readonly count: number;
  readonly accuracies: readonly number[]; // one per order
  readonly mean: number;
  readonly low: number; // between which the middle 90 % of the orders lie
  readonly high: number;
}

/**
 * The curve of one order, from the intact network on, out of a sweep that holds its sets.
 * @throws RangeError when the sweep lacks one of the sets, its parts differ in length, or some ablation has seen fewer images
 */
export function growthOf(sweep: EvenSweep, order: readonly Layer[]): GrowthPoint[] {
  const { operator } = sweep;
  const rows = rowsOf(sweep);
  checkEven(rows);
  const [{ images, baseline, chance }] = rows;
  const pointOf = (accuracy: number) => {
    const [low, high] = wilson(Math.round(accuracy * images), images);
    return { operator, images, accuracy, low, high, chance };
  };
  const grown = indicesOf(sweep, order).map((index, step) => {
    return { count: step + 1, layer: order[step].name, ...pointOf(rows[index].accuracy) };
  });
  return [{ count: 0, ...pointOf(baseline) }, ...grown];
}

/**
 * How far several orders of equal length lie apart after each number of layers, out of a sweep that holds all their sets.
 * The band holds the middle 90 % of the orders (percentiles, linear between two orders): it says where one order lies, not how
 * well the mean is known.
 * @throws RangeError when there is no order, the orders differ in length, or the sweep lacks one of their sets
 */
export function spreadOf(sweep: EvenSweep, orders: readonly (readonly Layer[])[]): SpreadPoint[] {
  if (orders.length === 0 || orders.some(({ length }) => length !== orders[0].length)) {
    const found = orders.map(({ length }) => length).join(", ") || "none";
    throw new RangeError(`Cannot compare orders: expected orders of equal length but found ${found}`);
  }
  const curves = orders.map((order) => growthOf(sweep, order));
  return curves[0].map(({ count }) => {
    const accuracies = curves.map((curve) => curve[count].accuracy);
    const mean = meanOf(accuracies);
    return { count, accuracies, mean, low: percentile(accuracies, 0.05), high: percentile(accuracies, 0.95) };
  });
}

/** The value below which a share of the values lies, linear between two of them. */
function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const place = share * (sorted.length - 1);
  const [below, above] = [sorted[Math.floor(place)], sorted[Math.ceil(place)]];
  return below + (above - below) * (place - Math.floor(place));
}

/** Where in a sweep the sets lie through which an order grows. */
function indicesOf({ sets }: EvenSweep, order: readonly Layer[]): number[] {
  const places = new Map(sets.map((set, index) => [keyOf(set), index]));
  return cumulative(order).map((set) => {
    const index = places.get(keyOf(set));
    if (index !== undefined) return index;
    throw new RangeError(`Cannot follow an order: expected a sweep with the set "${set.name}" but it has none`);
  });
}

/** One step of a greedy order. */
export interface GreedyStep {
  readonly layer: Layer; // chosen in this step
  readonly drop: number; // of all layers chosen so far together, a fraction
  readonly candidates: readonly { readonly layer: string; readonly drop: number }[]; // every layer that was tried
}
