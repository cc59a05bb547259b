// Holds what a notebook says against what it said before. Values in, differences out.
import { allowed, type Quantity, valueOf } from "./tolerance";
import {
  factsOf,
  type FigureOutput,
  isFacts,
  type Notebook,
  type Output,
  type ShownCell,
  shownCells,
  type TableOutput,
} from "./outputs";

/** Where two runs of a notebook say different things, and how far apart they were allowed to be. */
export interface Difference {
  /** The code cell, counted from 1. */
  readonly cell: number;
  /** The table, figure or text in it. */
  readonly output: string;
  /** A table's row by its first column, or a place in a figure's data; empty in texts. */
  readonly row: string;
  readonly column: string;
  readonly was: string;
  readonly is: string;
  readonly tolerance: string;
}

/** What was compared, and what came out. */
export interface Comparison {
  /** Whether every digit has to be the same, as on one machine. */
  readonly exact: boolean;
  readonly tables: number;
  readonly figures: number;
  readonly texts: number;
  readonly differences: readonly Difference[];
}

/** Facts about who computed, when and how, which do not count. */
const LEFT_OUT_FACTS = new Set([
  ...[
    "commit",
    "codeChangedSinceCommit",
    "changedSinceCommit",
    "nontrivial",
    "node",
    "tfjs",
    "tfjs-node-gpu",
    "backend",
  ],
  ...["tensorflow", "oneDNN", "pure-rand", "gpu", "processor", "cores", "memoryGiB", "platform", "tslab", "typescript"],
  ...["plotly.js", "arquero", "trainingSeconds", "figures"],
]);

/** Facts that are equal on the same kind of machine, where every digit repeats. */
const MACHINE = ["processor", "cores", "backend", "tensorflow", "oneDNN", "gpu"];

const LEFT_OUT_COLUMNS = /^(seconds|minutes|hours|date|time)$|\/s$/;

/** Times in texts, and rates, which lines of progress have where something was computed. */
const TIMES = /\b(?:\d+ h \d+ min|\d+ min \d+ s|[\d.,]+ (?:ms|s|seconds?|min|minutes?|h|hours?)\b)/g;
const RATES = /(?: · )?[\d.,]+ (?:\w+ )?\w+\/s\b/g;

/** A number that is no part of a name: not those in "resnet20-seed1". */
const NUMBER = /(?<![\w.-])[−-]?\d+(?:,\d{3})*(?:\.\d+)?(?:e[+-]?\d+)?(?!\w|\.\d)/g;
const ALL_IMAGES = 10_000;

/** How two outputs are compared: to the last digit, or as far as machines agree on so many images. */
export interface Rule {
  readonly exact: boolean;
  readonly images: number;
}

/**
 * Where a notebook that was executed again differs from what it was: in the cells of its tables, the data of its figures, its texts.
 * Pictures, times, dates and hardware do not count.
 * @param options.exact whether all digits have to be the same (default: where both were executed on the same kind of machine)
 */
export function compareNotebooks(was: Notebook, is: Notebook, { exact }: { exact?: boolean } = {}): Comparison {
  const [before, after] = [shownCells(was), shownCells(is)];
  const facts = factsOf(before);
  const rule = { exact: exact ?? sameMachine(facts, factsOf(after)), images: imagesIn(facts) };
  const differences = before.flatMap((cell, index) =>
    cellDifferences(cell, after[index], rule).map((difference) => ({ cell: index + 1, ...difference })),
  );
  const count = (kind: Output["kind"]) =>
    before.flatMap((cell) => cell.outputs).filter((each) => each.kind === kind).length;
  const more = after.length > before.length ? [missing(before.length + 1, "no such cell", "a cell more")] : [];
  const [tables, figures, texts] = [count("table"), count("figure"), count("text")];
  return { exact: rule.exact, tables, figures, texts, differences: [...differences, ...more] };
}

function sameMachine(was: ReadonlyMap<string, string>, is: ReadonlyMap<string, string>): boolean {
  return was.has("processor") && MACHINE.every((fact) => was.get(fact) === is.get(fact));
}

