// What an image is here: square, of red, green and blue, and 32 x 32 pixels large where nothing else is said.

/** Pixels along a side of an image. */
export const SIDE = 32;
/** Red, green and blue. */
export const CHANNELS = 3;
/** How many numbers one image of 32 x 32 pixels is; in a file, each is a byte. */
export const IMAGE_SIZE = SIDE * SIDE * CHANNELS;

/** How many numbers one image of a dataset is. */
export function imageSize({ side = SIDE }: { readonly side?: number }): number {
  return side * side * CHANNELS;
}
