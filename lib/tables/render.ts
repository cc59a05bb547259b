// Tables written as HTML, plain text and Markdown.
import { largestOf } from "../statistics/extremes";
import { sumOf } from "../statistics/summary";
import { escapeHtml, escapeMarkdown, grouped, printable } from "../text/format";
import type { Table } from "./table";

/** How a table is shown. */
export interface TableOptions {
  /** A line above the table. */
  readonly caption?: string;
  /** Lines shown at most (default 100); the rest is counted below. */
  readonly limit?: number;
  /** Characters that a line of text may have: the last columns are left out, and named below, where it would have more. */
  readonly width?: number;
  /** Alignment by column; numbers stand right, everything else left. */
  readonly align?: Readonly<Record<string, "left" | "right" | "center">>;
  /** Digits after the point by column; otherwise 2 for "%" and "pp", 4 significant ones for other fractions. */
  readonly digits?: Readonly<Record<string, number>>;
}

/** A table as strings: what every form of it is made from. */
interface Cells {
  readonly caption: string;
  readonly names: readonly string[];
  readonly aligns: readonly ("left" | "right" | "center")[];
  readonly lines: readonly (readonly string[])[];
  readonly more: number;
}

const LINE = "1px solid rgba(128,128,128,0.35)"; // grey that shows on white and on black
const EDGE = "2px solid rgba(128,128,128,0.7)";

const PAGE = "var(--jp-layout-color0, Canvas)"; // what lies behind: JupyterLab's theme, or the browser's
const KEPT = `position:sticky;left:0;background:${PAGE};`; // the first column stays where wide tables are scrolled
const SCROLLS = [
  ...["overflow-x:auto", "max-width:100%"],
  // A shadow at the right edge for as long as there is more to scroll to: its cover moves with the table.
  `background:linear-gradient(to left,${PAGE} 50%,transparent) 100% 0/36px 100% no-repeat local,linear-gradient(to left,rgba(128,128,128,0.45),transparent) 100% 0/14px 100% no-repeat scroll`,
].join(";");

/**
 * A table as one HTML element without classes, scripts or colours of its own, so that it reads well on light and dark pages and
 * most of it survives the sanitizers of GitHub and nbviewer (which keep `align` where they drop `style`). Nothing in it wraps: it scrolls
 * sideways under its first column.
 */
export function toHtml(table: Table, options: TableOptions = {}): string {
  const { caption, names, aligns, lines, more } = cellsOf(table, options);
  const cell = (tag: string, text: string, column: number, style: string) =>
    `<${tag} align="${aligns[column]}" style="text-align:${aligns[column]};padding:0.25em 0.7em;white-space:nowrap;${column === 0 ? KEPT : ""}${style}">${escapeHtml(text)}</${tag}>`;
  const head = names.map((name, column) => cell("th", name, column, `border:0;border-bottom:${EDGE};font-weight:600;`));
  const body = lines.map(
    (line) =>
      `<tr style="background:none">${line.map((text, column) => cell("td", text, column, `border:0;border-bottom:${LINE};`)).join("")}</tr>`,
  );
  const title = caption
    ? `<caption style="caption-side:top;text-align:left;padding:0.25em 0.7em;font-weight:600;color:inherit">${escapeHtml(caption)}</caption>`
    : "";
  const note = more ? `<p style="margin:0.3em 0.7em"><em>… ${moreNote(more)}</em></p>` : "";
  const style =
    "border-collapse:collapse;border:0;font-size:13px;line-height:1.4;margin:0.5em 0;font-variant-numeric:tabular-nums;color:inherit;background:none";
  return `<div style="${SCROLLS}"><table style="${style}">${title}<thead><tr style="background:none">${head.join("")}</tr></thead>\n<tbody>\n${body.join("\n")}\n</tbody></table></div>${note}`;
}

