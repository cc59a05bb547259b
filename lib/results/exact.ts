// Verdicts that are the same as with all images, from as many as settle them.
import { changesChannels, kernelShape } from "../networks/layers";
import type { LayerSet } from "../ablations/sets";
import { sizeOf } from "../files/values";
import type { Assumed } from "../networks/network";
import {
  aboveMarginBounds,
  belowMarginBounds,
  type Bounds,
  harmBounds,
  mildest,
  type OpenPairs,
  settled,
  worst,
} from "../statistics/open-pairs";
import { sumOf } from "../statistics/summary";
import { checkAboveChance } from "./baseline";
import type { Call, VerdictOptions } from "./verdict";

/** What was counted of one ablation so far. */
export interface OpenCounts extends OpenPairs {
  readonly seen: number; // images that were looked at
  readonly unchanged?: boolean; // true where the operator changed nothing; absent as long as only missing images can tell
}

/** What is settled of one ablation. */
export interface Settled {
  readonly verdict?: Call; // as `verdictsOf` would say with all images; absent while missing images can change it
  readonly harm?: boolean; // the same of its `harm`
  /** Whether its missing images change nothing more, for itself or, by way of Holm's adjustment, for others. */
  readonly settled: boolean;
}

/** One ablation with what is settled of it; `lost` is a lower bound, and `gained` final, as soon as no wrong image is missing. */
export interface ExactVerdict extends OpenCounts, Settled {
  readonly layer: string; // or the name of a set
  readonly layers: number; // how many layers were changed together
  readonly operator: string;
  readonly stage: number; // of the first layer
  readonly block: number;
  readonly changesChannels: boolean;
  readonly parameters: number; // weights in the kernels
  readonly baseline: number; // accuracy of the intact network on all images, a fraction
  readonly chance: number; // accuracy of guessing
  readonly dropAtLeast: number; // over all images, a fraction
  readonly dropAtMost: number; // equal to it where no image is missing
}

/** The verdicts of a network at one margin, as far as they are settled. */
export interface ExactVerdicts {
  readonly network: string;
  readonly operator: string;
  readonly margin: number; // a fraction
  readonly images: number; // of the whole test
  readonly sets: readonly LayerSet[];
  readonly verdicts: readonly ExactVerdict[];
  readonly assumed?: Assumed; // of the network, when it was imported
}

/**
 * What all images will say of each ablation, where it is settled already.
 * @param all every ablation of one network; the adjustment counts them.
 * @throws RangeError when margin or level is not between 0 and 1, or the counts are impossible
 */
export function settledOf(
  all: readonly OpenCounts[],
  { margin = 0.005, level = 0.05 }: VerdictOptions = {},
): Settled[] {
  const family = (bounds: (pairs: OpenPairs) => Bounds) => settled(all.map(bounds), level);
  const trivial = family((pairs) => belowMarginBounds(pairs, margin));
  const nonTrivial = family((pairs) => aboveMarginBounds(pairs, margin));
  const changed = family(harmBounds);
  return all.map((counts, index) => ({
    verdict: callOf(counts, trivial[index], nonTrivial[index]),
    harm: harmOf(counts, changed[index]),
    settled: [counts.unchanged, trivial[index], nonTrivial[index], changed[index]].every(
      (known) => known !== undefined,
    ),
  }));
}

/** The same words in the same order of precedence as in `verdictsOf`. */
function callOf({ unchanged }: OpenCounts, trivial?: boolean, nonTrivial?: boolean): Call | undefined {
  if (unchanged === undefined) return undefined;
  if (unchanged) return "unchanged";
  // Both cannot be shown: Tango's two tails add up to 1.
  if (trivial) return "trivial";
  if (nonTrivial) return "non-trivial";
  return trivial === false && nonTrivial === false ? "undecided" : undefined;
}

/** Some harm is shown where a change is, and more images are lost than gained. */
function harmOf(counts: OpenCounts, changed?: boolean): boolean | undefined {
  const [few, many] = [mildest(counts), worst(counts)];
  if (changed === false || many.lost <= many.gained) return false;
  return changed && few.lost > few.gained ? true : undefined;
}

/** What is known of the network besides the counts. */
export interface Tested {
  readonly operator: string;
  readonly right: number; // images that the intact network has right, of all
  readonly classes: number;
}

/**
 * One line for each ablation: its layer, its counts and what they settle.
 * @throws RangeError when one is trivial in a network that is right no more often than guessing would be
 */
export function exactVerdictOf(
  { name, layers }: LayerSet,
  counts: OpenCounts & Settled,
  { right, classes, ...tested }: Tested,
): ExactVerdict {
  const { images } = counts;
  const dropIn = ({ lost, gained }: { lost: number; gained: number }) => (lost - gained) / images;
  const line = {
    layer: name,
    layers: layers.length,
    ...tested,
    stage: layers[0].stage,
    block: layers[0].block,
    changesChannels: layers.some(changesChannels),
    parameters: sumOf(layers.map((layer) => sizeOf(kernelShape(layer)))),
    ...counts,
    baseline: right / images,
    chance: 1 / classes,
    dropAtLeast: dropIn(mildest(counts)),
    dropAtMost: dropIn(worst(counts)),
  };
  if (line.verdict === "trivial") checkAboveChance(line);
  return line;
}
