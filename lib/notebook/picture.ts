// Pictures of a figure, drawn by plotly.js in the browser: PNG, the same bytes for the same figure; SVG and PDF for papers.
import { readFileSync } from "node:fs";
import { PNG } from "pngjs";
import type { Browser, Page } from "puppeteer-core";
import { unpackBrowser, withBrowser } from "./browser";
import type { Figure } from "../figures/style";
import { withoutChoices } from "../figures/choices";
import { plainFigure } from "../figures/plain";

/** Size of a picture in CSS pixels; `scale` is pixels of the picture per CSS pixel. */
export interface ImageOptions {
  readonly width?: number;
  readonly height?: number;
  readonly scale?: number;
}

const LARGEST = 10_000; // pixels a side
const DRAW = `window.draw = async ({ data, layout }, width, height) => {
  await Promise.all(["13px", "bold 13px"].map((font) => document.fonts.load(font + " 'Open Sans'")));
  const place = document.getElementById("figure");
  await Plotly.newPlot(place, data, { ...layout, width, height, autosize: false }, { staticPlot: true });
  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
};
window.clear = () => Plotly.purge(document.getElementById("figure"));`;

let drawing: { browser: Browser; page: Promise<Page> } | undefined;
let last: Promise<unknown> = Promise.resolve();

/** An empty page with plotly.js and the figures' font in it: the one that comes with the browser, so that all machines draw the same. */
async function preparePage(browser: Browser): Promise<Page> {
  const { regular, bold } = unpackBrowser();
  const face = (file: string, weight: number) =>
    `@font-face{font-family:"Open Sans";font-weight:${weight};src:url(data:font/ttf;base64,${readFileSync(file).toString("base64")})}`;
  const page = await browser.newPage();
  const style = `${face(regular, 400)}${face(bold, 700)}body{margin:0;background:#fff}`;
  await page.setContent(`<!DOCTYPE html><meta charset="utf-8"><style>${style}</style><div id="figure"></div>`);
  await page.addScriptTag({ path: require.resolve("plotly.js-dist") });
  await page.addScriptTag({ content: DRAW });
  return page;
}

async function pageOf(browser: Browser): Promise<Page> {
  if (drawing?.browser !== browser) {
    drawing = { browser, page: preparePage(browser) };
    drawing.page.catch(() => (drawing = undefined));
  }
  return drawing.page;
}

type Size = Required<ImageOptions>;
/** How a picture is taken of a page on which a figure was drawn. */
type Take = (page: Page, size: Size) => Promise<Uint8Array>;

/** The kinds of pictures. SVG names the figures' font, which it does not bring along; PDF holds it. */
const TAKE = {
  png: (page, { width, height }) => page.screenshot({ type: "png", clip: { x: 0, y: 0, width, height } }),
  svg: async (page, { width, height }) => {
    const address = await page.evaluate(
      `Plotly.toImage(document.getElementById("figure"), { format: "svg", width: ${width}, height: ${height} })`,
    );
    return Buffer.from(decodeURIComponent(String(address).replace(/^data:image\/svg\+xml,/, "")), "utf8");
  },
  pdf: (page, { width, height }) =>
    page.pdf({ width: `${width}px`, height: `${height}px`, printBackground: true, pageRanges: "1" }),
} as const satisfies Record<string, Take>;

/** A kind of picture. */
export type ImageFormat = keyof typeof TAKE;
export const IMAGE_FORMATS = Object.keys(TAKE) as readonly ImageFormat[];

async function draw(browser: Browser, figure: Figure, size: Size, take: Take): Promise<Uint8Array> {
  const { width, height, scale } = size;
  const page = await pageOf(browser);
  await page.setViewport({ width, height, deviceScaleFactor: scale });
  try {
    await page.evaluate(`draw(${JSON.stringify(plainFigure(withoutChoices(figure)))}, ${width}, ${height})`);
    return await take(page, size);
  } finally {
    await page.evaluate("clear()");
  }
}

/** A figure as PNG. @throws as `toImage` */
export const toPng = (figure: Figure, options: ImageOptions = {}): Promise<Uint8Array> =>
  toImage(figure, "png", options);

/**
 * A figure as a picture (default size: the figure's own, else 900 x 440, at scale 1: JupyterLab shows a PNG at its natural size).
 * Calls are drawn one after the other on one page.
 * @throws RangeError when a side is not between 1 and 10,000 pixels; TypeError when the figure holds what is no plain data; Error when
 * no browser can be started
 */
export function toImage(figure: Figure, format: ImageFormat, options: ImageOptions = {}): Promise<Uint8Array> {
  const { width = figure.layout.width ?? 900, height = figure.layout.height ?? 440, scale = 1 } = options;
  for (const side of [width * scale, height * scale]) {
    if (!(side >= 1 && side <= LARGEST))
      return Promise.reject(
        new RangeError(
          `Cannot draw a figure of ${width} x ${height} at scale ${scale}: a side has to have 1 to ${LARGEST} pixels`,
        ),
      );
  }
  const size = { width, height, scale };
  const picture = last.then(() => withBrowser((browser) => draw(browser, figure, size, TAKE[format])));
  last = picture.catch(() => undefined);
  return picture;
}

/**
 * The same picture in fewer bytes, where there is a way: figures are flat areas, which compress better without PNG's filters (a fifth less),
 * so that a notebook stays below the megabyte up to which code hosts show it.
 */
export function compactPng(png: Uint8Array): Uint8Array {
  const image = PNG.sync.read(Buffer.from(png));
  const flat = PNG.sync.write(image, { filterType: 0, deflateLevel: 9, deflateStrategy: 0, colorType: 2 });
  return flat.length < png.length ? flat : png;
}
