// What every image is here: 32 x 32 pixels of red, green and blue.

/** Pixels along a side of an image. */
export const SIDE = 32;
/** Red, green and blue. */
export const CHANNELS = 3;
/** How many numbers one image is; in a file, each is a byte. */
export const IMAGE_SIZE = SIDE * SIDE * CHANNELS;
