// What a cell's output holds: a figure or a table in every form that some viewer wants, and figures as files.
import { plainFigure } from "../figures/plain";
import type { Figure } from "../figures/style";
import { figureWords } from "../figures/words";
import { writeTogether } from "../files/disk";
import { type TableOptions, toHtml, toText } from "../tables/render";
import type { Table } from "../tables/table";
import type { Phrase } from "../text/phrase";
import { compactPng, IMAGE_FORMATS, type ImageFormat, type ImageOptions, toImage, toPng } from "./picture";

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
 * The bundle of a figure: plotly's JSON, a PNG and its words.
 * @param onMissing called with the reason where no browser starts; the bundle lacks the PNG then
 * @throws TypeError when the figure holds what is no plain data
 */
export async function figureBundle(
  figure: Figure,
  options: ImageOptions,
  onMissing: (reason: Error) => void,
): Promise<Bundle> {
  const bundle = draftBundle(figure);
  const png = await toPng(figure, options).catch((error: Error) => {
    if (!error.message.startsWith("Cannot start the browser")) throw error;
    onMissing(error);
  });
  return png ? { ...bundle, "image/png": Buffer.from(compactPng(png)).toString("base64") } : bundle;
}

/** The bundle of a figure that is about to change: plotly's JSON and its words, there at once. @throws TypeError as `figureBundle` */
export function draftBundle(figure: Figure): Bundle {
  const plain = plainFigure(figure);
  const { data, layout } = plain;
  const fluid = layout.width === undefined;
  const config = { ...CONFIG, responsive: fluid, displayModeBar: fluid ? "hover" : false };
  return { [FIGURE]: { data, layout, config }, "text/plain": textOf(plain) };
}

/** The same as a picture. @throws Error where no browser starts */
export async function pictureBundle(figure: Figure, options: ImageOptions): Promise<Bundle> {
  return {
    "image/png": Buffer.from(await toPng(figure, options)).toString("base64"),
    "text/plain": textOf(plainFigure(figure)),
  };
}

/** What a plain figure says without being seen; its first line is its title. */
const textOf = (plain: Figure): string => `[figure] ${figureWords(plain)}`;

/** Where and as what a figure is saved. */
export interface SaveOptions {
  readonly save: string;
  readonly dir?: string;
  /** Kinds of pictures beside its JSON (default: a PNG). */
  readonly formats?: readonly ImageFormat[];
}

/**
 * Writes a figure to `<dir>/<save>.json` and to pictures beside it. The PNG is the bundle's, and left out where that has none.
 * @throws RangeError when `save` is not a plain file name or a format is unknown; Error when a picture cannot be drawn or the files cannot
 * be written
 */
export async function saveFigure(
  figure: Figure,
  bundle: Bundle,
  { save, dir = "figures", formats = ["png"], ...size }: SaveOptions & ImageOptions,
): Promise<void> {
  if (!/^\w[\w.-]{0,99}$/.test(save))
    throw new RangeError(`Cannot save the figure as "${save}": expected a name of letters, digits, ".", "_" and "-"`);
  const unknown = formats.find((format) => !IMAGE_FORMATS.includes(format));
  if (unknown !== undefined)
    throw new RangeError(`Cannot save the figure as "${unknown}": expected ${IMAGE_FORMATS.join(", ")}`);
  const files = new Map([[`${save}.json`, new TextEncoder().encode(`${JSON.stringify(plainFigure(figure))}\n`)]]);
  const png = bundle["image/png"];
  for (const format of formats)
    if (format !== "png") files.set(`${save}.${format}`, await toImage(figure, format, size));
    else if (png !== undefined) files.set(`${save}.png`, Buffer.from(png as string, "base64"));
  await writeTogether(dir, files);
}
