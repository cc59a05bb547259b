// Intervals for one look at a number of images that was chosen before.
import { normalQuantile } from "./normal";

/**
 * Wilson's interval of an accuracy, as fractions.
 *
 * Source: Wilson (1927), Journal of the American Statistical Association 22:209-212.
 * @throws RangeError unless 0 <= correct <= images, images > 0 and 0 < confidence < 1.
 */
export function wilson(correct: number, images: number, confidence = 0.95): [low: number, high: number] {
  if (!(images > 0 && correct >= 0 && correct <= images)) {
    throw new RangeError(`Cannot bound an accuracy: expected 0 <= correct <= images but found ${correct} of ${images}`);
  }
  const share = correct / images;
  const z = normalQuantile((1 + confidence) / 2);
  const centre = share + (z * z) / (2 * images);
  const half = z * Math.sqrt((share * (1 - share)) / images + (z / (2 * images)) ** 2);
  const scale = 1 + (z * z) / images;
  return [Math.max(0, (centre - half) / scale), Math.min(1, (centre + half) / scale)];
}
