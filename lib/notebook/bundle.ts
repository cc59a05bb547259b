// What a cell's output holds: a figure or a table in every form that some viewer wants, and figures as files.
import { plainFigure } from "../figures/plain";
import type { Figure } from "../figures/style";
import { writeTogether } from "../files/disk";
import { type TableOptions, toHtml, toText } from "../tables/render";
import type { Table } from "../tables/table";
import { unescapeHtml } from "../text/format";
import type { Phrase } from "../text/phrase";
import { compactPng, type ImageOptions, toPng } from "./picture";

/** What a cell's output holds, by MIME type. */
export type Bundle = Readonly<Record<string, unknown>>;

/** The MIME type of plotly's JSON. */
export const FIGURE = "application/vnd.plotly.v1+json";

/** No button that sends the figure to a server, none that has no use here. */
const CONFIG = {
  displaylogo: false,
  showSendToCloud: false,
  plotlyServerURL: "",
  modeBarButtonsToRemove: ["select2d", "lasso2d"],
};

/** The bundle of a table: HTML and text. */
export function tableBundle(table: Table, options: TableOptions): Bundle {
  return { "text/html": toHtml(table, options), "text/plain": toText(table, options) };
}

/** The bundle of words: Markdown and plain text. */
export function phraseBundle({ markdown, text }: Phrase): Bundle {
  return { "text/markdown": markdown, "text/plain": text };
}

/**
 * The bundle of a figure: plotly's JSON, a PNG and a line of text.
 * @param onMissing called with the reason where no browser starts; the bundle lacks the PNG then
 * @throws TypeError when the figure holds what is no plain data
 */
export async function figureBundle(
  figure: Figure,
  options: ImageOptions,
  onMissing: (reason: Error) => void,
): Promise<Bundle> {
  const { data, layout } = plainFigure(figure);
  const config = {
    ...CONFIG,
    responsive: layout.width === undefined,
    displayModeBar: layout.width === undefined ? "hover" : false,
  };
  const bundle = { [FIGURE]: { data, layout, config }, "text/plain": titleOf(figure) };
  const png = await toPng(figure, options).catch((error: Error) => {
    if (!error.message.startsWith("Cannot start the browser")) throw error;
    onMissing(error);
  });
  return png ? { ...bundle, "image/png": Buffer.from(compactPng(png)).toString("base64") } : bundle;
}

/** The bundle of a figure that is about to change: plotly's JSON and a line of text, there at once. @throws TypeError as `figureBundle` */
export function draftBundle(figure: Figure): Bundle {
  const { data, layout } = plainFigure(figure);
  return { [FIGURE]: { data, layout }, "text/plain": titleOf(figure) };
}

/** The same as a picture. @throws Error where no browser starts */
export async function pictureBundle(figure: Figure, options: ImageOptions): Promise<Bundle> {
  return { "image/png": Buffer.from(await toPng(figure, options)).toString("base64"), "text/plain": titleOf(figure) };
}

/** The title of a figure as a line of plain text. */
function titleOf({ layout }: Figure): string {
  const title = typeof layout.title === "object" ? (layout.title.text ?? "") : "";
  return `[figure] ${unescapeHtml(title.split("<br>")[0].replace(/<[^>]*>/g, ""))}`;
}

/**
 * Writes a figure to `<dir>/<save>.json` and, where there is one, its PNG.
 * @throws RangeError when `save` is not a plain file name; Error when the files cannot be written
 */
export async function saveFigure(
  figure: Figure,
  png: string | undefined,
  { save, dir = "figures" }: { save: string; dir?: string },
): Promise<void> {
  if (!/^\w[\w.-]{0,99}$/.test(save))
    throw new RangeError(`Cannot save the figure as "${save}": expected a name of letters, digits, ".", "_" and "-"`);
  const files = new Map([[`${save}.json`, new TextEncoder().encode(`${JSON.stringify(plainFigure(figure))}\n`)]]);
  if (png) files.set(`${save}.png`, Buffer.from(png, "base64"));
  await writeTogether(dir, files);
}
