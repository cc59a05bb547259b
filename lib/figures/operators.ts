// Figures of several operators on one network: drops by layer and operator, agreement of rankings.
import type { PlotData } from "plotly.js";
import { type Agreement, type ByOperator, dropInterval, widestInterval } from "../results/agreement";
import { colourBar, DIVERGING, nameAxis, type Square, squaresTrace } from "./heatmap";
import { type Figure, firstRow, houseLayout, INK } from "./style";
import { escapeHtml, grouped, percent, signedPercent } from "../text/format";
import type { EvenRow } from "../results/rows";
import type { Verdict } from "../results/verdict";
import { largestOf } from "../statistics/extremes";

/** What these figures need of a row. */
export type OperatorRow = EvenRow & Partial<Pick<Verdict, "verdict">>;

const NO_OP: [number, string][] = [
  [0, "#e3e7eb"],
  [1, "#e3e7eb"],
];

/**
 * The drop of every layer under every operator in percentage points: layers from top to bottom in forward order, operators from
 * left to right. Where an operator changed nothing the square is grey, where it does not apply there is none.
 * @throws RangeError when there is no row
 */
export function dropByOperator(
  results: ByOperator<readonly OperatorRow[]>,
  options: { readonly title?: string } = {},
): Figure {
  const operators = Object.keys(results);
  const rows = operators.flatMap((name) => results[name]);
  const { images } = firstRow(rows, "drops by operator");
  const layers = longest(operators.map((name) => results[name])).map(({ layer }) => layer);
  const largest = 100 * Math.max(largestOf(rows.map(({ drop }) => Math.abs(drop))), 1e-4);
  const squares = (unchanged: boolean) =>
    operators.flatMap((name, column) =>
      results[name]
        .filter((row) => Boolean(row.unchanged) === unchanged)
        .map((row) => dropSquare(row, { name, row: layers.indexOf(row.layer), column })),
    );
  const size = { rows: layers.length, columns: operators.length };
  const { title = "Drop in accuracy by layer and operator" } = options;
  const subtitle = `${grouped(images)} test images; 95 % intervals of the drops: at most ± ${percent(widestInterval(rows), 1)} pp`;
  const colours: Partial<PlotData> = {
    colorscale: DIVERGING,
    zmin: -largest,
    zmax: largest,
    colorbar: colourBar("drop (pp)"),
  };
  return {
    data: [
      squaresTrace(squares(false), size, colours),
      squaresTrace(squares(true), size, { colorscale: NO_OP, zmin: 0, zmax: 1, showscale: false }),
    ],
    layout: houseLayout(escapeHtml(title), subtitle, {
      height: 250 + 24 * layers.length,
      margin: { l: 16, r: 24, t: 72, b: 16 },
      xaxis: nameAxis(operators, { tickangle: -60 }),
      yaxis: nameAxis(layers, { range: [layers.length + 0.5, 0.5] }),
    }),
  };
}

function dropSquare(
  result: OperatorRow,
  { name, row, column }: { name: string; row: number; column: number },
): Square {
  const text = result.unchanged ? "no-op" : signedPercent(result.drop, 0);
  return {
    row,
    column,
    value: result.unchanged ? 0 : 100 * result.drop,
    text,
    hover: `<b>${escapeHtml(name)}</b><br>${hoverText(result)}`,
  };
}

/** What is known of a drop, for the mouse. */
export function hoverText(row: OperatorRow): string {
  if (row.unchanged) return `${escapeHtml(row.layer)}: the operator changed nothing`;
  const [low, high] = dropInterval(row);
  return [
    escapeHtml(row.layer),
    `accuracy ${percent(row.accuracy)} %`,
    `drop ${signedPercent(row.drop, 2)} pp (${signedPercent(low, 2)} to ${signedPercent(high, 2)})`,
    `lost ${grouped(row.lost)}, gained ${grouped(row.gained)} of ${grouped(row.images)}`,
    ...(row.verdict ? [row.verdict] : []),
  ].join("<br>");
}

/** Kendall's tau of the rankings of every two operators; on the diagonal, outlined, that of an operator with itself on two halves of the images. */
export function agreementMap({ operators, taus }: Agreement, options: { readonly title?: string } = {}): Figure {
  const squares = taus.flatMap((line, row) =>
    line.flatMap((value, column) => (Number.isFinite(value) ? [tauSquare(operators, { row, column, value })] : [])),
  );
  const size = { rows: operators.length, columns: operators.length };
  const { title = "Do operators rank the layers alike?" } = options;
  const colours: Partial<PlotData> = { colorscale: DIVERGING, zmin: -1, zmax: 1, colorbar: colourBar("tau") };
  return {
    data: [squaresTrace(squares, size, colours)],
    layout: houseLayout(
      escapeHtml(title),
      "Kendall's tau between drops; framed: an operator with itself, on two halves of the images",
      {
        height: 230 + 27 * operators.length,
        margin: { l: 16, r: 24, t: 72, b: 16 },
        xaxis: nameAxis(operators, { tickangle: -60 }),
        yaxis: nameAxis(operators, { range: [operators.length + 0.5, 0.5] }),
        shapes: operators.map((_, index) => ({
          type: "rect",
          ...{ x0: index + 0.5, x1: index + 1.5, y0: index + 0.5, y1: index + 1.5 },
          line: { color: INK, width: 1.2 },
        })),
      },
    ),
  };
}

function tauSquare(
  operators: readonly string[],
  { row, column, value }: { row: number; column: number; value: number },
): Square {
  const [one, other] = [escapeHtml(operators[row]), escapeHtml(operators[column])];
  const tau = value.toFixed(2).replace("-", "−");
  const hover =
    row === column
      ? `<b>${one}</b>, two halves of the images<br>tau ${tau}`
      : `<b>${one}</b> and <b>${other}</b><br>tau ${tau}`;
  return { row, column, value, text: tau, hover };
}

function longest<T>(lists: readonly (readonly T[])[]): readonly T[] {
  return lists.reduce((best, list) => (list.length > best.length ? list : best), []);
}
