// Classes as numbers, one for each image: bytes as far as they go, two bytes where there are more than 256 classes, as in ImageNet.

/** The classes of images, as labels or as predictions, [images]. */
export type Labels = Uint8Array | Uint16Array;

/** So many are told apart by two bytes. */
export const MOST_CLASSES = 2 ** 16;

/** Whether a class takes two bytes. */
export const isWide = (classes: number): boolean => classes > 256;

/** Room for the classes of so many images, all 0. */
export const emptyLabels = (images: number, classes: number): Labels =>
  isWide(classes) ? new Uint16Array(images) : new Uint8Array(images);

/** These classes, in as many bytes as the number of classes asks for. */
export const labelsFrom = (numbers: ArrayLike<number>, classes: number): Labels =>
  isWide(classes) ? Uint16Array.from(numbers) : Uint8Array.from(numbers);

/** The bytes of labels as files keep them: one each, or two, the lower one first. */
export const labelBytes = ({ buffer, byteOffset, byteLength }: Labels): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);

/** Labels from the bytes that files keep, as a copy. */
export function labelsIn(bytes: Uint8Array, classes: number): Labels {
  const copy = Uint8Array.from(bytes);
  return isWide(classes) ? new Uint16Array(copy.buffer) : copy;
}

/** How many bytes a class takes. */
export const labelSize = (classes: number): number => (isWide(classes) ? 2 : 1);
