// Tables of verdicts and claims: how many layers are called what at several margins, and do channel-changing layers hurt more?
import { smallestOf } from "../statistics/extremes";
import type { ChannelTest } from "../results/channels";
import { trivialPower } from "../results/power";
import type { Row } from "../results/rows";
import { countVerdicts, MARGINS, verdictsOf } from "../results/verdict";
import { grouped, percent } from "../text/format";
import { type Table, tableOf } from "./table";

/**
 * How many layers of one network are trivial, undecided and non-trivial at several margins side by side, and for how many some harm
 * is shown, which no margin changes.
 * @param margins fractions (default 0.5, 1 and 2 percentage points)
 * @throws as `verdictsOf` does
 */
export function verdictCountTable(rows: readonly Row[], margins: readonly number[] = MARGINS): Table {
  return tableOf(
    margins.map((margin) => {
      const { harm, unchanged, ...counts } = countVerdicts(verdictsOf(rows, { margin }));
      return { "margin pp": 100 * margin, ...counts, ...(unchanged ? { unchanged } : {}), "harm shown": harm };
    }),
  );
}

/**
 * What the sweep could have shown, in one sentence: with these layers and images, how often an ablation that costs nothing, 0.1 or
 * 0.2 percentage points is called trivial, at the least discordance (lost + gained) of any layer.
 * @param options.margin a fraction (default 0.005)
 * @throws RangeError when there is no row whose ablation changed an answer
 */
export function powerSentence(rows: readonly Row[], { margin = 0.005 }: { margin?: number } = {}): string {
  const shares = rows.map(({ lost, gained, images }) => (lost + gained) / images).filter((share) => share > 0);
  if (shares.length === 0) throw new RangeError("Cannot state the power: expected ablations that change answers");
  const discordance = smallestOf(shares);
  const design = { layers: rows.length, images: rows[0].images, margin, discordance };
  const drops = [0, 0.001, 0.002].filter((drop) => drop <= discordance);
  const chances = drops.map((drop) => `${percent(drop, 1)} pp in ${percent(trivialPower(drop, design), 0)} %`);
  return (
    `Power: among ${rows.length} layers on ${grouped(rows[0].images)} images, a layer that changes ${percent(discordance, 1)} % of the answers ` +
    `(the least here) is called trivial at ${percent(margin, 1)} pp if it really costs ${chances.join(", ")} of such sweeps.`
  );
}

/** The tests of `channelTests`, one line each: difference of mean drops in percentage points, p, and the smallest p there could be. */
export function channelTable(tests: readonly ChannelTest[]): Table {
  return tableOf(
    tests.map(({ among, statistic, p, smallest, relabellings, exact }) => ({
      among,
      "difference pp": 100 * statistic,
      p,
      "smallest p": smallest,
      relabellings: exact ? `all ${relabellings}` : `${relabellings} drawn`,
    })),
  );
}
