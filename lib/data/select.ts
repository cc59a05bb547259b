// Some of a dataset's images: by index, or by what they are.
import { checkDataset, type Dataset } from "./dataset";
import { imageSize } from "./image";

/**
 * A copy of the images at these indices, in this order; `sha256` stays that of the whole split.
 * @throws RangeError when there is no index, or one that is no image's
 */
export function take(dataset: Dataset, indices: ArrayLike<number>): Dataset {
  checkDataset(dataset);
  const chosen = Array.from(indices);
  checkIndices(dataset, chosen);
  const size = imageSize(dataset);
  const images = new Uint8Array(chosen.length * size);
  chosen.forEach((from, to) => images.set(dataset.images.subarray(from * size, (from + 1) * size), to * size));
  const labels = Uint8Array.from(chosen, (index) => dataset.labels[index]);
  return { ...dataset, count: chosen.length, images, labels };
}

/**
 * A copy of the images that a condition holds for: `where(test, (label) => test.classes[label] === "cat")`.
 * @throws RangeError when it holds for none
 */
export function where(dataset: Dataset, holds: (label: number, index: number) => boolean): Dataset {
  checkDataset(dataset);
  return take(
    dataset,
    [...dataset.labels.keys()].filter((index) => holds(dataset.labels[index], index)),
  );
}

function checkIndices({ name, count }: Dataset, indices: readonly number[]): void {
  const wanted = `expected at least one index, whole numbers from 0 to ${count - 1},`;
  if (indices.length === 0) throw new RangeError(`Cannot take images of "${name}": ${wanted} but found none`);
  const odd = indices.find((index) => !Number.isInteger(index) || index < 0 || index >= count);
  if (odd !== undefined) throw new RangeError(`Cannot take images of "${name}": ${wanted} but found ${odd}`);
}
