// Figure of many trainings: a panel per network, number of images and length, accuracy by epoch, every run named beside its curve's colour.
import type { Annotations, Data, Layout, LayoutAxis } from "plotly.js";
import type { Member } from "../runs/collection";
import { FAST } from "../training/recipe";
import { baseAxis, COLOURS, type Figure, houseLayout, INK, valueAxis } from "./style";
import { escapeHtml, grouped, percent } from "../text/format";
import { largestOf, smallestOf } from "../statistics/extremes";

const COLUMNS = 3;
const ROW = 190; // pixels
const GAP = { across: 0.045, down: 70 }; // between panels: a share of the width, pixels
const LINE = 15; // pixels between two names
const ALL = 45_000; // training images of CIFAR-10, also where 5,000 are held out

/** Test accuracy of an epoch, or held-out accuracy where the test images were not looked at; a gap where neither was. */
function curveOf({ history }: Member, digits = 3): (number | null)[] {
  return history.map(({ testAccuracy, heldOutAccuracy }) => {
    const accuracy = heldOutAccuracy ?? testAccuracy;
    return accuracy === undefined ? null : Number((100 * accuracy).toFixed(digits)); // no 69.19999999999999 in the notebook's file
  });
}

/**
 * The accuracy by epoch of many runs as small multiples: one panel per network, number of training images and of epochs, all with the
 * same axes, the range of the other panels' runs in grey behind. Each run is named in its panel, in its colour, with its final test accuracy.
 * @throws RangeError when there is no run
 */
export function collectionFigure(members: readonly Member[], options: { readonly title?: string } = {}): Figure {
  if (members.length === 0) throw new RangeError("Cannot draw a collection: expected at least one run but found none");
  const titles = [...new Set(members.map(panelTitle))];
  const rows = Math.ceil(titles.length / COLUMNS);
  const height = rows * ROW + (rows - 1) * GAP.down;
  const panels = titles.map((title, index) => panelOf(members, title, index, { rows, height }));
  const watched = members.some(({ heldOut }) => heldOut)
    ? "; curves of runs with held-out images: accuracy on those"
    : "";
  const subtitle = `grey: the range of all the others; percent: test accuracy after the last epoch${watched}`;
  return {
    data: panels.flatMap(({ data }) => data),
    layout: houseLayout(escapeHtml(options.title ?? "Test accuracy (%) by epoch"), subtitle, {
      height: height + 144,
      margin: { l: 44, r: 20, t: 88, b: 56 },
      showlegend: false,
      ...Object.fromEntries(panels.flatMap(({ axes }) => Object.entries(axes))),
      annotations: panels.flatMap(({ annotations }) => annotations),
    }),
  };
}

interface Grid {
  readonly rows: number;
  readonly height: number;
}

/** One panel: its curves on top of everybody's, and their names. */
function panelOf(members: readonly Member[], title: string, index: number, { rows, height }: Grid) {
  const suffix = index === 0 ? "" : String(index + 1);
  const own = members.filter((member) => panelTitle(member) === title);
  const others = members.filter((member) => panelTitle(member) !== title);
  const width = (1 - (COLUMNS - 1) * GAP.across) / COLUMNS;
  const left = (index % COLUMNS) * (width + GAP.across);
  const top = 1 - (Math.floor(index / COLUMNS) * (ROW + GAP.down)) / height;
  const bottom = Math.max(0, top - ROW / height);
  const colour = (place: number) => COLOURS[place % COLOURS.length];
  const axes: Partial<Layout> & Record<string, Partial<LayoutAxis>> = {
    [`xaxis${suffix}`]: baseAxis(index >= (rows - 1) * COLUMNS ? "epoch" : "", {
      domain: [left, left + width],
      anchor: `y${suffix}` as "y",
      range: [0, largestOf(members.map(({ history }) => history.length)) + 0.5],
    }),
    [`yaxis${suffix}`]: valueAxis("", {
      domain: [bottom, top],
      anchor: `x${suffix}` as "x",
      range: rangeOf(members),
      nticks: 6,
      showticklabels: index % COLUMNS === 0,
    }),
  };
  const traces: Data[] = [
    background(others, suffix),
    ...own.map((member, place) => curve(member, suffix, { color: colour(place), width: 2 })),
  ];
  const names = own.map((member, place) =>
    note(
      memberName(member),
      { x: left + width, xanchor: "right", y: bottom, yanchor: "bottom" },
      {
        yshift: 4 + LINE * (own.length - 1 - place),
        font: { size: 11.5, color: colour(place) },
        bgcolor: "rgba(255,255,255,0.75)",
        borderpad: 0,
      },
    ),
  );
  const head = note(
    title,
    { x: left, xanchor: "left", y: top, yanchor: "bottom" },
    { font: { size: 12.5, color: INK } },
  );
  return { data: traces, axes, annotations: [head, ...names] };
}

