// Figure of a training: loss, accuracy and learning rate by epoch.
import type { Annotations, Data, Layout, LayoutAxis, Legend } from "plotly.js";
import { baseAxis, COLOURS, type Figure, GREY, houseLayout, INK, valueAxis } from "./figure-style";
import { escapeHtml } from "./format";
import type { Epoch } from "./train";

/** What the figure needs of an epoch. */
export type HistoryEpoch = Pick<Epoch, "epoch" | "rate" | "trainLoss" | "trainAccuracy" | "testLoss" | "testAccuracy">;

interface Curve {
  readonly name: string;
  readonly shown: boolean; // in the legend
  readonly colour: string;
  readonly dash: "solid" | "dot";
}

const ABOVE: Partial<Legend> = { orientation: "h", x: 1, xanchor: "right", y: 1.16, yanchor: "bottom" };
const BELOW: Partial<Legend> = { orientation: "h", x: 0, xanchor: "left", y: -0.26, yanchor: "top" };
const PANELS = ["loss (cross-entropy)", "accuracy (%)", "learning rate"] as const;

/**
 * Loss, accuracy and learning rate by epoch, of one run or of several named ones.
 * @throws RangeError when there is no run or a run without epochs
 */
export function historyFigure(
  history: readonly HistoryEpoch[] | Readonly<Record<string, readonly HistoryEpoch[]>>,
  options: { readonly title?: string } = {},
): Figure {
  const runs = Array.isArray(history)
    ? { "": history as readonly HistoryEpoch[] }
    : (history as Readonly<Record<string, readonly HistoryEpoch[]>>);
  const names = Object.keys(runs);
  const several = !Array.isArray(history);
  if (names.length === 0 || names.some((name) => runs[name].length === 0))
    throw new RangeError("Cannot draw a history: expected at least one epoch but found none");
  return {
    data: names.flatMap((name, index) => runCurves(name, runs[name], index)),
    layout: houseLayout(
      escapeHtml(options.title ?? "Training history"),
      several ? "solid: test, dotted: training" : "",
      {
        height: several ? 400 : 360,
        margin: { l: 48, r: 20, t: 84, b: several ? 88 : 48 },
        ...panels(),
        legend: several ? BELOW : ABOVE,
      },
    ),
  };
}

/** Numbers that JSON and plotly know: what is not finite (a run that diverged) leaves a gap. */
function finite(values: readonly (number | undefined)[], factor = 1): (number | null)[] {
  return values.map((value) => (value !== undefined && Number.isFinite(value) ? factor * value : null));
}

/** The curves of one run. A single run tells training from test by colour, several by dots: there each run has a colour. */
function runCurves(name: string, epochs: readonly HistoryEpoch[], index: number): Data[] {
  const label = (split: string) => (name ? escapeHtml(name) : split);
  const train = {
    name: label("training"),
    shown: !name,
    colour: COLOURS[index % COLOURS.length],
    dash: name ? "dot" : "solid",
  } as const;
  const test = { name: label("test"), shown: true, colour: name ? train.colour : COLOURS[1], dash: "solid" } as const;
  const rate = {
    name: label("learning rate"),
    shown: false,
    colour: name ? train.colour : GREY,
    dash: "solid",
  } as const;
  const curve = (panel: number, style: Curve, values: (number | null)[]) =>
    curveTrace(epochs, values, { ...style, panel });
  return [
    curve(0, train, finite(epochs.map((epoch) => epoch.trainLoss))),
    curve(0, test, finite(epochs.map((epoch) => epoch.testLoss))),
    curve(
      1,
      train,
      finite(
        epochs.map((epoch) => epoch.trainAccuracy),
        100,
      ),
    ),
    curve(
      1,
      test,
      finite(
        epochs.map((epoch) => epoch.testAccuracy),
        100,
      ),
    ),
    curve(2, rate, finite(epochs.map((epoch) => epoch.rate))),
  ].flat();
}

/** One curve in one panel, or none where nothing was measured. The legend names each curve once. */
function curveTrace(
  epochs: readonly HistoryEpoch[],
  y: (number | null)[],
  style: Curve & { readonly panel: number },
): Data[] {
  if (y.every((value) => value === null)) return [];
  const { name, shown, colour, dash, panel } = style;
  const axis = panel === 0 ? "" : String(panel + 1);
  return [
    {
      type: "scatter",
      mode: y.length === 1 ? "markers" : "lines",
      name,
      legendgroup: name,
      showlegend: shown && panel === 1,
      x: epochs.map((epoch) => epoch.epoch),
      y,
      xaxis: `x${axis}` as "x",
      yaxis: `y${axis}` as "y",
      line: { color: colour, dash, width: 2 },
      hovertemplate: `epoch %{x}<br>${name}, ${PANELS[panel]} %{y:.4~g}<extra></extra>`,
    },
  ];
}

/** Three panels side by side, each with its name above it and the epochs below. */
function panels(): Partial<Layout> {
  const layout: Record<string, Partial<LayoutAxis>> = {};
  const annotations: Partial<Annotations>[] = [];
  PANELS.forEach((title, panel) => {
    const axis = panel === 0 ? "" : String(panel + 1);
    const domain = [panel * 0.353, panel * 0.353 + 0.294];
    layout[`xaxis${axis}`] = baseAxis("epoch", { domain, anchor: `y${axis}` as "y", rangemode: "tozero" });
    layout[`yaxis${axis}`] = valueAxis("", {
      anchor: `x${axis}` as "x",
      rangemode: panel === 1 ? "normal" : "tozero",
      nticks: 7,
    });
    annotations.push({
      text: title,
      xref: "paper",
      x: domain[0],
      xanchor: "left",
      yref: "paper",
      y: 1.02,
      yanchor: "bottom",
      showarrow: false,
      font: { size: 13, color: INK },
    });
  });
  return { ...layout, annotations };
}
