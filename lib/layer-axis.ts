// The axis of a network's layers: every name written out, stages as bands with their name.
import type { Annotations, LayoutAxis, Shape } from "plotly.js";
import { BAND, baseAxis, GREY } from "./figure-style";
import { escapeHtml } from "./format";

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
