// What an executed notebook says, as values: the cells of its tables, the data of its figures, its texts. Pictures say nothing more.
import { unescapeHtml } from "../../text/format";

/** A notebook file's content, as far as it is looked at. */
export interface Notebook {
  readonly cells: readonly NotebookCell[];
}

interface NotebookCell {
  readonly cell_type: string;
  readonly source: string | readonly string[];
  readonly metadata?: { readonly tags?: readonly string[] };
  readonly outputs?: readonly RawOutput[];
}

interface RawOutput {
  readonly output_type: string;
  readonly data?: Readonly<Record<string, unknown>>;
  readonly text?: unknown;
  readonly ename?: unknown;
  readonly evalue?: unknown;
}

/** A table as it is shown: strings, row by row, each as long as there are columns. */
export interface TableOutput {
  readonly kind: "table";
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** What stands below it, such as how many more rows there are. */
  readonly note: string;
}

/** A figure: the data of its traces, and the words around them. */
export interface FigureOutput {
  readonly kind: "figure";
  readonly title: string;
  readonly data: unknown;
  readonly words: readonly unknown[];
}

export interface TextOutput {
  readonly kind: "text";
  readonly title: string;
  readonly text: string;
}

export type Output = TableOutput | FigureOutput | TextOutput;

/** A code cell with what it shows. */
export interface ShownCell {
  readonly source: string;
  readonly outputs: readonly Output[];
}

const FIGURE = "application/vnd.plotly.v1+json";

/** The code cells of a notebook in order, without those that set parameters from outside. */
export function shownCells({ cells }: Notebook): ShownCell[] {
  const code = cells.filter(
    (cell) => cell.cell_type === "code" && !cell.metadata?.tags?.includes("injected-parameters"),
  );
  return code.map(({ source, outputs = [] }) => ({ source: joined(source), outputs: outputs.map(outputOf) }));
}

/** Text as notebook files have it, whole or in lines. */
const joined = (text: unknown): string => (Array.isArray(text) ? text.join("") : typeof text === "string" ? text : "");

function outputOf({ output_type, data = {}, text, ename, evalue }: RawOutput): Output {
  const html = joined(data["text/html"]);
  if (output_type === "error") return { kind: "text", title: "error", text: `${joined(ename)}: ${joined(evalue)}` };
  if (FIGURE in data) return figureOf(data[FIGURE], joined(data["text/plain"]));
  if (/<table[\s>]/.test(html)) return tableOf(html);
  return { kind: "text", title: "text", text: joined(text ?? data["text/markdown"] ?? data["text/plain"] ?? html) };
}

/** Reads a table of HTML, of `show` and of anybody else: cells without markup, nothing but text. */
export function tableOf(html: string): TableOutput {
  const textOf = (part: string) => unescapeHtml(part.replace(/<[^>]*>/g, "")).trim();
  const [inside, note = ""] = html.split("</table>");
  const title = textOf(/<caption[^>]*>(.*?)<\/caption>/s.exec(inside)?.[1] ?? "");
  const lines = [...inside.matchAll(/<tr[\s>].*?<\/tr>/gs)].map(([line]) =>
    [...line.matchAll(/<t[hd][^>]*>(.*?)<\/t[hd]>/gs)].map(([, cell]) => textOf(cell)),
  );
  return { kind: "table", title, columns: lines[0] ?? [], rows: lines.slice(1), note: textOf(note) };
}

function figureOf(figure: unknown, title: string): FigureOutput {
  const { data, layout } = (figure ?? {}) as { readonly data?: unknown; readonly layout?: unknown };
  return { kind: "figure", title: title.split("\n")[0].replace("[figure] ", ""), data, words: wordsOf(layout) };
}

const WORDS = ["text", "ticktext", "tickvals"];

/** Titles, annotations and labels anywhere in a layout; sizes, colours and pictures are left out. */
function wordsOf(layout: unknown): unknown[] {
  if (typeof layout !== "object" || layout === null) return [];
  return Object.entries(layout).flatMap(([key, value]) => (WORDS.includes(key) ? [value] : wordsOf(value)));
}

/** The facts of a notebook's tables of facts, by name: of its provenance, with its parameters. */
export function factsOf(cells: readonly ShownCell[]): ReadonlyMap<string, string> {
  const tables = cells.flatMap(({ outputs }) => outputs.filter((each): each is TableOutput => each.kind === "table"));
  return new Map(tables.filter(isFacts).flatMap(({ rows }) => rows.map(([fact, value]) => [fact, value] as const)));
}

/** Whether a table lists facts by name. */
export const isFacts = ({ columns }: TableOutput): boolean => columns.join() === "fact,value";
