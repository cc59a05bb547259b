// Do two layers cost more, or less, together than one by one? The synergy of pairs, paired by image.
import type { Layer } from "./layers";
import { normalQuantile } from "./statistics/normal";
import { holm, signFlip } from "./statistics/paired";
import type { Sweep } from "./rows";

/** How two layers' drops add up; drops and synergy are fractions. */
export interface Synergy {
  readonly first: Layer;
  readonly second: Layer;
  readonly images: number;
  readonly dropFirst: number; // of each layer by itself
  readonly dropSecond: number;
  readonly drop: number; // of both together
  readonly synergy: number; // drop - dropFirst - dropSecond: above 0 each covers for the other, below 0 their harm overlaps
  readonly low: number; // 95 % interval of the synergy
  readonly high: number;
  readonly p: number; // exact sign-flip test of "no synergy", two-sided
  readonly adjusted: number; // Holm, over all pairs of the sweep
  /**
   * Why the synergy cannot be read as the layers' doing. "masked": with both changed every image gets the class that it gets
   * with one of them changed, as when a zero kernel hides what comes before it. "saturated": the two drops together are more
   * than there is to lose, the accuracy of the intact network down to chance.
   */
  readonly forced?: "masked" | "saturated";
}

/**
 * The synergy of every set of two layers in a sweep; sets of other sizes are passed over.
 *
 * An image counts d(pair) - d(first) - d(second), where d is 1 for an image lost, -1 for one gained, else 0. The interval is
 * the mean of this plus and minus 1.96 standard errors: it takes the images as independent draws and their mean as normal,
 * good for hundreds of images, rough where fewer than about ten of them count. The p value needs no such approximation.
 * @param singles a sweep of the single layers over the same images; by default the same sweep holds them too
 * @throws RangeError when there is no pair, a single layer is missing, the sweeps differ in network, operator, seed, precision,
 * images or what the intact network predicts, or an ablation was stopped before the last image
 */
export function synergiesOf(pairs: Sweep, singles: Sweep = pairs): Synergy[] {
  checkComparable(pairs, singles);
  const found = pairs.sets.flatMap(({ layers }, index) => {
    if (layers.length !== 2) return [];
    const alone = layers.map((layer) => predictionsWithout(singles, layer));
    return [{ first: layers[0], second: layers[1], ...synergyOf(pairs, pairs.predictions[index], alone) }];
  });
  if (found.length === 0) throw new RangeError("Cannot compute synergies: expected sets of two layers but found none");
  const adjusted = holm(found.map(({ p }) => p));
  return found.map((synergy, index) => ({ ...synergy, adjusted: adjusted[index] }));
}

/** What each layer alone and both together make of every image, and how sure that is. */
function synergyOf(
  { labels, baseline, classes }: Sweep,
  together: Uint8Array,
  alone: readonly Uint8Array[],
): Omit<Synergy, "first" | "second" | "adjusted"> {
  const intact = rightOf(baseline, labels);
  const drops = [...alone, together].map((after) => differences(intact, rightOf(after, labels)));
  const [dropFirst, dropSecond, drop] = drops.map(meanOf);
  const values = drops[2].map((both, image) => both - drops[0][image] - drops[1][image]);
  const synergy = meanOf(values);
  const half = normalQuantile(0.975) * standardError(values, synergy);
  const masked = alone.some((after) => after.every((predicted, image) => predicted === together[image]));
  const saturated = dropFirst + dropSecond > meanOf(intact) - 1 / classes;
  return {
    images: labels.length,
    ...{ dropFirst, dropSecond, drop, synergy },
    ...{ low: synergy - half, high: synergy + half, p: signFlip(values) },
    ...(masked ? { forced: "masked" } : saturated ? { forced: "saturated" } : {}),
  };
}

const rightOf = (predicted: Uint8Array, labels: Uint8Array): Int8Array =>
  Int8Array.from(labels, (label, image) => Number(predicted[image] === label));

const differences = (before: Int8Array, after: Int8Array): Int8Array =>
  before.map((value, image) => value - after[image]);

const meanOf = (values: Int8Array): number => values.reduce((sum, value) => sum + value, 0) / values.length;

function standardError(values: Int8Array, mean: number): number {
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return Math.sqrt(squares / Math.max(1, values.length - 1) / values.length);
}

function predictionsWithout({ sets, predictions }: Sweep, { name }: Layer): Uint8Array {
  const index = sets.findIndex(({ layers }) => layers.length === 1 && layers[0].name === name);
  if (index >= 0) return predictions[index];
  throw new RangeError(`Cannot compute synergies: expected a sweep of single layers with "${name}" but it has none`);
}

function checkComparable(pairs: Sweep, singles: Sweep): void {
  const fail = (what: string, found: string) => {
    throw new RangeError(`Cannot compute synergies: expected ${what} but found ${found}`);
  };
  for (const key of ["network", "operator", "seed", "precision", "classes"] as const)
    if (pairs[key] !== singles[key]) fail(`single layers with ${key} ${pairs[key]}`, String(singles[key]));
  for (const key of ["labels", "baseline"] as const)
    if (!equal(pairs[key], singles[key])) fail(`the same ${key} in both sweeps`, "others");
  const images = pairs.labels.length;
  if (images === 0) fail("at least one image", "none");
  for (const { sets, predictions } of [pairs, singles])
    predictions.forEach((after, index) => {
      if (after.length !== images)
        fail(`${images} predictions without "${sets[index].name}"`, `${after.length}: it was stopped`);
    });
}

const equal = (one: Uint8Array, other: Uint8Array): boolean =>
  one.length === other.length && one.every((value, index) => value === other[index]);
