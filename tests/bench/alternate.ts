// Fair comparison of several contestants: all in turn, round by round, medians, ratios to one of them.
import { progressBar } from "../../lib/cli/progress";

/** What is measured: a name and a run that gives one figure. */
export type Contestants = Readonly<Record<string, () => number | Promise<number>>>;

/** A Python that has torch, and the folder of the programs that it runs. */
export interface Peer {
  readonly python: string;
  readonly folder: string;
}

export const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1];

/** Runs all contestants in turn, so that a drifting machine touches each alike; all figures by name. */
export async function alternate(contestants: Contestants, rounds: number): Promise<Map<string, number[]>> {
  const results = new Map<string, number[]>(Object.keys(contestants).map((name) => [name, []]));
  const bar = progressBar("measuring", "runs");
  let done = 0;
  bar.update(done, rounds * results.size);
  for (let round = 0; round < rounds; round++) {
    for (const [name, run] of Object.entries(contestants)) {
      results.get(name)!.push(await run());
      bar.update(++done, rounds * results.size, name);
    }
  }
  bar.finish();
  return results;
}

/** How figures are read. */
export interface Reading {
  readonly unit: string;
  readonly lessIsBetter: boolean;
}

/** Prints medians with all figures, and how many times as fast each is as PyTorch where that took part. */
export function report(title: string, results: ReadonlyMap<string, readonly number[]>, reading: Reading): void {
  const peer = results.get("PyTorch");
  const width = Math.max(...[...results.keys()].map((name) => name.length));
  console.log(`\n${title}`);
  for (const [name, figures] of results) {
    const times = peer && (reading.lessIsBetter ? median(peer) / median(figures) : median(figures) / median(peer));
    const ratio = times === undefined ? "" : `  ${times.toFixed(2)} x PyTorch's float32`;
    const all = figures.map(written).join(", ");
    console.log(`  ${name.padEnd(width)}  ${written(median(figures)).padStart(6)} ${reading.unit} (${all})${ratio}`);
  }
}

const written = (figure: number): string => figure.toFixed(figure < 100 ? 1 : 0);
