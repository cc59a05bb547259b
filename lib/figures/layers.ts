// Figures of a sweep: pure functions from rows to values that plotly.js draws.
import type { Data } from "plotly.js";
import { baseAxis, chanceName, COLOURS, type Figure, firstRow, GREY, houseLayout, layerAxis, levelLine, levelName, stageBands, stageLabels, valueAxis } from "./style";
import { choiceMenu, switchable } from "./choices";
import { changeText, escapeHtml, grouped, percent } from "../text/format";
import type { Row } from "../results/rows";
import { isOpen } from "../statistics/anytime";
import { largestOf } from "../statistics/extremes";

/** Options of the figures of a sweep. */
export interface SweepFigureOptions {
  /** By default it says what was done to the layers. */
  readonly title?: string;
}

const GROUPS = [
  { name: "channel-changing layer", changes: true, colour: COLOURS[1], symbol: "diamond", size: 9 },
  { name: "other layer", changes: false, colour: COLOURS[0], symbol: "circle", size: 8 },
] as const;

/**
 * The main figure: one mark per layer in forward order, the accuracy that is left in percent with its interval,
 * the intact network as a dashed line, chance as a dotted one. Of several sweeps by name one is seen at a time, and a list chooses.
 * @throws RangeError when there is no row, or there are more than ten sweeps
 */
export function accuracyByLayer(
  rows: readonly Row[] | Readonly<Record<string, readonly Row[]>>,
  options: SweepFigureOptions = {},
): Figure {
  if (isList(rows)) return accuracyOfSweep(rows, options);
  const figures = Object.entries(rows).map(([name, own]) => [name, accuracyOfSweep(own, { title: `Accuracy, ${name}`, ...options })]);
  return switchable(Object.fromEntries(figures) as Record<string, Figure>);
}

const isList = (rows: readonly Row[] | Readonly<Record<string, readonly Row[]>>): rows is readonly Row[] => Array.isArray(rows);

function accuracyOfSweep(rows: readonly Row[], options: SweepFigureOptions): Figure {
  const { images, baseline, chance } = firstRow(rows, "accuracy by layer");
  const { title = `Accuracy with ${changeText(rows)}` } = options;
  const right = 100 * baseline;
  const layers = rows.map((row) => ({ name: row.layer, stage: row.stage }));
  const widest = largestOf(rows.map((row) => (row.high - row.low) / 2));
  const bars = rows.some(isOpen) ? "95 % intervals that hold at every look" : "95 % Wilson intervals";
  const subtitle = `${grouped(images)} test images; bars: ${bars}, at most ± ${percent(widest, 1)} pp`;
  return {
    data: [stems(rows), ...GROUPS.map((group) => marks(rows, group))],
    layout: houseLayout(escapeHtml(title), subtitle, {
      height: 480,
      margin: { l: 64, r: 84, t: 88, b: 16 },
      xaxis: layerAxis(layers),
      yaxis: valueAxis("accuracy on the test set (%)", { range: [0, 100], dtick: 20, tick0: 0 }),
      shapes: [...stageBands(layers), levelLine(right, "dash"), levelLine(100 * chance, "dot")],
      annotations: [...stageLabels(layers), levelName(right, `intact<br>${percent(baseline)} %`), chanceName(chance)],
      legend: { orientation: "h", x: 1, xanchor: "right", y: 1.1, yanchor: "bottom" },
    }),
  };
}

/**
 * What each layer's loss costs, in percentage points, the worst first (a button orders them as the network does); hover shows the images
 * lost and gained.
 * @throws RangeError when there is no row
 */
