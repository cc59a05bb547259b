// A figure for those who do not see it: its title, what its axes are, and what each of its series holds and between which values it lies.
import { largestOf, smallestOf } from "../statistics/extremes";
import { grouped, unescapeHtml } from "../text/format";
import type { Figure } from "./style";

/**
 * Title and subtitle, the titles of the axes, and a line for each series that can be seen, such as "other layer: 16 points from 12.6 to
 * 84.1". Lines and marks without a name only help the eye, and are left out.
 * @param figure as `plainFigure` makes it
 */
export function figureWords({ data, layout }: Figure): string {
  const series = (data as Series[]).filter(({ visible }) => visible !== false && visible !== "legendonly");
  const named = series.filter(({ name, type }) => name !== undefined || type === "heatmap");
  const panels = new Set(named.map(({ xaxis = "x" }) => xaxis));
  const lines = named.slice(0, MOST).map((each) => panelWords(each, panels.size) + seriesWords(each, layout as Axes));
  const more = named.length > MOST ? [`and ${named.length - MOST} more`] : [];
  return [...headOf(layout), axesWords(layout as Axes), ...lines, ...more].filter(Boolean).join("\n");
}

const MOST = 24;

type Values = readonly (number | string | null)[];

/** What is read of plotly's traces. */
interface Series {
  readonly type?: string;
  readonly name?: string;
  readonly visible?: boolean | "legendonly";
  readonly x?: Values;
  readonly y?: Values;
  readonly z?: readonly Values[];
  readonly xaxis?: string;
  readonly yaxis?: string;
}

/** Axes by the name that a layout has for them: xaxis, yaxis2. */
type Axes = Readonly<Record<string, { readonly title?: { readonly text?: string }; readonly ticktext?: unknown } | undefined>>;

function headOf({ title }: Figure["layout"]): string[] {
  const text = typeof title === "object" ? (title.text ?? "") : "";
  return text.split("<br>").map(plainText);
}

const plainText = (markup: string): string => unescapeHtml(markup.replace(/<[^>]*>/g, "")).trim();

function axesWords(layout: Axes): string {
  const titlesOf = (letter: string) => {
    const axes = Object.entries(layout).filter(([key]) => new RegExp(`^${letter}axis\\d*$`).test(key));
    return [...new Set(axes.map(([, axis]) => plainText(axis?.title?.text ?? "")).filter(Boolean))];
  };
  const told = (where: string, titles: string[]) => (titles.length > 0 ? `${where}: ${titles.join(", ")}` : "");
  return [told("across", titlesOf("x")), told("up", titlesOf("y"))].filter(Boolean).join("; ");
}

/** Which of several panels side by side a series is in: names may come again in each. */
const panelWords = ({ xaxis = "x" }: Series, panels: number): string =>
  panels > 1 ? `panel ${xaxis.slice(1) || 1}, ` : "";

function seriesWords({ type, name = "", x = [], y = [], z, xaxis = "x", yaxis = "y" }: Series, layout: Axes): string {
  if (z) return `${grouped(z.flat().filter(isNumber).length)} squares${rangeWords(z.flat())}`;
  const axisOf = (id: string) => layout[`${id[0]}axis${id.slice(1)}`];
  const [along, values] = type === "bar" && y.some((value) => typeof value === "string") ? [xaxis, x] : [yaxis, y];
  const count = values.filter((value) => value !== null).length;
  // Where an axis has words for its numbers, they are not what it shows.
  const range = axisOf(along)?.ticktext === undefined ? rangeWords(values) : "";
  return `${plainText(name)}: ${grouped(count)} ${count === 1 ? "point" : "points"}${range}`;
}

const isNumber = (value: unknown): value is number => typeof value === "number";

function rangeWords(values: Values): string {
  const numbers = values.filter(isNumber);
  if (numbers.length === 0) return "";
  const [least, most] = [smallestOf(numbers), largestOf(numbers)].map((value) => String(Number(value.toPrecision(3))));
  return least === most ? ` at ${least}` : ` from ${least} to ${most}`;
}
