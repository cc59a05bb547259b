// Figure of a graded operator: what growing doses of it cost each layer.
import type { Annotations, Data, Layout, LayoutAxis } from "plotly.js";
import { widestInterval } from "../results/agreement";
import { hoverText, type OperatorRow } from "./operators";
import { baseAxis, COLOURS, type Figure, GREY, firstRow, houseLayout, panelName, valueAxis } from "./style";
import { escapeHtml, grouped, percent } from "../text/format";
import type { Row } from "../results/rows";
import { largestOf } from "../statistics/extremes";

/** What one dose of an operator does to the layers. */
export interface Dose {
  /** A fraction from 0 (nothing is done) to 1. */
  readonly dose: number;
  readonly rows: readonly OperatorRow[];
}

/**
 * The drop of each layer against the dose, a panel for each stage (the stem stands in the first), a colour for each block, dots for
 * a block's first convolution. All lines begin at the intact network; a ring says that the dose changed nothing.
 * @throws RangeError when there is no dose or one without rows
 */
export function dropByDose(
  doses: readonly Dose[],
  options: { readonly title?: string; readonly dosed?: string } = {},
): Figure {
  if (doses.length === 0) throw new RangeError("Cannot draw doses: expected at least one but found none");
  const layers = doses[0].rows;
  firstRow(layers, "doses");
  const stages = [...new Set(layers.map(panelOf))];
  const rows = doses.flatMap((dose) => dose.rows);
  const { title = titleOf(rows), dosed = "dose (%)" } = options;
  const subtitle = `${grouped(rows[0].images)} test images; 95 % intervals of the drops: at most ± ${percent(widestInterval(rows), 1)} pp`;
  const named = new Set<string>();
  const lines = layers.map((layer) => {
    const style = lineStyle(layer, layers);
    const first = !named.has(style.name);
    named.add(style.name);
    return doseLine(layer.layer, doses, { ...style, panel: stages.indexOf(panelOf(layer)), first });
  });
  return {
    data: lines,
    layout: houseLayout(escapeHtml(title), subtitle, {
      height: 420,
      margin: { l: 56, r: 20, t: 92, b: 96 },
      ...panels(stages, { dosed, top: 100 * largestOf(rows.map(({ drop }) => drop)) }),
      legend: { orientation: "h", x: 0, xanchor: "left", y: -0.24, yanchor: "top" },
    }),
  };
}

/** "Drop in accuracy by dose of noise", where all doses are of one operator that takes a number. */
function titleOf(rows: readonly Row[]): string {
  const [kind, ...others] = new Set(rows.map(({ operator }) => operator.split(":")[0]));
  return others.length > 0 ? "Drop in accuracy by dose" : `Drop in accuracy by dose of ${kind}`;
}

const panelOf = ({ stage }: Row): number => Math.max(1, stage);

interface LineStyle {
  readonly name: string;
  readonly colour: string;
  readonly dash: "solid" | "dot" | "dash";
}

/** The stem grey, each block in a colour of its own, solid where it ends. */
function lineStyle({ layer, stage, block }: OperatorRow, layers: readonly OperatorRow[]): LineStyle {
  if (stage === 0) return { name: layer, colour: GREY, dash: "dash" };
  const inBlock = layers.filter((other) => other.stage === stage && other.block === block);
  const last = inBlock[inBlock.length - 1].layer === layer;
  return {
    name: layer.replace(/^stage\d+\./, ""),
    colour: COLOURS[(block - 1) % COLOURS.length],
    dash: last ? "solid" : "dot",
  };
}

function doseLine(
  layer: string,
  doses: readonly Dose[],
  { name, colour, dash, panel, first }: LineStyle & { panel: number; first: boolean },
): Data {
  const points = doses.flatMap(({ dose, rows }) =>
    rows.filter((row) => row.layer === layer).map((row) => ({ dose, row })),
  );
  const axis = panel === 0 ? "" : String(panel + 1);
  return {
    ...{ type: "scatter", mode: "lines+markers", name: escapeHtml(name) },
    ...{ legendgroup: escapeHtml(name), showlegend: first },
    x: [0, ...points.map(({ dose }) => 100 * dose)],
    y: [0, ...points.map(({ row }) => 100 * row.drop)],
    xaxis: `x${axis}` as "x",
    yaxis: `y${axis}` as "y",
    line: { color: colour, dash, width: 2 },
    marker: {
      color: colour,
      size: 7,
      symbol: ["circle", ...points.map(({ row }) => (row.unchanged ? "circle-open" : "circle"))],
    },
    cliponaxis: false,
    customdata: ["intact", ...points.map(({ row }) => hoverText(row))],
    hovertemplate: "%{x} %<br>%{customdata}<extra></extra>",
  };
}

/** A panel for each stage side by side, all with the same scale. */
function panels(
  stages: readonly number[],
  { dosed, top }: { dosed: string; top: number },
): Partial<Layout> {
  const width = 1 / stages.length;
  const layout: Record<string, Partial<LayoutAxis>> = {};
  const annotations: Partial<Annotations>[] = [];
  stages.forEach((stage, panel) => {
    const axis = panel === 0 ? "" : String(panel + 1);
    const domain = [panel * width, (panel + 1) * width - (panel < stages.length - 1 ? 0.05 : 0)];
    layout[`xaxis${axis}`] = baseAxis(escapeHtml(dosed), {
      domain,
      anchor: `y${axis}` as "y",
      range: [-3, 103],
      dtick: 25,
      tick0: 0,
    });
    layout[`yaxis${axis}`] = valueAxis(panel === 0 ? "drop (percentage points)" : "", {
      anchor: `x${axis}` as "x",
      range: [-3, 1.05 * top],
      zeroline: true,
    });
    annotations.push(panelName(`stage ${stage}`, domain[0]));
  });
  return { ...layout, annotations };
}
