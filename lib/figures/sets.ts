// Figures of sets of layers: the synergy of every pair, and the accuracy while layers are given up one after the other.
import type { Annotations, Data, PlotData } from "plotly.js";
import { colourBar, DIVERGING, nameAxis, type Square, squaresTrace } from "./heatmap";
import { baseAxis, chanceName, COLOURS, type Figure, GREY, houseLayout, levelLine, levelName, valueAxis } from "./style";
import { doneText, escapeHtml, grouped, percent, signedPercent } from "../text/format";
import type { GrowthPoint, SpreadPoint } from "../results/growth";
import { type Effect, isFree, type Scale, type Synergy } from "../results/synergy";
import { largestOf } from "../statistics/extremes";

const GREYS: [number, string][] = [
  [0, "#eceff2"], // saturated
  [1, "#cbd2d9"], // masked
];

/** Options of the map of synergies. */
export interface SynergyMapOptions {
  /** By default it says what was done to the layers. */
  readonly title?: string;
  /** What the pair is compared with: the sum of both drops (default), or the product of what both leave. */
  readonly scale?: Scale;
  /** Family-wise error of the synergies that are drawn in full colour (default 0.05). */
  readonly level?: number;
}

/**
 * The synergy of every pair in percentage points: earlier layers from left to right, later ones from top to bottom, in the order
 * in which the pairs name them. Pairs that are not significant are pale, forced ones grey: their numbers would drown the rest.
 * @throws RangeError when there is no pair
 */
export function synergyMap(synergies: readonly Synergy[], options: SynergyMapOptions = {}): Figure {
  if (synergies.length === 0) throw new RangeError("Cannot draw synergies: expected at least one pair but found none");
  const { scale = "additive", level = 0.05 } = options;
  const done = doneText(synergies.map(({ operator }) => operator));
  const { title = `Synergy of pairs of layers ${done}, ${scale} scale` } = options;
  const names = [...new Set(synergies.flatMap(({ first, second }) => [first.name, second.name]))];
  const [free, forced] = [true, false].map((is) => synergies.filter((pair) => isFree(pair, scale) === is));
  const largest = 100 * Math.max(largestOf(free.map((pair) => Math.abs(pair[scale].value))), 1e-4);
  // Blue where the harm of two layers overlaps, white where it is as expected, orange where they cover for each other.
  const colours = { colorscale: DIVERGING, zmin: -largest, zmax: largest };
  const sure = (pair: Synergy) => pair[scale].adjusted < level;
  const size = { rows: names.length, columns: names.length };
  const shown = (pairs: readonly Synergy[], look: Partial<PlotData>) =>
    squaresTrace(
      pairs.map((pair) => squareOf(pair, names, scale)),
      size,
      look,
    );
  return {
    data: [
      shown(free.filter(sure), { ...colours, colorbar: colourBar("synergy (pp)") }),
      shown(
        free.filter((pair) => !sure(pair)),
        { ...colours, opacity: 0.35, showscale: false },
      ),
      shown(forced, { colorscale: GREYS, zmin: 0, zmax: 1, showscale: false }),
    ],
    layout: houseLayout(escapeHtml(title), `${grouped(synergies[0].images)} test images`, {
      height: 250 + 27 * names.length,
      margin: { l: 16, r: 24, t: 72, b: 16 },
      xaxis: nameAxis(names.slice(0, -1), { tickangle: -60, range: [0.5, names.length - 0.5] }),
      yaxis: nameAxis(names, { range: [names.length + 0.5, 1.5] }),
      annotations: [key(level, scale)],
    }),
  };
}

/** The square of a pair. */
function squareOf(pair: Synergy, names: readonly string[], scale: Scale): Square {
  const free = isFree(pair, scale);
  const { value } = pair[scale];
  return {
    row: names.indexOf(pair.second.name),
    column: names.indexOf(pair.first.name),
    value: free ? 100 * value : Number(pair.forced === "masked"),
    text: !free || names.length > 24 ? "" : signedPercent(value, 0),
    hover: hoverText(pair),
  };
}

/** What the marks mean, in the free corner. */
function key(level: number, scale: Scale): Partial<Annotations> {
  const expected = scale === "additive" ? "the sum of both drops" : "the product of what both leave";
  const lines = [
    `expected: ${expected}`,
    "orange: more harm together than that",
    "blue: less harm together than that",
    `pale: not significant (Holm, ${percent(level, 0)} %)`,
    "grey: less by necessity, no number to read",
    `(dark: one masks the other${scale === "additive" ? "; light: nothing left to lose" : ""})`,
  ];
  return {
    text: lines.join("<br>"),
    ...{ xref: "paper", x: 1, xanchor: "right", yref: "paper", y: 1, yanchor: "top" },
    ...{ align: "left", showarrow: false, font: { size: 12, color: GREY } },
  } as Partial<Annotations>;
}

