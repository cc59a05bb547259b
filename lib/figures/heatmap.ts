// What heat maps share: squares with a number in each, axes of names, scales of colour.
import type { ColorBar, Data, LayoutAxis, PlotData } from "plotly.js";
import { baseAxis, COLOURS, GREY } from "./style";
import { escapeHtml } from "../text/format";

/** One square; row and column are counted from 0, text and hover are already safe for plotly's pseudo-HTML. */
export interface Square {
  readonly row: number;
  readonly column: number;
  readonly value: number;
  readonly text: string;
  readonly hover: string;
}

/** From blue (negative) over white to orange; give it `zmin` and `zmax` of the same size. */
export const DIVERGING: [number, string][] = [
  [0, COLOURS[0]],
  [0.5, "#ffffff"],
  [1, COLOURS[1]],
];

/** One trace of squares on axes made by `nameAxis`; where there is none, nothing is drawn. */
export function squaresTrace(
  squares: readonly Square[],
  { rows, columns }: { rows: number; columns: number },
  look: Partial<PlotData>,
): Data {
  const grid = <T>(empty: T) => Array.from({ length: rows }, () => new Array<T>(columns).fill(empty));
  const [z, text, hover] = [grid<number | null>(null), grid(""), grid("")];
  for (const square of squares) {
    z[square.row][square.column] = square.value;
    text[square.row][square.column] = square.text;
    hover[square.row][square.column] = square.hover;
  }
  const places = (count: number) => Array.from({ length: count }, (_, index) => index + 1);
  return {
    ...{ type: "heatmap", x: places(columns), y: places(rows), z, text, xgap: 1, ygap: 1 },
    ...{ texttemplate: "%{text}", textfont: { size: 10.5 }, hoverongaps: false },
    ...{ customdata: hover, hovertemplate: "%{customdata}<extra></extra>" },
    ...look,
  } as unknown as Data; // plotly's types lack texts in two dimensions
}

/** An axis with a name for each row or column, the first one at 1. */
export function nameAxis(names: readonly string[], options: Partial<LayoutAxis> = {}): Partial<LayoutAxis> {
  return baseAxis("", {
    ...{ showline: false, ticks: "", zeroline: false, range: [0.5, names.length + 0.5] },
    tickvals: names.map((_, index) => index + 1),
    ticktext: names.map(escapeHtml),
    tickfont: { size: names.length > 24 ? 9.5 : 12 },
    ...options,
  });
}

/** A thin bar of colours beside the figure. */
export function colourBar(title: string, options: Partial<ColorBar> = {}): Partial<ColorBar> {
  return {
    title: { text: title, side: "right", font: { size: 13, color: GREY } },
    ...{ thickness: 14, outlinewidth: 0, len: 0.5, y: 1, yanchor: "top" },
    ...options,
  };
}