export function dropByLayer(rows: readonly Row[], options: SweepFigureOptions = {}): Figure {
  const { images, baseline } = firstRow(rows, "drop by layer");
  const { title = `Drop in accuracy with ${changeText(rows)}` } = options;
  const order = [...rows].sort((a, b) => b.drop - a.drop).map((row) => escapeHtml(row.layer));
  return {
    data: GROUPS.map((group) => bars(rows, group)),
    layout: houseLayout(escapeHtml(title), `${grouped(images)} test images, ${percent(baseline)} % right when intact`, {
      height: 144 + 21 * rows.length,
      margin: { l: 64, r: 48, t: TOP, b: 52 },
      bargap: 0.28,
      barmode: "overlay",
      xaxis: valueAxis("drop (percentage points)", { rangemode: "tozero", zeroline: true, zerolinecolor: "#9aa5b1" }),
      yaxis: {
        ...baseAxis(""),
        showline: false,
        ticklen: 6,
        tickcolor: "rgba(0,0,0,0)",
        type: "category",
        categoryorder: "array",
        categoryarray: order,
        autorange: "reversed",
      },
      legend: { orientation: "h", x: 1, xanchor: "right", y: 1, yanchor: "bottom" },
      ...choiceMenu([
        { label: "worst first", layout: { "yaxis.categoryarray": order } },
        { label: "in forward order", layout: { "yaxis.categoryarray": rows.map(({ layer }) => escapeHtml(layer)) } },
      ], TOP),
    }),
  };
}

const TOP = 94; // pixels above the bars: title and menu, legend

/** Position of each row of one group on the layer axis, from 1. */
function placed(rows: readonly Row[], changes: boolean) {
  return rows.map((row, index) => ({ row, x: index + 1 })).filter(({ row }) => row.changesChannels === changes);
}

function marks(rows: readonly Row[], { name, changes, colour, symbol, size }: (typeof GROUPS)[number]): Data {
  const points = placed(rows, changes);
  return {
    type: "scatter",
    mode: "markers",
    name,
    x: points.map(({ x }) => x),
    y: points.map(({ row }) => 100 * row.accuracy),
    error_y: {
      type: "data",
      symmetric: false,
      array: points.map(({ row }) => 100 * (row.high - row.accuracy)),
      arrayminus: points.map(({ row }) => 100 * (row.accuracy - row.low)),
      thickness: 2,
      width: 0,
    },
    marker: { color: colour, symbol, size },
    cliponaxis: false,
    customdata: points.map(({ row }) => hoverText(row)),
    hovertemplate: "%{customdata}<extra></extra>",
  };
}

/** Thin lines from the intact accuracy down to each mark: their length is the drop. */
function stems(rows: readonly Row[]): Data {
  return {
    type: "scatter",
    mode: "lines",
    x: rows.flatMap((_, index) => [index + 1, index + 1, null]),
    y: rows.flatMap((row) => [100 * row.baseline, 100 * row.accuracy, null]),
    line: { color: "#c9d1d9", width: 1.5 },
    hoverinfo: "skip",
    showlegend: false,
  };
}

function bars(rows: readonly Row[], { name, changes, colour }: (typeof GROUPS)[number]): Data {
  const chosen = rows.filter((row) => row.changesChannels === changes);
  return {
    type: "bar",
    orientation: "h",
    name,
    x: chosen.map((row) => 100 * row.drop),
    y: chosen.map((row) => escapeHtml(row.layer)),
    marker: { color: colour },
    text: chosen.map((row) => percent(row.drop, 1)),
    textposition: "outside",
    textfont: { size: 11, color: GREY },
    cliponaxis: false,
    customdata: chosen.map(hoverText),
    hovertemplate: "%{customdata}<extra></extra>",
  };
}

function hoverText(row: Row): string {
  return [
    `<b>${escapeHtml(row.layer)}</b>  ${grouped(row.parameters)} weights`,
    `accuracy ${percent(row.accuracy)} % (${percent(row.low)} to ${percent(row.high)})`,
    `${grouped(row.correct)} of ${grouped(row.images)} right, drop ${percent(row.drop)} pp`,
    `lost ${grouped(row.lost)}, gained ${grouped(row.gained)}, changed predictions ${grouped(row.flips)}`,
  ].join("<br>");
}
