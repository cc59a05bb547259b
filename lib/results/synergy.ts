// Do two layers cost more, or less, together than one by one? The synergy of pairs, paired by image.
import type { Labels } from "../data/labels";
import { meanOf, squaresOf } from "../statistics/summary";
import type { Layer } from "../networks/layers";
import { normalQuantile, normalTail } from "../statistics/normal";
import { holm, signFlip } from "../statistics/paired";
import type { EvenSweep, Sweep } from "./matrix";

/** How far what two layers cost together is from what was expected of them. */
export interface Effect {
  readonly value: number; // a fraction: above 0 more harm than expected, below 0 less
  readonly low?: number; // 95 % interval; none from one image
  readonly high?: number;
  readonly p: number; // of "just as expected", two-sided
  readonly adjusted: number; // Holm, over all pairs of the sweep
}

/** What two layers cost together and one by one; drops and effects are fractions. */
export interface Synergy {
  readonly first: Layer;
  readonly second: Layer;
  readonly operator: string; // what was done to them
  readonly images: number;
  readonly dropFirst: number; // of each layer by itself
  readonly dropSecond: number;
  readonly drop: number; // of both together
  /**
   * Against the sum of the two drops: above 0 each covers for the other, below 0 their harm overlaps, on this scale. Two drops that add
   * up to nearly all there is to lose cannot show anything else than an overlap.
   */
  readonly additive: Effect;
  /** Against the product of what each leaves of the accuracy above chance, a scale that has no such floor. */
  readonly multiplicative: Effect;
  /** Against the worse of the two alone, whatever the scale: below 0 the second loss mends some of the first. */
  readonly beyondWorse: Effect;
  /**
   * Why the additive effect cannot be read as the layers' doing. "masked": with both changed every image gets the class that it gets
   * with one of them changed, as when a zero kernel hides what comes before it. "saturated": the two drops together are more
   * than there is to lose, the accuracy of the intact network down to chance.
   */
  readonly forced?: "masked" | "saturated";
}

/**
 * The synergy of every set of two layers in a sweep; sets of other sizes are passed over. "More than the sum" depends on the scale, so
 * there are two of them, and a comparison that depends on none.
 *
 * Additive: an image counts d(pair) - d(first) - d(second), where d is 1 for an image lost, -1 for one gained, else 0; exact sign-flip
 * test. Multiplicative: (1 - h1)(1 - h2) of the accuracy above chance is expected to stay, h being the share that a layer costs;
 * delta method, normal. Beyond the worse one: exact McNemar test of the pair against that layer alone. Intervals are normal: good for
 * hundreds of images, rough where fewer than about ten of them count.
 * @param singles a sweep of the single layers over the same images; by default the same sweep holds them too
 * @throws RangeError when there is no pair, a single layer is missing, the sweeps differ in network, seed, precision, classes, images,
 * what the intact network predicts or what was done to a layer (by whatever name), or an ablation was stopped before the last image
 */
export function synergiesOf(pairs: EvenSweep, singles: EvenSweep = pairs): Synergy[] {
  checkComparable(pairs, singles);
  if (pairs.changes && singles.changes) checkChanges(pairs, singles);
  const found = pairs.sets.flatMap(({ layers }, index) => {
    if (layers.length !== 2) return [];
    const alone = layers.map((layer) => singles.predictions[indexOf(singles, layer)]);
    const { operator } = pairs;
    const pair = { first: layers[0], second: layers[1], operator };
    return [{ ...pair, ...synergyOf(pairs, pairs.predictions[index], alone) }];
  });
  if (found.length === 0) throw new RangeError("Cannot compute synergies: expected sets of two layers but found none");
  const adjusted = Object.fromEntries(
    EFFECTS.map((effect) => [effect, holm(found.map((pair) => pair[effect].p))]),
  ) as Record<(typeof EFFECTS)[number], number[]>;
  const withAdjusted = (effect: Raw, name: (typeof EFFECTS)[number], index: number): Effect => ({
    ...effect,
    adjusted: adjusted[name][index],
  });
  return found.map(({ additive, multiplicative, beyondWorse, ...pair }, index) => ({
    ...pair,
    additive: withAdjusted(additive, "additive", index),
    multiplicative: withAdjusted(multiplicative, "multiplicative", index),
    beyondWorse: withAdjusted(beyondWorse, "beyondWorse", index),
  }));
}

/** The scales on which "more than one by one" is said. */
export type Scale = "additive" | "multiplicative";

const EFFECTS = ["additive", "multiplicative", "beyondWorse"] as const;

type Raw = Omit<Effect, "adjusted">;