/** A table as plain text with aligned columns. */
export function toText(table: Table, options: TableOptions = {}): string {
  const { caption, names, aligns, lines, more } = cellsOf(table, options);
  const all = names.map((name, column) => Math.max(name.length, largestOf(lines.map((line) => line[column].length))));
  const widths = all.slice(0, columnsThatFit(all, options.width ?? Infinity));
  const pad = (width: number, text: string, column: number) =>
    aligns[column] === "right" ? text.padStart(width) : text.padEnd(width);
  const written = (line: readonly string[]) =>
    widths
      .map((width, column) => pad(width, line[column], column))
      .join(GAP)
      .trimEnd();
  const rule = widths.map((width) => "-".repeat(width)).join(GAP);
  const left = names.slice(widths.length);
  return [
    ...(caption ? [caption] : []),
    ...[written(names), rule, ...lines.map(written)],
    ...(more ? [`... ${moreNote(more)}`] : []),
    ...(left.length > 0 ? [`... and ${leftNote(left)}`] : []),
  ].join("\n");
}

const GAP = "  ";

/** "3 more columns: lost, ..." */
const leftNote = ([first, ...others]: readonly string[]): string =>
  others.length === 0 ? `1 more column: ${first}` : `${others.length + 1} more columns: ${first}, ...`;

/** How many columns fit into a line, one at least. */
function columnsThatFit(widths: readonly number[], width: number): number {
  const ends = widths.map((_, column) => sumOf(widths.slice(0, column + 1)) + column * GAP.length);
  return Math.max(1, ends.filter((end) => end <= width).length);
}

/** A table in GitHub's Markdown. */
export function toMarkdown(table: Table, options: TableOptions = {}): string {
  const { caption, names, aligns, lines, more } = cellsOf(table, options);
  const rules = aligns.map((align) => ({ left: ":--", right: "--:", center: ":-:" })[align]);
  const written = (line: readonly string[]) => `| ${line.join(" | ")} |`;
  const safe = (line: readonly string[]) => line.map(escapeMarkdown);
  const head = caption ? [`**${safe([caption])[0]}**`, ""] : [];
  return [
    ...head,
    written(safe(names)),
    written(rules),
    ...lines.map((line) => written(safe(line))),
    ...(more ? ["", `*… ${moreNote(more)}*`] : []),
  ].join("\n");
}

const moreNote = (more: number) => `${grouped(more)} more ${more === 1 ? "row" : "rows"}`;

function cellsOf(table: Table, { caption = "", limit = 100, align = {}, digits = {} }: TableOptions): Cells {
  const names = table.columnNames();
  const shown = table.objects({ limit }) as Record<string, unknown>[];
  const columns = names.map((name) => table.array(name) as ArrayLike<unknown>);
  const places = names.map((name, column) => digits[name] ?? digitsOf(name, columns[column]));
  const lines = shown.map((record) => names.map((name, column) => cellText(record[name], places[column])));
  const aligns = names.map((name, column) => align[name] ?? (isNumeric(columns[column]) ? "right" : "left"));
  return {
    caption: printable(caption),
    names: names.map(printable),
    aligns,
    lines,
    more: table.numRows() - shown.length,
  };
}

/** Digits after the point that suit all numbers of a column. */
function digitsOf(name: string, column: ArrayLike<unknown>): number {
  const numbers = Array.from(column).filter(
    (value): value is number => typeof value === "number" && Number.isFinite(value),
  );
  if (/%|\bpp\b/.test(name)) return 2;
  if (numbers.every(Number.isInteger)) return 0;
  const largest = largestOf(numbers.map(Math.abs));
  return Math.min(8, Math.max(1, 3 - Math.floor(Math.log10(largest))));
}

function isNumeric(column: ArrayLike<unknown>): boolean {
  const values = Array.from(column).filter((value) => value !== null && value !== undefined);
  return values.length > 0 && values.every((value) => typeof value === "number" || typeof value === "bigint");
}

function cellText(value: unknown, digits: number): string {
  if (value === null || value === undefined) return "";
  if (typeof value === "number") return numberText(value, digits);
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (value instanceof Date) return value.toISOString();
  return printable(typeof value === "object" ? JSON.stringify(value) : String(value));
}

function numberText(value: number, digits: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "not a number" : value > 0 ? "∞" : "−∞";
  const [whole, fraction] = Math.abs(value).toFixed(digits).split(".");
  const text = Number(whole) >= 10_000 || digits === 0 ? grouped(Number(whole)) : whole;
  const sign = value < 0 && Number(value.toFixed(digits)) !== 0 ? "−" : "";
  return sign + text + (fraction ? `.${fraction}` : "");
}
