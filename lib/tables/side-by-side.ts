// Two sweeps on the same images as one table.
import type { EvenSweep } from "../results/matrix";
import { rowsOf } from "../results/rows";
import { sideBySide } from "../results/side-by-side";
import { verdictsOf } from "../results/verdict";
import { type Table, tableOf } from "./table";

/**
 * One line per layer that both sweeps changed: its drop in each, the difference with the p value of "it is the same" (adjusted over the
 * layers), and the verdict of each: what changed its verdict stands first when sorted by it.
 * @param sweeps two, by the name that each has in the table
 * @param options.margin a fraction (default 0.005)
 * @throws RangeError for another number of sweeps; what `sideBySide` and `verdictsOf` throw
 */
export function sideBySideTable(
  sweeps: Readonly<Record<string, EvenSweep>>,
  { margin = 0.005 }: { readonly margin?: number } = {},
): Table {
  const entries = Object.entries(sweeps);
  if (entries.length !== 2)
    throw new RangeError(`Cannot set sweeps side by side: expected two but found ${entries.length}`);
  const [[one, first], [other, second]] = entries;
  const verdicts = [first, second].map((each) => {
    const judged = verdictsOf(rowsOf(each), { margin });
    return new Map(judged.map(({ layer, verdict }) => [layer, verdict]));
  });
  return tableOf(
    sideBySide(first, second).layers.map((pair) => ({
      layer: pair.layer,
      [`verdict ${one}`]: verdicts[0].get(pair.layer)!,
      [`verdict ${other}`]: verdicts[1].get(pair.layer)!,
      [`${one} pp`]: 100 * pair.first,
      [`${other} pp`]: 100 * pair.second,
      "difference pp": 100 * pair.difference,
      "p adjusted": pair.adjusted,
    })),
  );
}