/** What each layer alone and both together make of every image, and how sure that is. */
function synergyOf({ labels, baseline, classes }: Sweep, together: Labels, alone: readonly Labels[]) {
  const intact = rightOf(baseline, labels);
  const [first, second, both] = [...alone, together].map((after) => rightOf(after, labels));
  const [accuracy, withoutFirst, withoutSecond] = [intact, first, second].map(meanOf);
  const masked = alone.some((after) => after.every((predicted, image) => predicted === together[image]));
  const chance = 1 / classes;
  const saturated = 2 * accuracy - withoutFirst - withoutSecond > accuracy - chance;
  return {
    images: labels.length,
    dropFirst: accuracy - withoutFirst,
    dropSecond: accuracy - withoutSecond,
    drop: accuracy - meanOf(both),
    additive: additiveEffect(intact, [first, second], both),
    multiplicative: multiplicativeEffect(intact, [first, second], { both, chance }),
    beyondWorse: effectBeyond(withoutFirst < withoutSecond ? first : second, both),
    ...(masked ? { forced: "masked" as const } : saturated ? { forced: "saturated" as const } : {}),
  };
}

function additiveEffect(intact: Int8Array, [first, second]: readonly Int8Array[], both: Int8Array): Raw {
  const values = intact.map((right, image) => first[image] + second[image] - both[image] - right);
  return { ...effectOf(values), p: signFlip(values) };
}

/** Expected: the shares of the accuracy above chance that each layer leaves, multiplied. An image's part in it: its derivatives. */
function multiplicativeEffect(
  intact: Int8Array,
  [first, second]: readonly Int8Array[],
  { both, chance }: { both: Int8Array; chance: number },
): Raw {
  const above = meanOf(intact) - chance;
  const [left, right] = [(meanOf(first) - chance) / above, (meanOf(second) - chance) / above];
  const value = chance + left * right * above - meanOf(both);
  const parts = Float64Array.from(
    intact,
    (correct, image) => right * first[image] + left * second[image] - left * right * correct - both[image],
  );
  const error = standardError(parts);
  // Where no image counts there is no error, and nothing but rounding to be seen.
  const p = error > 0 ? Math.min(1, 2 * normalTail(Math.abs(value) / error)) : 1;
  return { ...intervalOf(value, error, parts.length), p };
}

function effectBeyond(worse: Int8Array, both: Int8Array): Raw {
  const values = worse.map((right, image) => right - both[image]);
  return { ...effectOf(values), p: signFlip(values) };
}

const effectOf = (values: Int8Array) => intervalOf(meanOf(values), standardError(values), values.length);

function intervalOf(value: number, error: number, images: number) {
  const half = normalQuantile(0.975) * error;
  return images < 2 ? { value } : { value, low: value - half, high: value + half };
}

const rightOf = (predicted: Labels, labels: Labels): Int8Array =>
  Int8Array.from(labels, (label, image) => Number(predicted[image] === label));

const standardError = (values: Int8Array | Float64Array): number =>
  Math.sqrt(squaresOf(values) / (values.length - 1) / values.length);

/**
 * Whether a pair is free to show an effect on a scale. On the additive one neither masked nor saturated pairs are; on the
 * multiplicative one only masked ones are not.
 */
export function isFree({ forced }: Synergy, scale: Scale): boolean {
  return forced === undefined || (scale === "multiplicative" && forced === "saturated");
}

/** Where a sweep changes only this layer. */
function indexOf({ sets }: Sweep, { name }: Layer): number {
  const index = sets.findIndex(({ layers }) => layers.length === 1 && layers[0].name === name);
  if (index >= 0) return index;
  throw new RangeError(`Cannot compute synergies: expected a sweep of single layers with "${name}" but it has none`);
}

function checkComparable(pairs: Sweep, singles: Sweep): void {
  const fail = (what: string, found: string) => {
    throw new RangeError(`Cannot compute synergies: expected ${what} but found ${found}`);
  };
  // What was done says more than its name, where it is known.
  const known = pairs.changes && singles.changes;
  const named = known ? [] : (["operator"] as const);
  for (const key of ["network", ...named, "seed", "precision", "classes"] as const)
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

/** @throws RangeError where a pair and a single ablation changed the same layer in different ways */
function checkChanges(pairs: Sweep, singles: Sweep): void {
  pairs.sets.forEach(({ layers }, index) =>
    layers.forEach((layer, place) => {
      if (layers.length !== 2 || pairs.changes?.[index][place] === singles.changes?.[indexOf(singles, layer)][0])
        return;
      throw new RangeError(
        `Cannot compute synergies: expected ${layer.name} changed in the same way in both sweeps but found two: ${pairs.operator}, and ${singles.operator}`,
      );
    }),
  );
}

const equal = (one: Labels, other: Labels): boolean =>
  one.length === other.length && one.every((value, index) => value === other[index]);
