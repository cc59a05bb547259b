// The figure of all networks: every layer of each as a dot at what its loss costs.
import type { Annotations, Data, Layout } from "plotly.js";
import { MARGINS } from "../results/verdict";
import type { SweptNetwork } from "../runs/family";
import { escapeHtml, grouped, pp } from "../text/format";
import { choiceMenu } from "./choices";
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
 * last on the right, at its drop in percentage points. Layers that change the number of channels are told apart. A line stands at the
 * margin, and above each network how many of its layers cost no more; buttons move it to the other margins.
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
  const choices = [...new Set([margin, ...MARGINS])].map((threshold) => ({
    label: pointsText(threshold),
    layout: lineAt(threshold, members),
  }));
  const headed = houseLayout(escapeHtml(title), subtitleOf(images), {
    height: 528,
    margin: { l: 64, r: 84, t: 112, b: 90 },
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
    legend: { orientation: "h", x: 1, xanchor: "right", y: 1.07, yanchor: "bottom", font: { size: 12.5 } },
    ...choiceMenu(choices, 112),
  });
  return { data: kinds.map((kind) => traceOf(members, kind)), layout: { ...headed, ...lineAt(margin, members) } };
}

const subtitleOf = (images: number): string =>
  `one dot per layer, first to last; ${grouped(images)} images; above: how many cost no more`;

/** The line at a threshold, and above each network how many of its layers cost no more. */
function lineAt(threshold: number, members: readonly SweptNetwork[]): Pick<Partial<Layout>, "shapes" | "annotations"> {
  const place = placeOfDrop(100 * threshold);
  const counts = members.map(({ rows }, x): Partial<Annotations> => ({
    text: `${rows.filter(({ drop }) => drop <= threshold).length} of ${rows.length}`,
    ...{ x, yref: "paper", y: 1.01, yanchor: "bottom", showarrow: false, font: { size: 11, color: GREY } },
  }));
  return { shapes: [levelLine(place, "dash")], annotations: [levelName(place, pointsText(threshold)), ...counts] };
}

/** "0.5 pp", with no more digits than it has. */
const pointsText = (drop: number): string => `${Number((100 * drop).toPrecision(3))} pp`;

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
