// The paper's first two claims on several networks of one architecture, such as its seeds.
import { meanOf } from "../statistics/summary";
import { smallestOf } from "../statistics/extremes";
import { channelTests } from "../results/channels";
import type { EvenRow } from "../results/rows";
import { countVerdicts, verdictsOf } from "../results/verdict";
import { type Table, tableOf } from "./table";

/**
 * One line per network: layers by verdict and the least drop of any (C1: many kernels can be zeroed), the ranks by drop of the
 * channel-changing layers of the stages and both tests of `channelTests` (C2: they hurt most). Of several networks the last line is about
 * the mean drop of each layer, with one relabelling for all.
 *
 * @param networks rows by the network's name, of the same layers
 * @param options.margin a fraction (default 0.005)
 * @throws RangeError when there is no network, or they differ in their layers
 */
export function claimTable(
  networks: Readonly<Record<string, readonly EvenRow[]>>,
  { margin = 0.005 }: { margin?: number } = {},
): Table {
  const all = Object.values(networks);
  checkLayers(networks);
  const lines = Object.entries(networks).map(([network, rows]) => ({
    network,
    ...verdictColumns(rows, margin),
    ...channelColumns([rows]),
  }));
  return tableOf(all.length < 2 ? lines : [...lines, { network: "their mean", ...channelColumns(all) }]);
}

function verdictColumns(rows: readonly EvenRow[], margin: number) {
  const { trivial, undecided, "non-trivial": nonTrivial } = countVerdicts(verdictsOf(rows, { margin }));
  return { "intact %": 100 * rows[0].baseline, trivial, undecided, "non-trivial": nonTrivial };
}

/** About the mean drop of each layer over some networks. */
function channelColumns(networks: readonly (readonly EvenRow[])[]) {
  const rows = networks[0].map((row, index) => ({ ...row, drop: meanOf(networks.map((each) => each[index].drop)) }));
  const [all, first] = channelTests(networks);
  return {
    "least pp": 100 * smallestOf(rows.map(({ drop }) => drop)),
    "mean pp": 100 * meanOf(rows.map(({ drop }) => drop)),
    "ranks of channel-changing": ranksOf(rows).join(", "),
    "difference pp": 100 * all.statistic,
    p: all.p,
    "p among first convolutions": first.p,
    "smallest p": `${all.smallest.toPrecision(2)}, ${first.smallest.toPrecision(2)}`,
  };
}

/** The ranks by drop, 1 for the largest of all layers, of the channel-changing layers of the stages. */
function ranksOf(rows: readonly EvenRow[]): number[] {
  const marked = rows.filter(({ stage, changesChannels }) => stage > 0 && changesChannels);
  return marked.map(({ drop }) => 1 + rows.filter((other) => other.drop > drop).length);
}

function checkLayers(networks: Readonly<Record<string, readonly EvenRow[]>>): void {
  const entries = Object.entries(networks);
  if (entries.length === 0) throw new RangeError("Cannot list claims: expected at least one network but found none");
  const layersOf = (rows: readonly EvenRow[]) => rows.map(({ layer }) => layer).join();
  const odd = entries.find(([, rows]) => layersOf(rows) !== layersOf(entries[0][1]));
  if (odd)
    throw new RangeError(
      `Cannot list claims: expected the layers of "${entries[0][0]}" in "${odd[0]}" but found others`,
    );
}
