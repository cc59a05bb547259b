// Several seeds of one architecture: verdict counts, every seed's drops, agreement of rankings.
import { countVerdicts, type Verdict } from "./verdict";

/** How the seeds of one architecture judge one layer. */
export interface SeedRow {
  readonly layer: string;
  readonly seeds: number;
  readonly trivial: number; // of the seeds
  readonly nonTrivial: number;
  readonly undecided: number;
  readonly unchanged: number;
  readonly drops: readonly number[]; // of each seed, fractions: with few seeds they say more than any interval
  readonly meanDrop: number;
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
    const { trivial, undecided, unchanged, "non-trivial": nonTrivial } = countVerdicts(column);
    const drops = column.map(({ drop }) => drop);
    const meanDrop = drops.reduce((total, drop) => total + drop, 0) / runs.length;
    return { layer, seeds: runs.length, trivial, nonTrivial, undecided, unchanged, drops, meanDrop };
  });
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
