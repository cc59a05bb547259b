// What all figures share: their type, the house template, colours that colour-blind readers can tell apart, the axis of layers.
import type { Annotations, Data, Layout, LayoutAxis, Shape } from "plotly.js";
import { escapeHtml, percent } from "../text/format";

/** A figure as a value that plotly.js draws: plain JSON, or made so (`plainFigure`) wherever it is shown or saved. */
export interface Figure {
  readonly data: Data[];
  readonly layout: Partial<Layout>;
}

/** Okabe and Ito's palette (2008, "Color Universal Design"), the strong ones first. */
export const COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"] as const;
export const INK = "#1f2933";
export const GREY = "#6b7785";
const BAND = "#f4f6f8";
const LINE = "#e3e7eb";

/** The font comes with the browser that draws the PNGs; pages without it take the reader's own sans-serif. */
const FONT = '"Open Sans", "Segoe UI", "Helvetica Neue", Arial, sans-serif';

const AXIS: Partial<LayoutAxis> = {
  gridcolor: LINE,
  linecolor: "#9aa5b1",
  tickcolor: "#9aa5b1",
  tickfont: { size: 12 },
  zeroline: false,
  automargin: true,
};

/** Room for an axis title is kept only where there is one. */
const axisTitle = (text: string) => (text ? { text, standoff: 10, font: { size: 13, color: GREY } } : undefined);

/** A vertical axis: light grid lines, no line of its own. */
export function valueAxis(title: string, options: Partial<LayoutAxis> = {}): Partial<LayoutAxis> {
  return { ...AXIS, title: axisTitle(title), ...options };
}

/** A horizontal axis: a line with outside ticks, no grid. */
export function baseAxis(title: string, options: Partial<LayoutAxis> = {}): Partial<LayoutAxis> {
  return {
    ...AXIS,
    title: axisTitle(title),
    showgrid: false,
    showline: true,
    ticks: "outside",
    ticklen: 4,
    ...options,
  };
}

/** The house layout under a title and a line below it (both already safe for plotly's pseudo-HTML); `own` wins. */
export function houseLayout(title: string, subtitle: string, own: Partial<Layout>): Partial<Layout> {
  const head = subtitle
    ? `<b>${title}</b><br><span style="font-size:13px;color:${GREY}">${subtitle}</span>`
    : `<b>${title}</b>`;
  return {
    title: {
      text: head,
      x: 0,
      xref: "container",
      xanchor: "left",
      y: 1,
      yref: "container",
      yanchor: "top",
      pad: { l: 16, t: 24 },
      font: { size: 16 },
    },
    font: { family: FONT, size: 13, color: INK },
    colorway: [...COLOURS],
    paper_bgcolor: "#ffffff",
    plot_bgcolor: "#ffffff",
    height: 440,
    margin: { l: 64, r: 28, t: 78, b: 48 },
    hovermode: "closest",
    hoverlabel: {
      bgcolor: "#ffffff",
      bordercolor: "#9aa5b1",
      font: { family: FONT, size: 13, color: INK },
      align: "left",
    },
    legend: { orientation: "h", x: 1, xanchor: "right", y: 1.02, yanchor: "bottom", font: { size: 12.5 } },
    ...own,
  };
}

/** A line across the figure at a height of the vertical axis. */
export function levelLine(y: number, dash: "dash" | "dot"): Partial<Shape> {
  return { type: "line", xref: "paper", x0: 0, x1: 1, y0: y, y1: y, line: { color: GREY, width: 1.2, dash } };
}

/** The name of such a line, in the right margin. */
export function levelName(y: number, text: string): Partial<Annotations> {
  const place = { xref: "paper", x: 1, xanchor: "left", xshift: 8, y, yanchor: "middle" } as const;
  return { text, ...place, align: "left", showarrow: false, font: { size: 12, color: GREY } };
}

/** The name of the line of guessing: whole percent where that is exact, as among 10 or 100 classes. */
export function chanceName(chance: number): Partial<Annotations> {
  return levelName(100 * chance, `chance<br>${Number(percent(chance, 1))} %`);
}

/** The name of a panel, above its left end. */
export function panelName(text: string, x: number): Partial<Annotations> {
  const place = { xref: "paper", x, xanchor: "left", yref: "paper", y: 1.02, yanchor: "bottom" } as const;
  return { text, ...place, showarrow: false, font: { size: 13, color: INK } };
}

/** The first of some rows. @throws RangeError that says what cannot be drawn when there is none */
export function firstRow<R>(rows: readonly R[], what: string): R {
  if (rows.length === 0) throw new RangeError(`Cannot draw ${what}: expected at least one row but found none`);
  return rows[0];
}

/** What the axis needs to know of a layer or a row. */
export interface AxisLayer {
  readonly name: string;
  readonly stage: number;
}

/** The layers in forward order, every name written out; smaller letters where there are many. */
export function layerAxis(layers: readonly AxisLayer[]): Partial<LayoutAxis> {
  const size = layers.length > 40 ? 9.5 : layers.length > 24 ? 10.5 : 12;
  return baseAxis("", {
    range: [0.4, layers.length + 0.6],
    tickvals: layers.map((_, index) => index + 1),
    ticktext: layers.map((layer) => escapeHtml(layer.name)),
    tickangle: layers.length > 24 ? -90 : -60,
    tickfont: { size },
    fixedrange: layers.length < 24,
  });
}

/** Runs of layers of one stage: first and last position. */
function stageRuns(layers: readonly AxisLayer[]): { stage: number; from: number; to: number }[] {
  const runs: { stage: number; from: number; to: number }[] = [];
  layers.forEach(({ stage }, index) => {
    const last = runs[runs.length - 1];
    if (last?.stage === stage) last.to = index + 1;
    else runs.push({ stage, from: index + 1, to: index + 1 });
  });
  return runs;
}

/** A light band behind every second stage. */
export function stageBands(layers: readonly AxisLayer[]): Partial<Shape>[] {
  return stageRuns(layers)
    .filter(({ stage }) => stage % 2 === 1)
    .map(({ from, to }) => ({
      type: "rect",
      layer: "below",
      x0: from - 0.5,
      x1: to + 0.5,
      yref: "paper",
      y0: 0,
      y1: 1,
      fillcolor: BAND,
      line: { width: 0 },
    }));
}

/** The name of each stage above its layers. */
export function stageLabels(layers: readonly AxisLayer[]): Partial<Annotations>[] {
  return stageRuns(layers)
    .filter(({ stage }) => stage > 0)
    .map(({ stage, from, to }) => ({
      text: `stage ${stage}`,
      x: (from + to) / 2,
      yref: "paper",
      y: 1,
      yanchor: "bottom",
      showarrow: false,
      font: { size: 12, color: GREY },
    }));
}
