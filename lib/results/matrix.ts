// The primary result of a sweep, as data: the prediction matrix and what it belongs to.
import type { LayerSet } from "../ablations/sets";
import type { Labels } from "../data/labels";
import type { Assumed, Precision } from "../networks/network";
import type { Look } from "../statistics/anytime";

/** The primary result of a sweep: what the intact network and every ablation of it predict for each test image. */
export interface Sweep {
  readonly network: string;
  readonly operator: string; // how it is called; what it did is in `changes`
  readonly seed: number; // where the operator's random numbers start
  readonly precision: Precision; // of activations
  readonly sets: readonly LayerSet[]; // what each ablation changes, in order
  readonly changes?: readonly (readonly string[])[]; // per ablation and layer of its set: a digest of what became of that layer
  readonly labels: Labels; // [images]
  readonly classes: number; // that there are, whether or not the labels have them all
  readonly baseline: Labels; // [images] predicted class of the intact network
  readonly predictions: readonly Labels[]; // prediction matrix: per ablation [images], fewer where it was stopped
  readonly losses?: SweepLosses;
  readonly unchanged?: readonly boolean[]; // per ablation: its operator returned the numbers that were there
  readonly stopping?: Stopping; // where the sweep stops ablations that are decided
  readonly assumed?: Assumed; // of the network, when it was imported
}

/** The cross-entropy of every prediction, in nats: as long as the predictions. */
export interface SweepLosses {
  readonly baseline: Float32Array;
  readonly ablations: readonly Float32Array[];
}

/** Of a sweep that looks after every batch and stops the ablations that `isDecided` (see `anytime.ts`), or is not at its end yet. */
export interface Stopping {
  readonly margin?: number; // the drop, as a fraction, that is decided about; none where nothing is stopped
  readonly looks: readonly Look[]; // per ablation
}

/** A sweep whose ablations have all seen the same images, so that they can be compared with each other. */
export type EvenSweep = Sweep & { readonly stopping?: Stopping & { readonly margin?: undefined } };

/** The sweep as one whose ablations can be compared. @throws RangeError where it stops those that are decided */
export function evenSweep(sweep: Sweep): EvenSweep {
  if (sweep.stopping?.margin === undefined) return sweep as EvenSweep;
  throw new RangeError(
    "Cannot compare the ablations of this sweep: it stops what is decided, so they see different images",
  );
}
