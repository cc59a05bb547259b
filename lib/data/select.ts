// Some of a dataset's images: by index, or by what they are.
import { checkDataset, type Dataset } from "./dataset";
import { labelsFrom } from "./labels";
import { selected } from "./pixels";

/**
 * The images at these indices, in this order, as a copy (of images on disk: not yet read); `sha256` stays that of the whole split.
 * @throws RangeError when there is no index, or one that is no image's
 */
export function take<D extends Dataset>(dataset: D, indices: ArrayLike<number>): D {
  checkDataset(dataset);
  const chosen = Array.from(indices);
  checkIndices(dataset, chosen);
  const all = dataset.labels;
  const labels = labelsFrom(
    chosen.map((index) => all[index]),
    dataset.classes.length,
  );
  return { ...dataset, count: chosen.length, images: selected(dataset, chosen), labels };
}

/**
 * A copy of the images that a condition holds for: `where(test, (label) => test.classes[label] === "cat")`.
 * @throws RangeError when it holds for none
 */
export function where<D extends Dataset>(dataset: D, holds: (label: number, index: number) => boolean): D {
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
