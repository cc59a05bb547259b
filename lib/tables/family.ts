// Tables of many networks: how many layers each could do without, and whether the channel-changing ones are those that matter.
import { trivialityOf } from "../results/family";
import { enrichmentOf, type SweptNetwork } from "../runs/family";
import { percent } from "../text/format";
import { type Table, tableOf } from "./table";

/**
 * One line per network: its layers by verdict ("trivial / undecided / non-trivial") and those whose drop is at most the margin, in
 * percentage points, at each margin; least, median and mean drop; and the mean drop as a share of the most there is to lose.
 */
export function trivialityTable(members: readonly SweptNetwork[]): Table {
  return tableOf(
    members.map(({ run, parameters, rows }) => {
      const found = trivialityOf(rows);
      const at = (index: number, name: string) => `${name} at ${percent(found.margins[index], 1)} pp`;
      const counts = found.verdicts.map(({ trivial, undecided, ...rest }, index) => [
        at(index, "verdicts"),
        `${trivial} / ${undecided} / ${rest["non-trivial"]}`,
      ]);
      const within = found.within.map((count, index) => [`layers ≤ ${percent(found.margins[index], 1)}`, count]);
      return {
        run,
        parameters,
        "intact %": 100 * found.baseline,
        layers: found.layers,
        ...Object.fromEntries(counts),
        ...Object.fromEntries(within),
        "least pp": 100 * found.least,
        "median pp": 100 * found.median,
        "mean pp": 100 * found.mean,
        "share of what can be lost": found.share,
      };
    }),
  );
}

/**
 * One line per network with blocks: how much more the channel-changing layers of its stages cost than the others, the p values of both
 * tests of `channelTests` and their smallest possible ones, p of the layers in the first and last blocks of stages, the ranks of these layers, and how many of the layers that cost more than 5 pp
 * change channels.
 */
export function enrichmentTable(members: readonly SweptNetwork[]): Table {
  return tableOf(
    members.map(({ run, rows }) => {
      const { tests, edges, ranks, important, importantChanging } = enrichmentOf(rows);
      const [all, first] = tests;
      return {
        run,
        layers: rows.length,
        "difference pp": 100 * all.statistic,
        p: all.p,
        "p among first convolutions": first.p,
        "smallest p": `${all.smallest.toPrecision(2)}, ${first.smallest.toPrecision(2)}`,
        "p of first and last blocks": edges?.p ?? null,
        "ranks of channel-changing": ranks.join(", "),
        "of those above 5 pp": `${importantChanging} of ${important}`,
      };
    }),
  );
}
