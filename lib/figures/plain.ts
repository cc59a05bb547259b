// Figures as plain JSON: what plotly.js, notebooks, pages and files all read alike.
import { typeText } from "../text/format";
import type { Figure } from "./style";

/**
 * A figure in which typed arrays are lists of numbers, NaN and the infinities null, where plotly leaves a gap, and dates text. In JSON
 * a typed array would become an object, of which plotly draws nothing and says nothing.
 * @throws TypeError naming the place of what JSON does not keep: big integers, maps, columns of data frames, functions
 */
export function plainFigure({ data, layout }: Figure): Figure {
  return {
    data: plain(data, () => "data") as Figure["data"],
    layout: plain(layout, () => "layout") as Figure["layout"],
  };
}

function plain(value: unknown, place: () => string): unknown {
  if (typeof value === "number") return Number.isFinite(value) ? value : null;
  if (typeof value === "string" || typeof value === "boolean" || value === null || value === undefined) return value;
  if (value instanceof Date) return value.toJSON();
  if (Array.isArray(value)) return value.map((inner, index) => plain(inner ?? null, () => `${place()}[${index}]`));
  if (isNumbers(value)) return Array.from(value, (number) => plain(number, place));
  if (isRecord(value)) {
    const present = Object.entries(value).filter(([, inner]) => inner !== undefined);
    return Object.fromEntries(present.map(([name, inner]) => [name, plain(inner, () => `${place()}.${name}`)]));
  }
  throw new TypeError(
    `Cannot show the figure: its ${place()} is ${typeText(value)}, expected numbers, text, and lists or objects of them`,
  );
}

/** Whether something is a typed array of numbers; big integers are none. */
function isNumbers(value: unknown): value is ArrayLike<number> {
  return ArrayBuffer.isView(value) && !/^(Big|DataView)/.test(value.constructor.name);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
