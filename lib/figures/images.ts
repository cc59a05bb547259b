// Figures of a data set: its images as sharp squares with their classes, and how many images each class has.
import type { Annotations, Data } from "plotly.js";
import { PNG } from "pngjs";
import { checkDataset, type Dataset } from "../data/dataset";
import { CHANNELS, SIDE } from "../data/image";
import { pixelsBetween } from "../data/pixels";
import { escapeHtml, grouped } from "../text/format";
import { baseAxis, COLOURS, type Figure, houseLayout, valueAxis } from "./style";

const EDGE = 16; // pixels left and right of the images
const HEAD = 56; // above them, for the title

/** How many images each class has. */
export function classHistogram(dataset: Dataset, options: { readonly title?: string } = {}): Figure {
  checkDataset(dataset);
  const counts = new Array<number>(dataset.classes.length).fill(0);
  for (const label of dataset.labels) counts[label]++;
  const { title = `Images per class, ${dataset.name} ${dataset.split}` } = options;
  const names = dataset.classes.map(escapeHtml);
  const hovertemplate = "<b>%{x}</b><br>%{y:,} images<extra></extra>";
  return {
    data: [{ type: "bar", x: names, y: counts, marker: { color: COLOURS[0] }, hovertemplate, showlegend: false }],
    layout: houseLayout(escapeHtml(title), `${grouped(dataset.count)} images`, {
      height: 360,
      margin: { l: 64, r: 28, t: 68, b: 40 },
      bargap: 0.3,
      xaxis: baseAxis("", { type: "category" }),
      yaxis: valueAxis("images", { rangemode: "tozero", tickformat: "," }),
    }),
  };
}

/** Options of a grid of images. */
export interface ImageGridOptions {
  readonly title?: string;
  /** Images in a line (default 10). */
  readonly columns?: number;
  /** Screen pixels per pixel of the images (default 2, and 1 where images have more than 64 pixels along a side). */
  readonly zoom?: number;
}

/**
 * Images of a data set with their classes, each pixel a sharp square.
 * @throws RangeError for an index outside the data set, or a number of columns or zoom that is not a positive integer
 */
export function imageGrid(dataset: Dataset, indices: readonly number[], options: ImageGridOptions = {}): Figure {
  checkDataset(dataset);
  const { side = SIDE } = dataset;
  const { columns = 10, zoom = side > 64 ? 1 : 2, title = `${dataset.name}, ${dataset.split} images` } = options;
  const grid = gridOf(indices.length, { columns, zoom, side });
  const [width, height] = [grid.columns * grid.across, grid.lines * grid.down];
  const source = `data:image/png;base64,${sheetPng(dataset, indices, grid).toString("base64")}`;
  const places = indices.map((_, place) => cornerOf(grid, place));
  return {
    data: [hoverPoints(dataset, indices, { places, width: side * zoom })],
    layout: houseLayout(escapeHtml(title), "", {
      width: width + 2 * EDGE,
      height: height + HEAD,
      autosize: false,
      margin: { l: EDGE, r: EDGE, t: HEAD, b: 0 },
      xaxis: { visible: false, range: [0, width], fixedrange: true },
      yaxis: { visible: false, range: [height, 0], fixedrange: true },
      images: [
        { source, xref: "x", yref: "y", x: 0, y: 0, sizex: width, sizey: height, sizing: "stretch", layer: "below" },
      ],
      annotations: places.map(({ x, y }, place) =>
        caption(className(dataset, indices[place]), x + (side * zoom) / 2, y + side * zoom),
      ),
    }),
  };
}

function gridOf(images: number, { columns, zoom, side }: Pick<Grid, "columns" | "zoom" | "side">): Grid {
  if (![columns, zoom].every((value) => Number.isInteger(value) && value > 0)) {
    throw new RangeError(`Cannot lay out ${columns} columns at zoom ${zoom}: both have to be positive integers`);
  }
  if (images === 0) throw new RangeError("Cannot show images: expected at least one index but found none");
  const lines = Math.ceil(images / columns);
  return { columns, zoom, side, lines, across: side * zoom + 20, down: side * zoom + 30 };
}

function className(dataset: Dataset, index: number): string {
  return dataset.classes[dataset.labels[index]] ?? "";
}

/** Unseen points over the images, so that the mouse tells what they are. */
function hoverPoints(
  dataset: Dataset,
  indices: readonly number[],
  grid: { places: { x: number; y: number }[]; width: number },
): Data {
  const middle = grid.width / 2;
  return {
    type: "scatter",
    mode: "markers",
    x: grid.places.map(({ x }) => x + middle),
    y: grid.places.map(({ y }) => y + middle),
    text: indices.map((index) => `<b>${escapeHtml(className(dataset, index))}</b><br>${dataset.split} image ${index}`),
    hovertemplate: "%{text}<extra></extra>",
    marker: { size: middle, opacity: 0 },
    showlegend: false,
  };
}

function caption(text: string, x: number, y: number): Partial<Annotations> {
  return { text: escapeHtml(text), x, y, yanchor: "top", showarrow: false, borderpad: 0, font: { size: 12 } };
}

/** How images lie on a sheet; lengths in pixels of the sheet. */
interface Grid {
  readonly columns: number;
  readonly lines: number;
  /** Sheet pixels per image pixel. */
  readonly zoom: number;
  /** Pixels along a side of an image. */
  readonly side: number;
  /** Distance from one image to the next, to the right and down. */
  readonly across: number;
  readonly down: number;
}

/** Where the image at a place of the grid has its upper left corner. */
function cornerOf({ columns, across, down }: Grid, place: number): { x: number; y: number } {
  return { x: (place % columns) * across, y: Math.floor(place / columns) * down };
}

/**
 * The images as one PNG on white, row by row.
 * @throws RangeError for an index outside the data set
 */
function sheetPng(dataset: Dataset, indices: readonly number[], grid: Grid): Buffer {
  const sheet = new PNG({ width: grid.columns * grid.across, height: grid.lines * grid.down });
  sheet.data.fill(255);
  indices.forEach((index, place) => {
    if (!(Number.isInteger(index) && index >= 0 && index < dataset.count)) {
      throw new RangeError(`Cannot show image ${index}: the data set has images 0 to ${dataset.count - 1}`);
    }
    drawImage(sheet, pixelsBetween(dataset, index, index + 1), { ...cornerOf(grid, place), ...grid });
  });
  return PNG.sync.write(sheet, { colorType: 2, deflateLevel: 9 });
}

/** Where an image is drawn: its upper left corner, its side, and sheet pixels per pixel. */
interface Place {
  readonly x: number;
  readonly y: number;
  readonly zoom: number;
  readonly side: number;
}

function drawImage(sheet: PNG, pixels: Uint8Array, { x, y, zoom, side }: Place): void {
  for (let row = 0; row < side * zoom; row++) {
    for (let column = 0; column < side * zoom; column++) {
      const from = CHANNELS * (Math.floor(row / zoom) * side + Math.floor(column / zoom));
      const to = 4 * ((y + row) * sheet.width + x + column);
      for (let channel = 0; channel < CHANNELS; channel++) sheet.data[to + channel] = pixels[from + channel];
    }
  }
}
