// What the parts of the trial are given, and how they count.
import type { Random } from "../../lib/statistics/shuffle";

/** A promise, how often it was put to the trial, how often it was not kept, and what happened when it was not for the first time. */
export interface Tally {
  readonly promise: string;
  trials: number;
  failures: number;
  first?: string;
}

export interface Trial {
  /** An empty folder of the part's own. */
  readonly folder: string;
  readonly random: Random;
  /** Whether there is time for another round. */
  readonly goesOn: () => boolean;
}

/** One part of the trial. Every part makes at least one round. */
export type Part = (trial: Trial) => Promise<Tally[]>;

export const tallyOf = (promise: string): Tally => ({ promise, trials: 0, failures: 0 });

/** Counts a trial that failed if the body throws. */
export async function count(tally: Tally, what: string, body: () => unknown): Promise<void> {
  tally.trials++;
  try {
    await body();
  } catch (error) {
    tally.failures++;
    tally.first ??= `${tally.promise}: ${what}: ${(error as Error).message}`;
  }
}