/** How many images most of a notebook is about. A handful, which some look at closely, says nothing of the others. */
function imagesIn(facts: ReadonlyMap<string, string>): number {
  const images = Number(facts.get("images"));
  return images >= 100 ? images : ALL_IMAGES;
}

/** A difference in a cell that is known. */
export type InCell = Omit<Difference, "cell">;

const missing = (cell: number, was: string, is: string): Difference => ({ cell, ...whole("cells", was, is) });
const whole = (output: string, was: string, is: string): InCell => ({
  ...{ output, row: "", column: "", was, is },
  tolerance: "exact",
});

function cellDifferences(was: ShownCell, is: ShownCell | undefined, rule: Rule): InCell[] {
  if (!is) return [whole("cells", "a cell", "no such cell")];
  if (was.source !== is.source) return [whole("source", firstLine(was.source), firstLine(is.source))];
  if (was.outputs.length !== is.outputs.length)
    return [whole("outputs", listedKinds(was.outputs), listedKinds(is.outputs))];
  return was.outputs.flatMap((output, index) => outputDifferences(output, is.outputs[index], rule));
}

const firstLine = (source: string): string => source.trim().split("\n")[0];
const listedKinds = (outputs: readonly Output[]): string => outputs.map(({ kind }) => kind).join(", ") || "none";
const nameOf = ({ kind, title }: Output): string => (title && title !== kind ? `${kind} "${title}"` : kind);

function outputDifferences(was: Output, is: Output, rule: Rule): InCell[] {
  const output = nameOf(was);
  if (was.kind === "table" && is.kind === "table") return tableDifferences(was, is, rule);
  if (was.kind === "figure" && is.kind === "figure") return figureDifferences(was, is, rule);
  if (was.kind !== "text" || is.kind !== "text") return [whole(output, was.kind, is.kind)];
  return textDifferences({ output, row: "", column: "" }, [was.text, is.text], { about: "text", ...rule });
}

type Place = Pick<Difference, "output" | "row" | "column">;

/**
 * Two texts: all words have to be the same, and each number within what its kind is allowed. In a cell of a table the column says what
 * kind it is, in a text what stands around it.
 */
function textDifferences(place: Place, [was, is]: readonly [string, string], rule: Rule & Quantity): InCell[] {
  const [before, after] = [was, is].map((text) => text.replace(RATES, "").replace(TIMES, "…"));
  if (before === after) return [];
  const different = (tolerance: string): InCell[] => [{ ...place, was, is, tolerance }];
  if (rule.exact || before.replace(NUMBER, "#") !== after.replace(NUMBER, "#")) return different("exact");
  const found = [...after.matchAll(NUMBER)];
  for (const [index, match] of [...before.matchAll(NUMBER)].entries()) {
    const { most, text } = allowed(match[0], { ...rule, about: rule.about === "text" ? around(match) : rule.about });
    if (!(Math.abs(valueOf(match[0]) - valueOf(found[index][0])) <= most)) return different(text);
  }
  return [];
}

/** What tells of which kind a number in a text is: the sign behind it, or the letter before it; else it counts images. */
function around({ 0: number, index = 0, input = "" }: RegExpMatchArray): string {
  const [before, behind] = [input.slice(0, index), input.slice(index + number.length)];
  if (/^ ?(%|pp)/.test(behind)) return "%";
  if (/\bp [=<] $/.test(before)) return "p";
  return /[.]/.test(number) ? "" : "right";
}

/** Where two tables differ. */
export function tableDifferences(was: TableOutput, is: TableOutput, rule: Rule): InCell[] {
  const [columns, before, after] = [was.columns, countedRows(was), countedRows(is)];
  const images = imagesOf(was) ?? rule.images;
  const compare = (rows: readonly Rows[]) =>
    rows.flatMap(([one, other]) => rowDifferences({ was: one, is: other, columns }, { ...rule, images }));
  const outside = (["title", "note"] as const).flatMap((part) =>
    textDifferences({ output: "", row: "", column: part }, [was[part], is[part]], { about: "text", ...rule }),
  );
  const shape = [
    { ...whole("", columns.join(", "), is.columns.join(", ")), column: "columns" },
    { ...whole("", `${before.length} rows`, `${after.length} rows`), column: "rows" },
  ].filter((each) => each.was !== each.is);
  const found = shape.length > 0 ? shape : [...outside, ...inOrder(before, after, compare)];
  return found.map((each) => ({ ...each, output: nameOf(was) }));
}

