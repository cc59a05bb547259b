// How a layer is called trivial, non-trivial or undecided (or was left unchanged), with the evidence beside it.
import { checkAboveChance } from "./baseline";
import { holm } from "../statistics/paired";
import type { EvenRow, Row } from "./rows";
import { dropBound, harmTest, isOpen, nonTrivialTest, trivialTest } from "../statistics/anytime";

export type Call = "trivial" | "non-trivial" | "undecided" | "unchanged";

/** What the tests say of one row; p values are raw and adjusted over the layers of the network (Holm, each of three families apart). */
export interface Judgement {
  readonly verdict: Call;
  readonly harm: boolean; // some harm is shown, however small: `harmAdjusted` below the level, and more images lost than gained
  readonly upper: number; // one-sided upper bound of the drop (fraction) at confidence 1 - level, not adjusted
  readonly trivialP: number; // of "the drop is at least the margin"
  readonly trivialAdjusted: number;
  readonly nonTrivialP: number; // of "the drop is at most the margin"
  readonly nonTrivialAdjusted: number;
  readonly harmP: number; // of "the accuracy stays": McNemar, two-sided; one-sided where not all images were seen
  readonly harmAdjusted: number;
}

/** A row with its verdict. */
export type Verdict = Row & Judgement;

/** The same in a sweep whose ablations have all seen the same images. */
export type EvenVerdict = EvenRow & Judgement;

/** The margins at which verdicts are counted side by side: half a percentage point, one and two. */
export const MARGINS = [0.005, 0.01, 0.02] as const;

/** The largest harmless drop and the level of each family of tests. */
export interface VerdictOptions {
  /** A fraction, fixed before the sweep (default 0.005: half a percentage point). */
  readonly margin?: number;
  /** Default 0.05. */
  readonly level?: number;
}

/**
 * A verdict for every layer of one network: trivial when its drop is shown to be below the margin, non-trivial when it is shown to be
 * above it, undecided otherwise. Where the operator changed nothing there is nothing to judge: such a layer is called unchanged,
 * whatever its p values, and still counts in the adjustment. In bfloat16, which by itself moves a drop by some tenths of a percentage
 * point, no layer is called trivial. While a sweep runs and where it stops ablations, p values and bounds allow for the looking, at
 * any margin.
 *
 * @param rows all layers of one network; the adjustment counts them, so never rows of several networks at once.
 * @throws RangeError when margin or level is not between 0 and 1 (level: 0 and 0.5), a layer occurs twice, the rows are not of one network
 * on the same images, or one would be called trivial in a network that is right no more often than guessing would be
 */
export function verdictsOf<R extends Row>(
  rows: readonly R[],
  { margin = 0.005, level = 0.05 }: VerdictOptions = {},
): (R & Judgement)[] {
  checkRows(rows);
  const [trivial, nonTrivial, harm] = [
    testsOf(rows, (row) => trivialTest(row, margin)),
    testsOf(rows, (row) => nonTrivialTest(row, margin)),
    testsOf(rows, harmTest),
  ];
  return rows.map((row, index) => {
    const below = trivial.adjusted[index] < level && row.precision !== "bfloat16";
    const above = nonTrivial.adjusted[index] < level;
    if (below) checkAboveChance(row);
    return {
      ...row,
      verdict: row.unchanged ? "unchanged" : below ? "trivial" : above ? "non-trivial" : "undecided",
      harm: harm.adjusted[index] < level && row.lost > row.gained,
      upper: dropBound(row, level),
      trivialP: trivial.raw[index],
      trivialAdjusted: trivial.adjusted[index],
      nonTrivialP: nonTrivial.raw[index],
      nonTrivialAdjusted: nonTrivial.adjusted[index],
      harmP: harm.raw[index],
      harmAdjusted: harm.adjusted[index],
    };
  });
}

/** How many layers were called what. */
export interface VerdictCounts extends Readonly<Record<Call, number>> {
  readonly layers: number;
  readonly harm: number; // with some harm shown, whatever they are called
}

/** How often each verdict was given. */
export function countVerdicts(verdicts: readonly Pick<Judgement, "verdict" | "harm">[]): VerdictCounts {
  const count = (call: Call) => verdicts.filter(({ verdict }) => verdict === call).length;
  return {
    layers: verdicts.length,
    trivial: count("trivial"),
    undecided: count("undecided"),
    "non-trivial": count("non-trivial"),
    unchanged: count("unchanged"),
    harm: verdicts.filter(({ harm }) => harm).length,
  };
}

/** The p values of one family of tests. */
function testsOf<R>(rows: readonly R[], test: (row: R) => number) {
  const raw = rows.map(test);
  return { raw, adjusted: holm(raw) };
}

function checkRows(rows: readonly Row[]): void {
  const fail = (wanted: string, found: string) => {
    throw new RangeError(`Cannot give verdicts: expected ${wanted} but found ${found}`);
  };
  const seen = new Set<string>();
  for (const { layer } of rows) {
    if (seen.has(layer)) fail("every layer of one network once", `"${layer}" twice`);
    seen.add(layer);
  }
  const whole = rows.filter((row) => !isOpen(row));
  const odd = whole.find(({ images, baseline }) => images !== whole[0].images || baseline !== whole[0].baseline);
  if (odd)
    fail(`rows of one network on the same ${whole[0].images} images`, `"${odd.layer}" on ${odd.images} or of another`);
}
