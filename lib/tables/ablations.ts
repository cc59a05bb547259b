// Tables of one sweep: a line per ablated layer.
import type { Row } from "../results/rows";
import type { Judgement, Verdict } from "../results/verdict";
import { percent } from "../text/format";
import { type Table, tableOf } from "./table";

/** A row, with its verdict where the layers were judged. */
export type JudgedRow = Row & Partial<Pick<Judgement, "upper" | "verdict" | "harm">>;

/**
 * The paper's table: one line per ablated layer, in forward order or the largest drop first.
 * What people come for stands first: the verdict, where the rows have one, and the drop in percentage points with its one-sided 95 % upper
 * bound, by which readers can apply a margin of their own. Then, where one was, after how many images an ablation was stopped; accuracies in
 * percent with their interval; how much the cross-entropy grew (nats, 95 %), where losses are known; and what the layer is.
 */
export function ablationTable(
  rows: readonly JudgedRow[],
  { order = "forward" }: { order?: "forward" | "drop" } = {},
): Table {
  const sorted = order === "drop" ? [...rows].sort((a, b) => b.drop - a.drop) : rows;
  const has = {
    stops: rows.some(({ look }) => look === "stopped"),
    losses: rows.some(({ lossChange }) => lossChange !== undefined),
    verdicts: rows.some(({ verdict }) => verdict !== undefined),
  };
  return tableOf(
    sorted.map((row) => ({
      layer: row.layer,
      ...(has.verdicts ? { verdict: row.verdict ?? null, harm: row.harm ?? null } : {}),
      "drop pp": 100 * row.drop,
      ...(has.verdicts ? { "drop ≤ pp": row.upper === undefined ? null : 100 * row.upper } : {}),
      ...(has.stops ? { "stopped at": row.look === "stopped" ? row.images : null } : {}),
      ...countColumns(row),
      ...(has.losses ? { "loss nats": lossText(row) } : {}),
      channels: row.changesChannels ? "changes" : "keeps",
      weights: row.parameters,
    })),
  );
}

const countColumns = (row: Row) => ({
  "accuracy %": 100 * row.accuracy,
  "95 % interval": `${percent(row.low)} to ${percent(row.high)}`,
  lost: row.lost,
  gained: row.gained,
  flips: row.flips,
});

/** The change of the cross-entropy and half its interval, which is symmetric. */
function lossText({ lossChange, lossHigh }: Row): string | null {
  if (lossChange === undefined) return null;
  const change = Math.abs(lossChange).toFixed(3);
  const sign = Number(change) === 0 ? "" : lossChange < 0 ? "−" : "+";
  return `${sign}${change}${lossHigh === undefined ? "" : ` ± ${(lossHigh - lossChange).toFixed(3)}`}`;
}

/** Every field of the verdicts, raw, for files: always the same columns, empty where a sweep did not measure something. */
export function verdictTable(verdicts: readonly Verdict[]): Table {
  return tableOf(
    verdicts.map((verdict) => {
      const { lossChange = null, lossLow = null, lossHigh = null, look = null, unchanged = false, ...rest } = verdict;
      return { ...rest, lossChange, lossLow, lossHigh, look, unchanged };
    }),
  );
}
