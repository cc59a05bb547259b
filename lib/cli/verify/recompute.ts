// Makes a notebook's tables again from saved predictions, by the library alone: no code of the notebook runs.
import { classRowsOf, type EvenRow, rowsOf } from "../../results/rows";
import type { SweptMember } from "../../runs/family";
import type { EvenSweep } from "../../results/matrix";
import { verdictsOfEach } from "../../results/agreement";
import { channelTests } from "../../results/channels";
import { verdictsOf } from "../../results/verdict";
import { ablationTable } from "../../tables/ablations";
import { captionOf } from "../../tables/caption";
import { claimTable } from "../../tables/claims";
import { classTable } from "../../tables/classes";
import { enrichmentTable, trivialityTable } from "../../tables/family";
import { operatorTable } from "../../tables/operators";
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
  /** What says that a table is meant to be this one: its title, the names in its first column, or nothing but its form. */
  readonly known: "by title" | "by names" | "by form";
}

/** Sweeps with what they say. */
type Swept = readonly { readonly sweep: EvenSweep; readonly rows: readonly EvenRow[] }[];

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
  const swept = sweeps.map((sweep) => ({ sweep, rows: rowsOf(sweep) }));
  const candidates = candidatesFrom(swept, members, margin > 0 && margin < 1 ? margin : 0.005);
  const tables = cells.flatMap(({ outputs }, index) =>
    outputs
      .filter((each): each is TableOutput => each.kind === "table" && !isFacts(each))
      .map((table) => ({ cell: index + 1, title: table.title, found: nearest(table, candidates(table)) })),
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
  return candidates
    .filter((each) => isAlike(table, each))
    .map((each) => ({ ...each, differences: differencesOf(table, each) }))
    .filter(({ known, differences }) => known !== "by form" || differences.length <= mostOf(table))
    .sort((one, other) => one.differences.length - other.differences.length)[0]?.differences;
}

function isAlike(table: TableOutput, { table: made, known }: Candidate): boolean {
  if (made.columns.join() !== table.columns.join()) return false;
  return known === "by title" ? made.title === table.title : firsts(made) === firsts(table);
}

const firsts = ({ rows }: TableOutput): string => rows.map(([first]) => first).join();

/** Another sweep's table of the same form differs in more cells than this. */
const mostOf = ({ columns, rows }: TableOutput): number => (columns.length * rows.length) / 2;

function differencesOf(table: TableOutput, { table: made, known }: Candidate) {
  return tableDifferences(table, known === "by title" ? made : { ...made, title: table.title }, EXACT);
}

/** What gives the tables that some table could be. */
function candidatesFrom(swept: Swept, members: readonly SweptMember[], margin: number) {
  const always = swept.flatMap(({ sweep, rows }) => ofOneSweep(sweep, rows, margin));
  return (table: TableOutput) => [
    ...always,
    ...ofNetworks(table, swept, margin),
    ...ofOperators(table, swept, margin),
    ...ofClasses(table, swept),
    ...ofMembers(table, members),
  ];
}

/** Tables of claims about the networks that a table names, for each number of images that all of them were swept over. */
function ofNetworks(table: TableOutput, swept: Swept, margin: number): Candidate[] {
  const names = table.rows.map(([name]) => name).filter((name) => name !== "their mean");
  const zeroed = swept.filter(({ sweep }) => isZeroed(sweep));
  return [...new Set(zeroed.map(({ sweep }) => sweep.labels.length))].flatMap((images) => {
    const of = (name: string) =>
      zeroed.find(({ sweep }) => sweep.network === name && sweep.labels.length === images)?.rows ?? [];
    const rows = Object.fromEntries(names.map((name) => [name, of(name)]));
    return attempt(() => claimTable(rows, { margin }), "by names");
  });
}

/** Tables of the operators that a table names, on each network and number of images. */
function ofOperators(table: TableOutput, swept: Swept, margin: number): Candidate[] {
  const groups = new Map(swept.map(({ sweep }) => [`${sweep.network} ${sweep.labels.length}`, sweep]));
  return [...groups.values()].flatMap(({ network, labels }) => {
    const own = swept.filter(({ sweep }) => sweep.network === network && sweep.labels.length === labels.length);
    const named = table.rows.flatMap(([name]) => own.filter(({ sweep }) => sweep.operator === name).slice(0, 1));
    if (named.length < table.rows.length) return [];
    const sweeps = Object.fromEntries(named.map(({ sweep }) => [sweep.operator, sweep]));
    return attempt(() => operatorTable(verdictsOfEach(sweeps, { margin })), "by names");
  });
}

/** Tables of the damage per class of the layers that a table names; its columns name the classes. */
function ofClasses({ columns, rows }: TableOutput, swept: Swept): Candidate[] {
  const classes = columns.slice(1).map((column) => column.replace(/ pp$/, ""));
  const names = new Set(rows.map(([layer]) => layer));
  if (columns[0] !== "layer" || !columns.slice(1).every((column) => column.endsWith(" pp"))) return [];
  return swept.flatMap(({ sweep }) => {
    const chosen = classRowsOf(sweep).filter(({ layer }) => names.has(layer));
    return attempt(() => classTable(chosen, classes), "by form");
  });
}

/** Whether a sweep set single layers to zero. */
export const isZeroed = ({ operator, sets }: EvenSweep): boolean =>
  operator === "zero" && sets.every(({ layers }) => layers.length === 1);

/** Tables with a line for each of some trained networks, which the table that is looked at names. */
function ofMembers({ rows }: TableOutput, members: readonly SweptMember[]): Candidate[] {
  const named = rows.flatMap(([name]) => members.filter(({ run }) => run === name));
  if (named.length === 0 || named.length < rows.length) return [];
  return [trivialityTable, enrichmentTable].flatMap((make) => attempt(() => make(named), "by names"));
}

function ofOneSweep(sweep: EvenSweep, rows: readonly EvenRow[], margin: number): Candidate[] {
  const verdicts = verdictsOf(rows, { margin });
  const caption = captionOf(sweep);
  const orders = (["forward", "drop"] as const).map((order) => shown(ablationTable(verdicts, { order }), caption));
  return [
    ...orders.map((table) => ({ table, known: "by title" as const })),
    ...attempt(() => verdictCountTable(rows), "by form"),
    ...attempt(() => channelTable(channelTests([rows])), "by form"),
  ];
}

/** A table that not every sweep gives, such as one of layers that change channels. */
function attempt(make: () => Table, known: Candidate["known"]): Candidate[] {
  try {
    return [{ table: shown(make()), known }];
  } catch {
    return [];
  }
}

/** A table as a notebook shows it. */
const shown = (table: Table, caption?: string): TableOutput => tableOf(toHtml(table, { caption, limit: LIMIT }));
