// Table of several operators on one network: how each judges the layers.
import { type ByOperator, widestInterval } from "./comparison";
import { type Table, tableOf } from "./table";
import type { Call, Verdict } from "./verdict";

/** One line per operator: layers by verdict, mean drop (no-ops left out), the layers that it hurts least and most. */
export function operatorTable(results: ByOperator<readonly Verdict[]>): Table {
  return tableOf(
    Object.entries(results).map(([operator, verdicts]) => {
      const count = (call: Call) => verdicts.filter(({ verdict }) => verdict === call).length;
      return {
        operator,
        layers: verdicts.length,
        trivial: count("trivial"),
        "non-trivial": count("non-trivial"),
        undecided: count("undecided"),
        unchanged: count("unchanged"),
        ...dropColumns(verdicts.filter(({ unchanged }) => !unchanged)),
      };
    }),
  );
}

function dropColumns(changed: readonly Verdict[]) {
  const sorted = [...changed].sort((a, b) => a.drop - b.drop);
  const [least, most] = [sorted[0], sorted[sorted.length - 1]];
  const mean = changed.reduce((sum, { drop }) => sum + drop, 0) / changed.length;
  return {
    "mean drop pp": least ? 100 * mean : null,
    "± pp at most": least ? 100 * widestInterval(changed) : null,
    least: least?.layer ?? null,
    "least pp": least ? 100 * least.drop : null,
    most: most?.layer ?? null,
    "most pp": most ? 100 * most.drop : null,
  };
}
