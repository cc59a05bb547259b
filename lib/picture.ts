// Images of a data set put together into one PNG, each pixel enlarged to a sharp square.
import { PNG } from "pngjs";
import type { Dataset } from "./cifar";
import { CHANNELS, IMAGE_SIZE, SIDE } from "./cifar-files";

/** How images lie on a sheet; lengths in pixels of the sheet. */
export interface Grid {
  readonly columns: number;
  readonly lines: number;
  /** Sheet pixels per image pixel. */
  readonly zoom: number;
  /** Distance from one image to the next, to the right and down. */
  readonly across: number;
  readonly down: number;
}

/** Where the image at a place of the grid has its upper left corner. */
export function cornerOf({ columns, across, down }: Grid, place: number): { x: number; y: number } {
  return { x: (place % columns) * across, y: Math.floor(place / columns) * down };
}

/**
 * The images as one PNG on white, row by row.
 * @throws RangeError for an index outside the data set
 */
export function sheetPng(dataset: Dataset, indices: readonly number[], grid: Grid): Buffer {
  const sheet = new PNG({ width: grid.columns * grid.across, height: grid.lines * grid.down });
  sheet.data.fill(255);
  indices.forEach((index, place) => {
    if (!(Number.isInteger(index) && index >= 0 && index < dataset.count)) {
      throw new RangeError(`Cannot show image ${index}: the data set has images 0 to ${dataset.count - 1}`);
    }
    drawImage(sheet, dataset.images.subarray(index * IMAGE_SIZE, (index + 1) * IMAGE_SIZE), {
      ...cornerOf(grid, place),
      zoom: grid.zoom,
    });
  });
  return PNG.sync.write(sheet, { colorType: 2, deflateLevel: 9 });
}

function drawImage(sheet: PNG, pixels: Uint8Array, { x, y, zoom }: { x: number; y: number; zoom: number }): void {
  for (let row = 0; row < SIDE * zoom; row++) {
    for (let column = 0; column < SIDE * zoom; column++) {
      const from = CHANNELS * (Math.floor(row / zoom) * SIDE + Math.floor(column / zoom));
      const to = 4 * ((y + row) * sheet.width + x + column);
      for (let channel = 0; channel < CHANNELS; channel++) sheet.data[to + channel] = pixels[from + channel];
    }
  }
}
