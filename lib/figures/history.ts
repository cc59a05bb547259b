// Figure of a training: loss, accuracy and learning rate by epoch.
import type { Annotations, Data, Layout, LayoutAxis, Legend } from "plotly.js";
import { escapeHtml } from "../text/format";
import type { Epoch } from "../training/history";
import { baseAxis, COLOURS, type Figure, GREY, houseLayout, panelName, valueAxis } from "./style";

/** What the figure needs of an epoch. */
export type HistoryEpoch = Pick<
  Epoch,
  "epoch" | "rate" | "trainLoss" | "trainAccuracy" | "testLoss" | "testAccuracy" | "heldOutLoss" | "heldOutAccuracy"
>;

/** A point within an epoch: `epoch` counts parts of epochs, too. */
export type StepPoint = Pick<Epoch, "epoch" | "rate" | "trainLoss" | "trainAccuracy">;

interface Curve {
  readonly name: string;
  readonly shown: boolean; // in the legend
  readonly colour: string;
  readonly dash: "solid" | "dot";
  readonly width?: number;
  readonly opacity?: number;
}

const ABOVE: Partial<Legend> = { orientation: "h", x: 1, xanchor: "right", y: 1.16, yanchor: "bottom" };
const BELOW: Partial<Legend> = { orientation: "h", x: 0, xanchor: "left", y: -0.26, yanchor: "top" };
const PANELS = ["loss (cross-entropy)", "accuracy (%)", "learning rate"] as const;

/**
 * Loss, accuracy and learning rate by epoch, of one run or of several named ones; test images, or the held-out ones where those were
 * watched.
 * @param options.steps of a single run, also what happened within epochs, as thin lines
 * @throws RangeError when there is no run, or a run without epochs and steps
 */
export function historyFigure(
  history: readonly HistoryEpoch[] | Readonly<Record<string, readonly HistoryEpoch[]>>,
  options: { readonly title?: string; readonly steps?: readonly StepPoint[] } = {},
): Figure {
  const { title = "Training history", steps = [] } = options;
  const runs = Array.isArray(history)
    ? { "": history as readonly HistoryEpoch[] }
    : (history as Readonly<Record<string, readonly HistoryEpoch[]>>);
  const names = Object.keys(runs);
  const several = !Array.isArray(history);
  if (names.length === 0 || (names.some((name) => runs[name].length === 0) && steps.length === 0))
    throw new RangeError("Cannot draw a history: expected at least one epoch but found none");
  return {
    data: [...stepCurves(steps), ...names.flatMap((name, index) => runCurves(name, runs[name], index))],
    layout: houseLayout(
      escapeHtml(title),
      several ? `solid: ${watchedName(Object.values(runs).flat())}, dotted: training` : "",
      {
        height: several ? 400 : 360,
        margin: { l: 48, r: 20, t: 84, b: several ? 88 : 48 },
        ...panels(),
        legend: several ? BELOW : ABOVE,
      },
    ),
  };
}

/** What was watched beside the training images. */
function watchedName(epochs: readonly HistoryEpoch[]): string {
  const heldOut = epochs.some((epoch) => epoch.heldOutLoss !== undefined);
  const test = epochs.some((epoch) => epoch.testLoss !== undefined);
  return heldOut ? (test ? "test or held-out" : "held-out") : "test";
}

/** What happened within epochs, in all three panels. */
function stepCurves(steps: readonly StepPoint[]): Data[] {
  const style = { name: "training", shown: false, colour: COLOURS[0], dash: "solid", width: 1, opacity: 0.45 } as const;
  const curve = (panel: number, valueOf: (point: StepPoint) => number, own: Partial<Curve> = {}) =>
    curveTrace(steps, valueOf, { ...style, ...own, panel });
  return [
    curve(0, (point) => point.trainLoss),
    curve(1, (point) => 100 * point.trainAccuracy),
    curve(2, (point) => point.rate, { name: "learning rate", colour: GREY }),
  ].flat();
}

/** The curves of one run. A single run tells training from test by colour, several by dots: there each run has a colour. */
function runCurves(name: string, epochs: readonly HistoryEpoch[], index: number): Data[] {
  const label = (split: string) => (name ? escapeHtml(name) : split);
  const own = COLOURS[index % COLOURS.length];
  const train: Curve = { name: label("training"), shown: !name, colour: own, dash: name ? "dot" : "solid" };
  const test: Curve = { name: label(watchedName(epochs)), shown: true, colour: name ? own : COLOURS[1], dash: "solid" };
  const rate: Curve = { name: label("learning rate"), shown: false, colour: name ? own : GREY, dash: "solid" };
  const curve = (panel: number, style: Curve, valueOf: (epoch: HistoryEpoch) => number | undefined) =>
    curveTrace(epochs, valueOf, { ...style, panel });
  return [
    curve(0, train, (epoch) => epoch.trainLoss),
    curve(0, test, (epoch) => epoch.heldOutLoss ?? epoch.testLoss),
    curve(1, train, (epoch) => 100 * epoch.trainAccuracy),
    curve(1, test, (epoch) => 100 * (epoch.heldOutAccuracy ?? epoch.testAccuracy ?? NaN)),
    curve(2, rate, (epoch) => epoch.rate),
  ].flat();
}

/**
 * One curve in one panel, or none where nothing was measured. Numbers that JSON and plotly do not know (of a run that diverged) leave a
 * gap. The legend names each curve once.
 */
function curveTrace<E extends StepPoint>(
  epochs: readonly E[],
  valueOf: (epoch: E) => number | undefined,
  style: Curve & { readonly panel: number },
): Data[] {
  const y = epochs.map(valueOf).map((value) => (Number.isFinite(value) ? value! : null));
  if (y.every((value) => value === null)) return [];
  const { name, shown, colour, dash, panel, width = 2, opacity = 1 } = style;
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
      line: { color: colour, dash, width },
      opacity,
      hovertemplate: `epoch %{x:.4~g}<br>${name}, ${PANELS[panel]} %{y:.4~g}<extra></extra>`,
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
    annotations.push(panelName(title, domain[0]));
  });
  return { ...layout, annotations };
}
