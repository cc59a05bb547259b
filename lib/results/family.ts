// What a network says about the paper's claims, in a few numbers that can stand beside those of other networks.
import type { Random } from "../statistics/shuffle";
import { meanOf } from "../statistics/summary";
import { type Permutation, permutationTest } from "../statistics/permutation";
import { type ChannelTest, channelTests, stageEdge, stratumOf } from "./channels";
import type { EvenRow } from "./rows";
import { countVerdicts, MARGINS, type VerdictCounts, verdictsOf } from "./verdict";

/** How much of a network can be given up, one layer at a time (claims C1 and C3); drops are fractions. */
export interface Triviality {
  readonly layers: number;
  readonly baseline: number; // accuracy of the intact network
  readonly margins: readonly number[];
  readonly within: readonly number[]; // layers whose drop is at most each margin, shown or not
  readonly verdicts: readonly VerdictCounts[]; // at each margin
  readonly least: number;
  readonly median: number;
  readonly mean: number;
  readonly share: number; // the mean drop as a share of the most there is to lose, baseline - chance
}

/**
 * The drops of one network's layers in numbers.
 * @throws RangeError when there are no rows; what `verdictsOf` throws
 */
export function trivialityOf(rows: readonly EvenRow[], margins: readonly number[] = MARGINS): Triviality {
  if (rows.length === 0) throw new RangeError("Cannot sum up a network: expected at least one row but found none");
  const drops = rows.map(({ drop }) => drop).sort((a, b) => a - b);
  const middle = (drops.length - 1) / 2;
  const { baseline, chance } = rows[0];
  const mean = meanOf(drops);
  return {
    layers: rows.length,
    baseline,
    margins,
    within: margins.map((margin) => drops.filter((drop) => drop <= margin).length),
    verdicts: margins.map((margin) => countVerdicts(verdictsOf(rows, { margin }))),
    least: drops[0],
    median: (drops[Math.floor(middle)] + drops[Math.ceil(middle)]) / 2,
    mean,
    share: mean / (baseline - chance),
  };
}

/** Whether the layers that change the number of channels are those that matter (claim C2); drops are fractions. */
export interface Enrichment {
  readonly tests: readonly ChannelTest[]; // of `channelTests`: among all layers, and among first convolutions
  readonly edges?: Permutation; // the same for all layers in the first or last block of a stage; absent where there are no others
  readonly ranks: readonly number[]; // by drop, 1 for the largest of all layers, of those layers in the stages
  readonly threshold: number;
  readonly important: number; // layers that cost more than the threshold, the stem left out
  readonly importantChanging: number; // and change the number of channels
}

/**
 * The layers of one network with blocks.
 * @param options.random draws relabellings where there are too many to count all
 * @param options.threshold a fraction (default 0.05)
 * @throws as `channelTests` does
 */
export function channelEnrichment(
  rows: readonly EvenRow[],
  { random, threshold = 0.05 }: { readonly random: Random; readonly threshold?: number },
): Enrichment {
  const staged = rows.filter(({ stage }) => stage > 0);
  const important = staged.filter(({ drop }) => drop > threshold);
  const changing = staged.filter(({ changesChannels }) => changesChannels);
  const edges = stratumOf(staged, stageEdge(staged));
  return {
    tests: channelTests([rows], { random }),
    ...(edges.marked.includes(false) ? { edges: permutationTest([edges], { samples: 9999, random }) } : {}),
    ranks: changing.map(({ drop }) => 1 + rows.filter((other) => other.drop > drop).length),
    threshold,
    important: important.length,
    importantChanging: important.filter(({ changesChannels }) => changesChannels).length,
  };
}
