// How sure a network is of an image, in a byte: how many nines the probability of its answer begins with.

/** Steps of the bytes in one nine. */
export const STEPS = 50;

/**
 * -log10(1 - p) in steps of a fiftieth, rounded down and at most 5.1 nines: at least `n * STEPS` where p is at least 1 - 10^-n.
 * @param confidences [images], probabilities of the predicted classes
 */
export const ninesOf = (confidences: Float32Array): Uint8Array =>
  Uint8Array.from(confidences, (p) => Math.max(0, Math.min(255, Math.floor(-STEPS * Math.log10(1 - p)))));
