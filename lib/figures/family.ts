// The figure of all networks: every layer of each as a dot at what its loss costs.
import type { Data } from "plotly.js";
import type { SweptNetwork } from "../runs/family";
import { escapeHtml, grouped, percent, pp } from "../text/format";
import { placeOfDrop } from "./drop-axis";
import { baseAxis, COLOURS, type Figure, firstRow, GREY, houseLayout, levelLine, levelName, valueAxis } from "./style";

const TICKS = [-1, 0, 0.5, 1, 2, 5, 10, 20, 50, 80];
const SPREAD = 0.7; // of a network's column, from its first layer to its last

/** How a network is called below its column, in several lines. */
export interface FamilyFigureOptions<M> {
  readonly title?: string;
  readonly margin?: number;
  readonly nameOf?: (member: M) => string;
}

/**
 * What the loss of each layer costs in many networks: a column per network, in it a dot per layer, from the first layer on the left to the
 * last on the right, at its drop in percentage points. Layers that change the number of channels are told apart.
 * @throws RangeError when there is no network
 */
export function dropsByNetwork<M extends SweptNetwork>(
  members: readonly M[],
  { title = "What the loss of one layer costs", margin = 0.005, nameOf = ({ run }) => run }: FamilyFigureOptions<M> = {},
): Figure {
  const { images } = firstRow(members, "networks").rows[0];
  const kinds = [
    { name: "keeps the number of channels", changes: false, colour: COLOURS[0], symbol: "circle" },
    { name: "changes it", changes: true, colour: COLOURS[1], symbol: "diamond" },
  ];
  const counts = members.map(({ rows }) => `${rows.filter(({ drop }) => drop <= 0.01).length} of ${rows.length}`);
  return {
    data: kinds.map((kind) => traceOf(members, kind)),
    layout: houseLayout(
      escapeHtml(title),
      `one dot per layer, first to last from left to right; ${grouped(images)} images; above: layers that cost at most 1 pp`,
      {
        height: 520,
        margin: { l: 64, r: 84, t: 104, b: 90 },
        xaxis: baseAxis("", {
          range: [-0.5, members.length - 0.5],
          tickvals: members.map((_, index) => index),
          ticktext: members.map((member) => escapeHtml(nameOf(member)).replaceAll("\n", "<br>")),
          tickangle: 0,
          tickfont: { size: 11 },
        }),
        yaxis: valueAxis("drop in accuracy, pp", {
          range: [placeOfDrop(-1), placeOfDrop(100)],
          tickvals: TICKS.map(placeOfDrop),
          ticktext: TICKS.map((tick) => String(tick).replace("-", "−")),
        }),
        shapes: [levelLine(placeOfDrop(100 * margin), "dash")],
        annotations: [
          levelName(placeOfDrop(100 * margin), `margin<br>${percent(margin, 1)} pp`),
          ...counts.map((text, index) => ({
            ...{ text, x: index, yref: "paper" as const, y: 1.01, yanchor: "bottom" as const },
            ...{ showarrow: false, font: { size: 11, color: GREY } },
          })),
        ],
        legend: { orientation: "h", x: 1, xanchor: "right", y: 1.07, yanchor: "bottom", font: { size: 12.5 } },
      },
    ),
  };
}

interface Kind {
  readonly name: string;
  readonly changes: boolean;
  readonly colour: string;
  readonly symbol: string;
}

function traceOf(members: readonly SweptNetwork[], { name, changes, colour, symbol }: Kind): Data {
  const dots = members.flatMap(({ run, rows }, column) =>
    rows.flatMap(({ layer, drop, changesChannels }, index) => {
      if (changesChannels !== changes) return [];
      const x = column + SPREAD * (rows.length === 1 ? 0 : index / (rows.length - 1) - 0.5);
      return [{ x, y: placeOfDrop(100 * drop), text: `${escapeHtml(run)}<br>${escapeHtml(layer)}: ${pp(drop)}` }];
    }),
  );
  return {
    type: "scatter",
    mode: "markers",
    name,
    x: dots.map(({ x }) => Number(x.toFixed(4))),
    y: dots.map(({ y }) => Number(y.toFixed(4))),
    text: dots.map(({ text }) => text),
    hovertemplate: "%{text}<extra></extra>",
    marker: { color: colour, symbol, size: changes ? 8 : 5.5, opacity: 0.85 },
  };
}
