// Choices within a figure: plotly's own buttons, which work wherever the figure does, without a kernel. Pictures show the first choice.
import type { Data, Layout, UpdateMenu } from "plotly.js";
import { type Figure, GREY } from "./style";

/** One choice: the word on its button, and what it changes in the layout, by plotly's paths ("yaxis.range"). */
export interface Choice {
  readonly label: string;
  readonly layout: Readonly<Record<string, unknown>>;
  /** Which traces are seen; all where it is left out. */
  readonly visible?: readonly boolean[];
}

/** Longer lists cannot be reached on a phone (plotly.js issue 6127). */
const MOST = 10;

/** Pixels from the upper edge of a figure down to a menu's end. */
const HIGH = 58;

/**
 * A row of buttons, or a list that opens where they are more than three, in the upper right corner, beside the title. The first choice is
 * the figure's own state.
 * @param top the figure's margin above what is drawn, in pixels
 * @throws RangeError for fewer than two or more than ten choices
 */
export function choiceMenu(choices: readonly Choice[], top: number): Partial<Layout> {
  if (choices.length < 2 || choices.length > MOST)
    throw new RangeError(`Cannot offer ${choices.length} choices in a figure: expected 2 to ${MOST}`);
  const menu: Partial<UpdateMenu> = {
    type: choices.length > 3 ? "dropdown" : "buttons",
    direction: choices.length > 3 ? "down" : "right",
    active: 0,
    buttons: choices.map(({ label, layout, visible }) => ({
      label,
      method: "update",
      args: [visible ? { visible } : {}, layout],
    })),
    ...{ x: 1, xanchor: "right", y: 1, yanchor: "bottom" },
    pad: { b: top - HIGH, t: 0, l: 0, r: 0 },
    font: { size: 12 },
    bordercolor: GREY,
  };
  return { updatemenus: [menu] };
}

/**
 * One figure in place of several of the same axes, with a list to choose from; it begins with the first.
 * @throws RangeError as `choiceMenu`
 */
export function switchable(figures: Readonly<Record<string, Figure>>): Figure {
  const parts = Object.entries(figures);
  const choices = parts.map(([label, { layout }], own) => ({
    label,
    layout: { title: layout.title, shapes: layout.shapes ?? [], annotations: layout.annotations ?? [] },
    visible: parts.flatMap(([, { data }], index) => data.map(() => index === own)),
  }));
  const own = parts[0]?.[1].layout;
  const margin = { ...own?.margin, t: (own?.margin?.t ?? 80) + 36 }; // the legend gives way
  const data = parts.flatMap(([, figure], index) => figure.data.map((trace) => ({ ...trace, visible: index === 0 }) as Data));
  return { data, layout: { ...own, height: (own?.height ?? 440) + 36, margin, ...choiceMenu(choices, margin.t) } };
}

/** A figure as it is before anything is chosen, for pictures, in which no button works. */
export function withoutChoices({ data, layout }: Figure): Figure {
  return { data, layout: { ...layout, updatemenus: undefined } };
}
