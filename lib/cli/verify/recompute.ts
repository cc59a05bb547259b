// Makes a notebook's tables again from saved predictions, by the library alone: no code of the notebook runs.
import { type EvenRow, rowsOf } from "../../results/rows";
import type { SweptMember } from "../../runs/family";
import type { EvenSweep } from "../../results/matrix";
import { channelTests } from "../../results/channels";
import { verdictsOf } from "../../results/verdict";
import { ablationTable } from "../../tables/ablations";
import { captionOf } from "../../tables/caption";
import { claimTable } from "../../tables/claims";
import { enrichmentTable, trivialityTable } from "../../tables/family";
import { toHtml } from "../../tables/render";
import type { Table } from "../../tables/table";
import { channelTable, verdictCountTable } from "../../tables/verdicts";
import { type Difference, tableDifferences } from "./compare";
import { factsOf, isFacts, type Notebook, shownCells, tableOf, type TableOutput } from "./outputs";

/** A table of a notebook. */
export interface Place {
  /** The code cell, counted from 1. */
  readonly cell: number;
  readonly title: string;
}

/** What came of a notebook's tables. */
export interface Recomputed {
  /** Those that were made again, and where they say something else. */
  readonly tables: number;
  readonly differences: readonly Difference[];
  /** Those that no saved prediction gives, or only code of the notebook. */
  readonly others: readonly Place[];
}

/** Tables that can be made of sweeps, made when they are asked for. */
interface Candidate {
  readonly table: TableOutput;
  /** Whether its title says what it is of; else any table of its form may be meant. */
  readonly titled: boolean;
}

const EXACT = { exact: true, images: 1 };
const LIMIT = 60; // lines that a live sweep shows

/**
 * Holds every table of a notebook that can be made of these sweeps against what they give.
 * @param saved.members trained networks with the rows of their sweeps
 */
export function recomputeTables(
  notebook: Notebook,
  { sweeps, members }: { readonly sweeps: readonly EvenSweep[]; readonly members: readonly SweptMember[] },
): Recomputed {
  const cells = shownCells(notebook);
  const margin = Number(factsOf(cells).get("margin") ?? 0.005);
  const candidates = candidatesOf(sweeps, margin > 0 && margin < 1 ? margin : 0.005);
  const tables = cells.flatMap(({ outputs }, index) =>
    outputs
      .filter((each): each is TableOutput => each.kind === "table" && !isFacts(each))
      .map((table) => ({
        cell: index + 1,
        title: table.title,
        found: nearest(table, [...candidates, ...ofMembers(table, members)]),
      })),
  );
  const made = tables.filter(({ found }) => found !== undefined);
  return {
    tables: made.length,
    differences: made.flatMap(({ cell, found = [] }) => found.map((each) => ({ cell, ...each }))),
    others: tables.filter(({ found }) => !found).map(({ cell, title }) => ({ cell, title })),
  };
}

/** Where a table differs from the candidate that is most like it; undefined where none is meant. */
function nearest(table: TableOutput, candidates: readonly Candidate[]) {
  const alike = candidates.filter(
    (each) => each.table.columns.join() === table.columns.join() && (!each.titled || each.table.title === table.title),
  );
  const found = alike
    .map((each) => ({ ...each, differences: differencesOf(table, each) }))
    .sort((one, other) => one.differences.length - other.differences.length)[0];
  const meant = found?.titled || (found && firsts(found.table) === firsts(table));
  return meant ? found.differences : undefined;
}

const firsts = ({ rows }: TableOutput): string => rows.map(([first]) => first).join();

function differencesOf(table: TableOutput, { table: made, titled }: Candidate) {
  return tableDifferences(table, titled ? made : { ...made, title: table.title }, EXACT);
}

function candidatesOf(sweeps: readonly EvenSweep[], margin: number): Candidate[] {
  const all = sweeps.map((sweep) => ({ sweep, rows: rowsOf(sweep) }));
  const zeroed = Object.fromEntries(
    all.filter(({ sweep }) => sweep.operator === "zero").map(({ sweep, rows }) => [sweep.network, rows]),
  );
  return [
    ...all.flatMap(({ sweep, rows }) => ofOneSweep(sweep, rows, margin)),
    ...attempt(() => claimTable(zeroed, { margin })),
  ];
}

/** Tables with a line for each of some trained networks, which the table that is looked at names. */
function ofMembers({ rows }: TableOutput, members: readonly SweptMember[]): Candidate[] {
  const named = rows.flatMap(([name]) => members.filter(({ run }) => run === name));
  if (named.length === 0 || named.length < rows.length) return [];
  return [...attempt(() => trivialityTable(named)), ...attempt(() => enrichmentTable(named))];
}

function ofOneSweep(sweep: EvenSweep, rows: readonly EvenRow[], margin: number): Candidate[] {
  const verdicts = verdictsOf(rows, { margin });
  const caption = captionOf(sweep);
  const orders = (["forward", "drop"] as const).map((order) => shown(ablationTable(verdicts, { order }), caption));
  return [
    ...orders.map((table) => ({ table, titled: true })),
    ...attempt(() => verdictCountTable(rows)),
    ...attempt(() => channelTable(channelTests([rows]))),
  ];
}

/** A table that not every sweep gives, such as one of layers that change channels. */
function attempt(make: () => Table): Candidate[] {
  try {
    return [{ table: shown(make()), titled: false }];
  } catch {
    return [];
  }
}

/** A table as a notebook shows it. */
const shown = (table: Table, caption?: string): TableOutput => tableOf(toHtml(table, { caption, limit: LIMIT }));
