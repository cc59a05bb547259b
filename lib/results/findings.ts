// What a sentence picks out of rows: means, the layers that matter least and most, places in a ranking, gaps between two operators.
import { meanOf } from "../statistics/summary";
import type { Row } from "./rows";

/** A layer under two operators, drops as fractions. */
export interface DropGap {
  readonly layer: string;
  readonly first: number;
  readonly second: number;
}

/** The mean drop, a fraction, of the layers that the operator changed; NaN where it changed none. */
export function meanDrop(rows: readonly Row[]): number {
  return meanOf(changed(rows).map(({ drop }) => drop));
}

/** The changed layers with the largest drop first; of equals the one that comes first in the network. */
export function ranking<R extends Row>(rows: readonly R[]): R[] {
  return changed(rows).sort((a, b) => b.drop - a.drop);
}

/**
 * The place of a layer among the changed ones, 1 for the largest drop; equals share the better place.
 * @throws RangeError when it is not among them
 */
export function rankOf(rows: readonly Row[], layer: string): number {
  const drop = dropOf(rows, layer);
  return 1 + changed(rows).filter((row) => row.drop > drop).length;
}

/** The drop of a layer, a fraction. @throws RangeError when the rows have none of that name, or it was left unchanged */
export function dropOf(rows: readonly Row[], layer: string): number {
  const row = changed(rows).find((each) => each.layer === layer);
  if (row) return row.drop;
  throw new RangeError(
    `Cannot say what "${layer}" costs: expected a changed layer of ${rows.length} rows but found none`,
  );
}

/** The layers that both operators changed, first those that lose most more under the first one than under the second. */
export function dropGaps(first: readonly Row[], second: readonly Row[]): DropGap[] {
  const drops = new Map(changed(second).map(({ layer, drop }) => [layer, drop]));
  const both = changed(first).flatMap(({ layer, drop }) =>
    drops.has(layer) ? [{ layer, first: drop, second: drops.get(layer) as number }] : [],
  );
  return both.sort((a, b) => b.first - b.second - (a.first - a.second));
}

/** How often each name occurs, the most frequent first. */
export function mostOften(names: readonly string[]): { readonly name: string; readonly count: number }[] {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].map(([name, count]) => ({ name, count })).sort((a, b) => b.count - a.count);
}

const changed = <R extends Row>(rows: readonly R[]): R[] => rows.filter(({ unchanged }) => !unchanged);
