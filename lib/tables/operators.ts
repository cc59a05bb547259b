// Table of several operators on one network: how each judges the layers.
import { meanOf } from "../statistics/summary";
import { type ByOperator, widestInterval } from "../results/agreement";
import { type Table, tableOf } from "./table";
import { countVerdicts, type EvenVerdict } from "../results/verdict";

/** One line per operator: layers by verdict, mean drop (no-ops left out), the layers that it hurts least and most. */
export function operatorTable(results: ByOperator<readonly EvenVerdict[]>): Table {
  return tableOf(
    Object.entries(results).map(([operator, verdicts]) => {
      const { harm, ...counts } = countVerdicts(verdicts);
      return {
        operator,
        ...counts,
        "harm shown": harm,
        ...dropColumns(verdicts.filter(({ unchanged }) => !unchanged)),
      };
    }),
  );
}

function dropColumns(changed: readonly EvenVerdict[]) {
  const sorted = [...changed].sort((a, b) => a.drop - b.drop);
  const [least, most] = [sorted[0], sorted[sorted.length - 1]];
  return {
    "mean drop pp": least ? 100 * meanOf(changed.map(({ drop }) => drop)) : null,
    "± pp at most": least ? 100 * widestInterval(changed) : null,
    least: least?.layer ?? null,
    "least pp": least ? 100 * least.drop : null,
    most: most?.layer ?? null,
    "most pp": most ? 100 * most.drop : null,
  };
}
