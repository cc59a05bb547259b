// Several seeds of one architecture: verdict counts, bootstrap of the mean drop, agreement of rankings.
import type { Random } from "./random";
import type { Sweep } from "./rows";
import type { Verdict } from "./verdict";

/** How the seeds of one architecture judge one layer. */
export interface SeedRow {
  readonly layer: string;
  readonly seeds: number;
  readonly trivial: number; // of the seeds
  readonly nonTrivial: number;
  readonly undecided: number;
  readonly unchanged: number;
  readonly meanDrop: number; // fraction
}

/**
 * Per layer, how many seeds call it what, and its mean drop; every network answers for itself, counts are never pooled.
 *
 * @param runs the verdicts of each seed, layers in the same order.
 * @throws RangeError when there is no run or the runs differ in their layers or operators.
 */
export function acrossSeeds(runs: readonly (readonly Verdict[])[]): SeedRow[] {
  if (runs.length === 0) throw new RangeError("Cannot compare seeds: expected at least one run but found none");
  const names = (run: readonly Verdict[]) => run.map(({ layer }) => layer).join(", ");
  const odd = runs.findIndex((run) => names(run) !== names(runs[0]));
  if (odd >= 0) {
    throw new RangeError(`Cannot compare seeds: expected the layers of run 1 in run ${odd + 1} but found others`);
  }
  const [operator, ...others] = new Set(runs.flat().map((row) => row.operator));
  if (others.length > 0) {
    throw new RangeError(
      `Cannot compare seeds: expected the operator ${operator} everywhere but found ${others.join(", ")}`,
    );
  }
  return runs[0].map(({ layer }, index) => {
    const column = runs.map((run) => run[index]);
    const count = (call: Verdict["verdict"]) => column.filter(({ verdict }) => verdict === call).length;
    return {
      layer,
      seeds: runs.length,
      trivial: count("trivial"),
      nonTrivial: count("non-trivial"),
      undecided: count("undecided"),
      unchanged: count("unchanged"),
      meanDrop: column.reduce((total, { drop }) => total + drop, 0) / runs.length,
    };
  });
}

/** Per image that the ablation has seen, 1 where it loses a right answer, -1 where it gains one, else 0: [images]. */
export function dropByImage({ labels, baseline, predictions }: Sweep, layerIndex: number): Int8Array {
  const after = predictions[layerIndex];
  return Int8Array.from(after, (predicted, image) => {
    return Number(baseline[image] === labels[image]) - Number(predicted === labels[image]);
  });
}

/**
 * Two-level percentile bootstrap of a layer's mean drop: seeds are drawn, then images.
 *
 * All seeds are tested on the same images, so one draw of images serves all seeds of a resample; drawing them apart
 * would treat a hard image as news in every seed and give too short an interval. With 3 to 5 seeds, read it as rough.
 * @param drops per seed `dropByImage`, [images], over the same test set.
 * @throws RangeError when there is no seed or no image, lengths differ, or confidence is not between 0 and 1.
 */
export function bootstrapDrop(
  drops: readonly Int8Array[],
  { random, resamples = 1000, confidence = 0.95 }: { random: Random; resamples?: number; confidence?: number },
): { mean: number; low: number; high: number; resamples: number } {
  const images = drops[0]?.length ?? 0;
  if (images === 0 || drops.some((seed) => seed.length !== images)) {
    const found = drops.map((seed) => seed.length).join(", ") || "none";
    throw new RangeError(`Cannot resample drops: expected seeds over the same images but found lengths ${found}`);
  }
  if (!(confidence > 0 && confidence < 1) || !(resamples >= 1)) {
    throw new RangeError(
      `Cannot resample drops: expected resamples and a confidence but found ${resamples}, ${confidence}`,
    );
  }
  const means = new Float64Array(resamples);
  for (let i = 0; i < resamples; i++) means[i] = resampledMean(drops, random);
  means.sort();
  const at = (share: number) => means[Math.round(share * (resamples - 1))];
  const mean = drops.reduce((total, seed) => total + meanOf(seed), 0) / drops.length;
  return { mean, low: at((1 - confidence) / 2), high: at((1 + confidence) / 2), resamples };
}

function resampledMean(drops: readonly Int8Array[], random: Random): number {
  const images = drops[0].length;
  const total = new Int32Array(images);
  for (let i = 0; i < drops.length; i++) {
    const seed = drops[random.integer(drops.length)];
    for (let image = 0; image < images; image++) total[image] += seed[image];
  }
  let sum = 0;
  for (let i = 0; i < images; i++) sum += total[random.integer(images)];
  return sum / (images * drops.length);
}

function meanOf(seed: Int8Array): number {
  return seed.reduce((total, value) => total + value, 0) / seed.length;
}

/**
 * Kendall's tau-b between two rankings given by their values, with ties; NaN when one of them is all ties.
 *
 * Source: Kendall (1945), Biometrika 33:239-251.
 * @throws RangeError when the lengths differ.
 */
export function kendallTau(first: readonly number[], second: readonly number[]): number {
  if (first.length !== second.length) {
    throw new RangeError(`Cannot compare rankings: expected ${first.length} values but found ${second.length}`);
  }
  let agreement = 0;
  let untiedFirst = 0;
  let untiedSecond = 0;
  for (let i = 0; i < first.length; i++) {
    for (let j = 0; j < i; j++) {
      const a = Math.sign(first[i] - first[j]);
      const b = Math.sign(second[i] - second[j]);
      agreement += a * b;
      untiedFirst += a * a;
      untiedSecond += b * b;
    }
  }
  return agreement / Math.sqrt(untiedFirst * untiedSecond);
}