/** What stands above a panel, and tells one from another: a network's size, or in its place (panels are narrow) what was unusual about its training. */
function panelTitle({ network, parameters, data, images, epochs, weightDecay }: Member): string {
  const unusual = [
    images < ALL ? `, ${grouped(images)} images` : "",
    Number.isNaN(weightDecay) || weightDecay === FAST.weightDecay ? "" : `, weight decay ${weightDecay}`,
  ].join("");
  const where = data === "cifar10" ? "" : ` on ${escapeHtml(data)}`;
  return `<b>${escapeHtml(network)}</b>${where}${unusual || `, ${grouped(parameters)} parameters`}, ${epochs} epochs`;
}

/** From what all curves have reached after a third of their epochs, with room for the names below them, to the top. */
function rangeOf(members: readonly Member[]): [number, number] {
  const values = members.flatMap((member) => curveOf(member).slice(Math.floor(member.history.length / 3)));
  const shown = values.filter((value): value is number => value !== null);
  if (shown.length === 0) return [0, 100];
  return [
    Math.max(0, 10 * Math.floor(smallestOf(shown) / 10) - 10),
    Math.min(100, 5 * Math.ceil((largestOf(shown) + 1) / 5)),
  ];
}

/** "seed 1, float32: 90.83 %", with what else sets the run apart. */
function memberName({ seed, precision, heldOut, accuracy }: Member): string {
  const kept = heldOut ? `${grouped(heldOut)} held out, ` : "";
  return escapeHtml(`${kept}seed ${seed}, ${precision}: ${percent(accuracy)} %`);
}

function note(text: string, place: Partial<Annotations>, own: Partial<Annotations>): Partial<Annotations> {
  return { text, xref: "paper", yref: "paper", showarrow: false, align: "left", ...place, ...own };
}

/** Between the least and the greatest of some runs at every epoch: an area, as every panel holds it and a notebook's file has to stay small. */
function background(members: readonly Member[], suffix: string): Data {
  const curves = members.map((member) => curveOf(member, 1));
  const longest = largestOf([0, ...members.map(({ history }) => history.length)]);
  const at = (index: number) => curves.flatMap((values) => values[index] ?? []);
  const epochs = Array.from({ length: longest }, (_, index) => index).filter((index) => at(index).length > 0);
  return {
    ...{ type: "scatter", mode: "lines", hoverinfo: "skip", fill: "toself", fillcolor: "#e3e7eb" },
    x: [...epochs, ...[...epochs].reverse()].map((index) => index + 1),
    y: [...epochs.map((index) => largestOf(at(index))), ...[...epochs].reverse().map((index) => smallestOf(at(index)))],
    ...{ xaxis: `x${suffix}` as "x", yaxis: `y${suffix}` as "y", line: { width: 0 } },
  };
}

function curve(member: Member, suffix: string, line: { readonly color: string; readonly width: number }): Data {
  return {
    type: "scatter",
    mode: member.history.length === 1 ? "markers" : "lines",
    name: escapeHtml(member.run),
    x: member.history.map(({ epoch }) => epoch),
    y: curveOf(member),
    xaxis: `x${suffix}` as "x",
    yaxis: `y${suffix}` as "y",
    line: { ...line },
    hovertemplate: `${escapeHtml(member.run)}<br>epoch %{x}: %{y:.2f} %<extra></extra>`,
  };
}
