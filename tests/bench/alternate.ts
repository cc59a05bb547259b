// Fair comparison of several contestants: all in turn, round by round, medians, ratios to one of them.
import { progressBar } from "../../lib/cli/progress";

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
  bar.finish();
  return results;
}

/** How figures are read. */
export interface Reading {
  readonly unit: string;
  /** With whose figure a contestant's is compared; by default nobody's. */
  readonly against?: (name: string) => string | undefined;
}

/** Ours, by its precision. */
export const OURS = "nontrivial";

/** Everybody else is compared with ours in the same precision, the last word of every name. */
export const likeAgainstLike = (name: string): string | undefined =>
  name.startsWith(OURS) ? undefined : `${OURS} ${name.split(" ").at(-1)}`;

/** Prints medians with all figures, and each as a multiple of what it is compared with. */
export function report(
  title: string,
  results: ReadonlyMap<string, readonly number[]>,
  { unit, against }: Reading,
): void {
  const width = Math.max(...[...results.keys()].map((name) => name.length));
  console.log(`\n${title}`);
  for (const [name, figures] of results) {
    const other = against?.(name);
    const base = other === undefined || other === name ? undefined : results.get(other);
    const ratio = base ? `  ${(median(figures) / median(base)).toFixed(2)} x ${other}` : "";
    const all = figures.map(written).join(", ");
    console.log(`  ${name.padEnd(width)}  ${written(median(figures)).padStart(6)} ${unit} (${all})${ratio}`);
  }
}

const written = (figure: number): string => figure.toFixed(figure < 100 ? 1 : 0);
