// Many small images as one JPEG, for pages that show any of them.
import { SIDE } from "../data/image";
import type { Dataset } from "../data/dataset";
import { pixelsBetween } from "../data/pixels";
import { requireNative, startEngine, tensorOf, tf } from "./backend";

/** How the sheet is laid out: images in a row, pixels of each in width and height, JPEG quality from 1 to 100. */
export interface SheetOptions {
  readonly across: number;
  readonly side: number;
  readonly quality: number;
}

/**
 * All images of a data set as one JPEG, in rows of `across`; the last row may end in black.
 * @throws Error where the native engine is not there
 */
export async function sheetJpeg(dataset: Dataset, { across, side, quality }: SheetOptions): Promise<Uint8Array> {
  await startEngine();
  const { encodeJpeg } = requireNative().node;
  const { count } = dataset;
  const rows = Math.ceil(count / across);
  const sheet = tf.tidy(() => {
    const whole = tensorOf(Int32Array.from(pixelsBetween(dataset, 0, count)), [count, SIDE, SIDE, 3]) as tf.Tensor4D;
    const small = tf.image.resizeBilinear(whole, [side, side], false, true).pad([[0, rows * across - count], [0, 0], [0, 0], [0, 0]]); // prettier-ignore
    const tiled = small.reshape([rows, across, side, side, 3]).transpose([0, 2, 1, 3, 4]);
    return tiled
      .reshape([rows * side, across * side, 3])
      .round()
      .clipByValue(0, 255)
      .cast("int32") as tf.Tensor3D;
  });
  try {
    return await encodeJpeg(sheet, "rgb", quality);
  } finally {
    sheet.dispose();
  }
}
