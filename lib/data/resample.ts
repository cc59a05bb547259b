// Pictures made smaller or larger as Pillow does it, and so torchvision's Resize on Pillow's images: to the same bytes.
// Source: Pillow, src/libImaging/Resample.c (ImagingResampleHorizontal_8bpc and _Vertical_8bpc): weights as whole numbers of 22 bits
// after the point, each pass rounded to bytes, columns before rows.
import { CHANNELS } from "./image";

/** A picture: [height, width, 3], bytes. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8Array;
}

const BITS = 22;
const SUPPORT = 1; // of the triangle, in pixels of the smaller picture

/** Which pixels one pixel of the result is made of, and how much of each. */
interface Weights {
  readonly first: number;
  readonly weights: Int32Array;
}

/** The triangle filter, as wide as the pixels of the result: what Pillow calls bilinear, and torchvision antialiased. */
function weightsOf(from: number, to: number): Weights[] {
  const scale = from / to;
  const wide = Math.max(scale, 1);
  return Array.from({ length: to }, (_, place) => {
    const centre = (place + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - SUPPORT * wide + 0.5));
    const end = Math.min(from, Math.trunc(centre + SUPPORT * wide + 0.5));
    const shares = Array.from({ length: end - first }, (_, x) =>
      Math.max(0, 1 - Math.abs((x + first - centre + 0.5) / wide)),
    );
    const sum = shares.reduce((total, share) => total + share, 0);
    return { first, weights: Int32Array.from(shares, (share) => Math.trunc(0.5 + (share / sum) * 2 ** BITS)) };
  });
}

/** One pass over lines of pixels; `step` numbers lie between two pixels of a line, `lines` says where each line begins. */
function resampled(source: Uint8Array, target: Uint8Array, all: readonly Weights[], places: readonly Line[]): void {
  for (const { from, to, step } of places)
    for (let place = 0; place < all.length; place++) {
      const { first, weights } = all[place];
      let sum = 2 ** (BITS - 1);
      for (let x = 0; x < weights.length; x++) sum += weights[x] * source[from + (first + x) * step];
      target[to + place * step] = Math.min(255, sum >> BITS);
    }
}

/** Where a line begins in the source and in the target. */
interface Line {
  readonly from: number;
  readonly to: number;
  readonly step: number;
}

/** Rows of one channel each. */
const rowsIn = (height: number, width: number, newWidth: number): Line[] =>
  Array.from({ length: height * CHANNELS }, (_, index) => {
    const [row, channel] = [Math.floor(index / CHANNELS), index % CHANNELS];
    return { from: row * width * CHANNELS + channel, to: row * newWidth * CHANNELS + channel, step: CHANNELS };
  });

/** Columns of one channel each. */
const columnsIn = (width: number): Line[] =>
  Array.from({ length: width * CHANNELS }, (_, index) => ({ from: index, to: index, step: width * CHANNELS }));

/** A picture in another size, bilinear with antialiasing. */
export function resize({ width, height, pixels }: Picture, newWidth: number, newHeight: number): Picture {
  let [now, rows] = [pixels, height];
  if (newWidth !== width) {
    const wide = new Uint8Array(rows * newWidth * CHANNELS);
    resampled(now, wide, weightsOf(width, newWidth), rowsIn(rows, width, newWidth));
    now = wide;
  }
  if (newHeight !== height) {
    const high = new Uint8Array(newHeight * newWidth * CHANNELS);
    resampled(now, high, weightsOf(height, newHeight), columnsIn(newWidth));
    [now, rows] = [high, newHeight];
  }
  return { width: newWidth, height: rows, pixels: now };
}

/**
 * The middle of a picture: its shorter side made `shorter` pixels long, then a square of `side` cut out, as torchvision's
 * `Resize(shorter)` and `CenterCrop(side)` do; halves of pixels are rounded to even ones, as Python rounds.
 * @throws RangeError when the square is larger than the resized picture
 */
export function centreOf(picture: Picture, shorter: number, side: number): Uint8Array {
  const { width, height } = picture;
  if (side > shorter) throw new RangeError(`Cannot cut ${side} x ${side} pixels out of a side of ${shorter}`);
  const longer = Math.trunc((shorter * Math.max(width, height)) / Math.min(width, height));
  const [wide, high] = width <= height ? [shorter, longer] : [longer, shorter];
  const { pixels } = resize(picture, wide, high);
  const [top, left] = [evenRound((high - side) / 2), evenRound((wide - side) / 2)];
  const cut = new Uint8Array(side * side * CHANNELS);
  for (let row = 0; row < side; row++) {
    const from = ((top + row) * wide + left) * CHANNELS;
    cut.set(pixels.subarray(from, from + side * CHANNELS), row * side * CHANNELS);
  }
  return cut;
}

const evenRound = (half: number): number => (half % 1 === 0.5 && Math.floor(half) % 2 === 0 ? Math.floor(half) : Math.round(half));
