// Several seeds of one architecture: verdict counts and every seed's drops.
import { meanOf } from "../statistics/summary";
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
    return { layer, seeds: runs.length, trivial, nonTrivial, undecided, unchanged, drops, meanDrop: meanOf(drops) };
  });
}
