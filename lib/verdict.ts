// How a layer is called trivial, non-trivial or undecided (or was left unchanged), with the evidence beside it.
import { checkAboveChance } from "./baseline";
import { holm } from "./statistics/paired";
import type { Row } from "./rows";
import { dropBound, harmTest, trivialTest } from "./statistics/sequential";

export type Call = "trivial" | "non-trivial" | "undecided" | "unchanged";

/** A row with its verdict; p values are raw and adjusted over the layers of the network (Holm, each family apart). */
export interface Verdict extends Row {
  readonly upper: number; // one-sided upper bound of the drop (fraction) at confidence 1 - level, not adjusted
  readonly harmP: number; // McNemar, two-sided: does the ablation change the accuracy? Stopped: one-sided, does it lower it?
  readonly harmAdjusted: number;
  readonly trivialP: number; // Tango (stopped: by betting): is the drop smaller than the margin?
  readonly trivialAdjusted: number;
  readonly verdict: Call;
  readonly detectable: boolean; // trivial although the network is significantly worse
}

/**
 * A verdict for every layer of one network: trivial when the drop is shown to be below the margin, non-trivial when the
 * network is shown to be worse and the layer is not trivial, undecided otherwise. Where the operator changed nothing there
 * is nothing to judge: such a layer is called unchanged, whatever its p values, and still counts in the adjustment.
 * Where the sweep stops ablations that are decided, the p values and bounds of all its rows allow for the looking, at any margin.
 *
 * @param rows all layers of one network; the adjustment counts them, so never rows of several networks at once.
 * @param options `margin`: largest harmless drop, a fraction fixed before the sweep; `level`: of each family of tests.
 * @throws RangeError when margin or level is not between 0 and 1 (level: 0 and 0.5), a layer occurs twice, or one would be called trivial
 * in a network that is right no more often than guessing would be.
 */
export function verdictsOf(
  rows: readonly Row[],
  { margin = 0.005, level = 0.05 }: { margin?: number; level?: number } = {},
): Verdict[] {
  checkLayers(rows);
  const harm = rows.map(harmTest);
  const trivial = rows.map((row) => trivialTest(row, margin));
  const harmAdjusted = holm(harm);
  const trivialAdjusted = holm(trivial);
  return rows.map((row, index) => {
    const worse = harmAdjusted[index] < level && row.lost > row.gained;
    const within = trivialAdjusted[index] < level;
    if (within) checkAboveChance(row);
    return {
      ...row,
      upper: dropBound(row, level),
      harmP: harm[index],
      harmAdjusted: harmAdjusted[index],
      trivialP: trivial[index],
      trivialAdjusted: trivialAdjusted[index],
      verdict: row.unchanged ? "unchanged" : within ? "trivial" : worse ? "non-trivial" : "undecided",
      detectable: within && worse,
    };
  });
}

function checkLayers(rows: readonly Row[]): void {
  const seen = new Set<string>();
  for (const { layer } of rows) {
    if (seen.has(layer)) {
      throw new RangeError(`Cannot give verdicts: expected every layer of one network once but found "${layer}" twice`);
    }
    seen.add(layer);
  }
}
