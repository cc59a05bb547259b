// The pixels of a dataset: in memory, or in one file on disk of which only the images that are looked at are read.
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { imageSize } from "./image";

/** Images that lie on disk: nothing of them is in memory before it is read. */
export interface StoredImages {
  /** How many numbers all images are, as of an array of them. */
  readonly length: number;
  /** The pixels of the images at these places, one image after the other. @throws Error naming the file that cannot be read */
  read(places: ArrayLike<number>): Uint8Array;
  /** The images at these places, in this order; nothing is read. */
  select(places: ArrayLike<number>): StoredImages;
}

/** Pixels 0..255 of images, [count, side, side, 3]. */
export type Pixels = Uint8Array | StoredImages;

/** What has pixels: a dataset. */
interface HasPixels {
  readonly images: Pixels;
  readonly side?: number;
}

/** Whether pixels lie on disk. */
export function isStored(images: unknown): images is StoredImages {
  const { read, select, length } = (images ?? {}) as Partial<StoredImages>;
  return typeof read === "function" && typeof select === "function" && typeof length === "number";
}

/** The images of a file of pixels, each of `size` bytes. */
export function storedImages(path: string, count: number, size: number): StoredImages {
  return selection({ path, count, size }, Uint32Array.from({ length: count }, (_, place) => place));
}

/** A file of images. */
interface PixelFile {
  readonly path: string;
  readonly count: number;
  /** Bytes of an image. */
  readonly size: number;
}

function selection(file: PixelFile, chosen: Uint32Array): StoredImages {
  const placesOf = (places: ArrayLike<number>) => Uint32Array.from(places, (place) => chosen[place]);
  return {
    length: chosen.length * file.size,
    read: (places) => readImages(file, placesOf(places)),
    select: (places) => selection(file, placesOf(places)),
  };
}

/** Opened for each call, so that nothing has to be closed: a batch takes much longer than that. */
function readImages({ path, count, size }: PixelFile, places: Uint32Array): Uint8Array {
  const pixels = new Uint8Array(places.length * size);
  try {
    const file = openSync(path, "r");
    try {
      const found = fstatSync(file).size;
      if (found !== count * size) throw new Error(`expected ${count * size} bytes but found ${found}`);
      for (const [first, end] of runsIn(places))
        readExactly(file, pixels.subarray(first * size, end * size), places[first] * size);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    throw new Error(`Cannot read "${path}": ${(error as Error).message}`, { cause: error });
  }
  return pixels;
}

/** Where places follow each other, from the first to before the end: each run is read at once. */
function* runsIn(places: Uint32Array): Generator<[first: number, end: number]> {
  for (let [first, end] = [0, 1]; first < places.length; [first, end] = [end, end + 1]) {
    while (end < places.length && places[end] === places[end - 1] + 1) end++;
    yield [first, end];
  }
}

function readExactly(file: number, target: Uint8Array, position: number): void {
  for (let done = 0; done < target.length;) {
    const read = readSync(file, target, done, target.length - done, position + done);
    if (read === 0) throw new Error(`expected ${target.length} bytes at ${position} but found ${done}`);
    done += read;
  }
}

const between = (start: number, end: number): Uint32Array =>
  Uint32Array.from({ length: end - start }, (_, index) => start + index);

/** The pixels of the images from `start` to before `end`: a view of those in memory, or read now. */
export function pixelsBetween({ images, side }: HasPixels, start: number, end: number): Uint8Array {
  if (isStored(images)) return images.read(between(start, end));
  const size = imageSize({ side });
  return images.subarray(start * size, end * size);
}

/** A copy of the pixels of the images at these places. */
export function pixelsAt({ images, side }: HasPixels, places: ArrayLike<number>): Uint8Array {
  if (isStored(images)) return images.read(places);
  const size = imageSize({ side });
  const pixels = new Uint8Array(places.length * size);
  Array.from(places, (from, to) => pixels.set(images.subarray(from * size, (from + 1) * size), to * size));
  return pixels;
}

/** The images from `start` to before `end`, as they lie: neither copied nor read. */
export const viewOf = (dataset: HasPixels, start: number, end: number): Pixels =>
  isStored(dataset.images) ? dataset.images.select(between(start, end)) : pixelsBetween(dataset, start, end);

/** The images at these places: copied where they are in memory, not yet read where they lie on disk. */
export const selected = (dataset: HasPixels, places: ArrayLike<number>): Pixels =>
  isStored(dataset.images) ? dataset.images.select(places) : pixelsAt(dataset, places);

const STRETCH = 2 ** 24; // bytes

/** All pixels in order, in pieces that fit into memory. */
export function* pieces({ images, side }: HasPixels): Generator<Uint8Array> {
  if (!isStored(images)) return yield images;
  const size = imageSize({ side });
  const [count, step] = [images.length / size, Math.max(1, Math.floor(STRETCH / size))];
  for (let start = 0; start < count; start += step)
    yield images.read(between(start, Math.min(start + step, count)));
}
