// Fair comparison of several contestants: all in turn, round by round, medians, ratios to one of them.
import { progressBar } from "../../lib/cli/command";

/** What is measured: a name and a run that gives one figure. */
export type Contestants = Readonly<Record<string, () => number | Promise<number>>>;

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
  bar.stop();
  return results;
}

/** Prints medians with all figures, and how many times faster each is than PyTorch where that took part. */
export function report(
  title: string,
  results: ReadonlyMap<string, readonly number[]>,
  { unit, lessIsBetter }: { readonly unit: string; readonly lessIsBetter: boolean },
): void {
  const peer = results.get("PyTorch");
  console.log(`\n${title}`);
  for (const [name, figures] of results) {
    const times = peer && (lessIsBetter ? median(peer) / median(figures) : median(figures) / median(peer));
    const all = figures.map((figure) => figure.toFixed(figure < 100 ? 1 : 0)).join(", ");
    const ratio = times === undefined ? "" : `  ${times.toFixed(2)} x as fast as PyTorch in float32`;
    console.log(
      `  ${name.padEnd(9)} ${median(figures)
        .toFixed(figures[0] < 100 ? 1 : 0)
        .padStart(6)} ${unit} (${all})${ratio}`,
    );
  }
}