function hoverText({ first, second, dropFirst, dropSecond, drop, forced, ...effects }: Synergy): string {
  const { additive, multiplicative, beyondWorse } = effects;
  return [
    `<b>${escapeHtml(first.name)}</b> drop ${percent(dropFirst)} pp`,
    `<b>${escapeHtml(second.name)}</b> drop ${percent(dropSecond)} pp`,
    `together ${percent(drop)} pp`,
    `against the sum ${effectText(additive)}`,
    `against the product ${effectText(multiplicative)}`,
    `against the worse one ${effectText(beyondWorse)}`,
    ...(forced ? [`${forced}: less than the sum by necessity`] : []),
  ].join("<br>");
}

function effectText({ value, low, high, adjusted }: Effect): string {
  const interval = low === undefined || high === undefined ? "" : ` (${percent(low)} to ${percent(high)})`;
  return `${percent(value)} pp${interval}, p ${adjusted.toPrecision(2)}`;
}

/** Options of the curves of growing sets. */
export interface GrowthFigureOptions {
  /** By default it says what was done to the layers. */
  readonly title?: string;
  /** What is counted, on the horizontal axis (by default layers, and what was done to them). */
  readonly counted?: string;
  /** The same for random orders, as a band. */
  readonly random?: readonly SpreadPoint[];
}

/**
 * Accuracy in percent against the number of layers that are changed, one line per order with its Wilson intervals, random
 * orders as a band, the intact network (where all orders start from the same) as a dashed line and chance as a dotted one.
 * @throws RangeError when there is no order or an order without points
 */
export function accuracyByCount(
  orders: Readonly<Record<string, readonly GrowthPoint[]>>,
  options: GrowthFigureOptions = {},
): Figure {
  const curves = Object.entries(orders);
  if (curves.length === 0 || curves.some(([, points]) => points.length === 0))
    throw new RangeError("Cannot draw growing sets: expected at least one point but found none");
  const done = doneText(curves.flatMap(([, points]) => points.map(({ operator }) => operator)));
  const { title = `Accuracy while layers are ${done} one after the other`, counted = `layers ${done}` } = options;
  const { random = [] } = options;
  const [{ accuracy, images, chance }] = curves[0][1];
  const intact = curves.every(([, [start]]) => start.accuracy === accuracy) ? [100 * accuracy] : [];
  return {
    data: [
      ...band(random),
      ...curves.map(([name, points], index) => curve(name, points, COLOURS[index % COLOURS.length])),
    ],
    layout: houseLayout(escapeHtml(title), `${grouped(images)} test images; bars: 95 % Wilson intervals`, {
      margin: { l: 64, r: 84, t: 88, b: 56 },
      xaxis: baseAxis(escapeHtml(counted), { dtick: 1, tick0: 0, range: [-0.3, longest(curves) - 0.7] }),
      yaxis: valueAxis("accuracy on the test set (%)", { range: [0, 100], dtick: 20, tick0: 0 }),
      shapes: [...intact.map((level) => levelLine(level, "dash")), levelLine(100 * chance, "dot")],
      annotations: [...intact.map((level) => levelName(level, `intact<br>${percent(accuracy)} %`)), chanceName(chance)],
      legend: { orientation: "h", x: 1, xanchor: "right", y: 1.1, yanchor: "bottom" },
    }),
  };
}

const longest = (curves: readonly [string, readonly GrowthPoint[]][]): number =>
  largestOf(curves.map(([, points]) => points.length));

function curve(name: string, points: readonly GrowthPoint[], colour: string): Data {
  return {
    ...{ type: "scatter", mode: "lines+markers", name: escapeHtml(name) },
    x: points.map(({ count }) => count),
    y: points.map((point) => 100 * point.accuracy),
    error_y: {
      ...{ type: "data", symmetric: false, thickness: 2, width: 0 },
      array: points.map((point) => 100 * (point.high - point.accuracy)),
      arrayminus: points.map((point) => 100 * (point.accuracy - point.low)),
    },
    line: { color: colour, width: 2 },
    marker: { color: colour, size: 8 },
    customdata: points.map(({ layer }) => (layer === undefined ? "intact" : `+ ${escapeHtml(layer)}`)),
    hovertemplate: "%{x} layers, accuracy %{y:.2f} %<br>%{customdata}<extra></extra>",
  };
}

/** The middle of the random orders, with their mean as a line. */
function band(points: readonly SpreadPoint[]): Data[] {
  if (points.length === 0) return [];
  const back = [...points].reverse();
  const { length } = points[0].accuracies;
  return [
    {
      ...{ type: "scatter", mode: "lines", fill: "toself", hoverinfo: "skip" },
      name: `middle 90 % of ${length} random orders`,
      x: [...points, ...back].map(({ count }) => count),
      y: [...points.map(({ low }) => 100 * low), ...back.map(({ high }) => 100 * high)],
      fillcolor: "rgba(107,119,133,0.18)",
      line: { width: 0 },
    },
    {
      ...{ type: "scatter", mode: "lines", name: "their mean" },
      x: points.map(({ count }) => count),
      y: points.map(({ mean }) => 100 * mean),
      line: { color: GREY, width: 2 },
      hovertemplate: "%{x} layers, random orders: mean %{y:.2f} %<extra></extra>",
    },
  ];
}