type Row = readonly string[];
type Rows = readonly [was: Row, is: Row];

/** The rows of a table that count: of a table of facts, those that are not about the machine. */
function countedRows(table: TableOutput): readonly Row[] {
  return isFacts(table) ? table.rows.filter(([fact]) => !LEFT_OUT_FACTS.has(fact)) : table.rows;
}

/** The images that a table's title says its shares are of. */
function imagesOf({ title }: TableOutput): number | undefined {
  const match = /([\d,]+) (?:test )?images/.exec(title);
  return match ? valueOf(match[1]) : undefined;
}

/** Rows one after the other; where the same ones stand in another order, that is said, and each is held against the one of its name. */
function inOrder(was: readonly Row[], is: readonly Row[], compare: (rows: readonly Rows[]) => InCell[]): InCell[] {
  const inPlace = was.map((row, index): Rows => [row, is[index]]);
  const moved = inPlace.find(([one, other]) => one[0] !== other[0]);
  const byName = new Map(is.map((row) => [row[0], row]));
  if (!moved || byName.size < is.length || !was.every(([name]) => byName.has(name))) return compare(inPlace);
  const order = { ...whole("", moved[0][0], moved[1][0]), column: "order of rows", row: moved[0][0] };
  return [order, ...compare(was.map((row): Rows => [row, byName.get(row[0])!]))];
}

interface TwoRows {
  readonly was: Row;
  readonly is: Row;
  readonly columns: readonly string[];
}

function rowDifferences({ was, is, columns }: TwoRows, rule: Rule): InCell[] {
  return columns.flatMap((column, index) => {
    if (LEFT_OUT_COLUMNS.test(column)) return [];
    const place = { output: "", row: was[0] ?? "", column };
    return textDifferences(place, [was[index] ?? "", is[index] ?? ""], { ...rule, about: column });
  });
}

function figureDifferences(was: FigureOutput, is: FigureOutput, rule: Rule): InCell[] {
  const parts = (["data", "words"] as const).flatMap((part) => valueDifferences(part, [was[part], is[part]], rule));
  return parts.map(({ place, ...rest }) => ({ output: nameOf(was), row: place, column: "", ...rest }));
}

interface AtPlace extends Pick<Difference, "was" | "is" | "tolerance"> {
  /** Such as "data[0].y[3]". */
  readonly place: string;
}

/** Where two values of plain data differ: numbers and texts one by one. */
function valueDifferences(place: string, [was, is]: readonly [unknown, unknown], rule: Rule): AtPlace[] {
  if (was === is) return [];
  if (typeof was === "number" && typeof is === "number") return numberDifferences(place, [was, is], rule);
  if (typeof was === "string" && typeof is === "string")
    return textDifferences({ output: "", row: "", column: "" }, [was, is], { about: "text", ...rule }).map(
      ({ tolerance }) => ({ place, was, is, tolerance }),
    );
  if (!isNested(was) || !isNested(is)) return [{ place, was: shown(was), is: shown(is), tolerance: "exact" }];
  const keys = new Set([...Object.keys(was), ...Object.keys(is)]);
  const step = (key: string) => (Array.isArray(was) ? `${place}[${key}]` : `${place}.${key}`);
  return [...keys].flatMap((key) => valueDifferences(step(key), [was[key], is[key]], rule));
}

function numberDifferences(place: string, [was, is]: readonly [number, number], rule: Rule): AtPlace[] {
  const { images, exact } = rule;
  // An axis may count images, or their share in percent.
  const most = exact
    ? 0
    : Math.max(
        allowed(String(was), { about: Number.isInteger(was) ? "right" : "%", images }).most,
        Math.abs(was) / 100,
      );
  const tolerance = exact ? "exact" : `± ${Number(most.toPrecision(2))}`;
  return Math.abs(was - is) <= most ? [] : [{ place, was: String(was), is: String(is), tolerance }];
}

const isNested = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null;
const shown = (value: unknown): string => String(JSON.stringify(value)).slice(0, 100);
