// Do channel-changing layers (the paper's claim C2) or those at stage edges hurt more than the rest?
import { type Permutation, type PermutationOptions, permutationTest, type Stratum } from "../statistics/permutation";
import { checkEven, type EvenRow } from "./rows";

/**
 * The drops of one network's rows and which of its layers are marked; by default those that change channels.
 * @throws RangeError when the rows are not on the same images
 */
export function stratumOf(
  rows: readonly EvenRow[],
  marks: (row: EvenRow) => boolean = (row) => row.changesChannels,
): Stratum {
  checkEven(rows);
  return { values: rows.map((row) => row.drop), marked: rows.map((row) => marks(row)) };
}

/** Marks the layers in the first and the last block of a stage; the stem belongs to none. */
export function stageEdge(rows: readonly EvenRow[]): (row: EvenRow) => boolean {
  const last = new Map<number, number>();
  for (const { stage, block } of rows) last.set(stage, Math.max(block, last.get(stage) ?? 0));
  return ({ stage, block }) => stage > 0 && (block === 1 || block === last.get(stage));
}

/** Among which layers the channel-changing ones were compared with the others. */
export interface ChannelTest extends Permutation {
  readonly among: "all layers" | "first convolutions";
}

/**
 * Do the layers that change the number of channels (the paper's claim C2) hurt more: among all layers of the stages and, since those
 * layers are first convolutions of their blocks, which hurt more than second ones anyway, among first convolutions alone. The stem,
 * which has no bypass, is left out. Both layers are in first blocks of stages too, which nothing here tells apart (`stageEdge` does).
 * @param networks the rows of each, such as seeds of one architecture, which are relabelled together
 * @throws as `permutationTest` does, such as for a network without blocks
 */
export function channelTests(
  networks: readonly (readonly EvenRow[])[],
  options: PermutationOptions = {},
): ChannelTest[] {
  const test = (among: ChannelTest["among"], chosen: (row: EvenRow) => boolean): ChannelTest => {
    const strata = networks.map((rows) => stratumOf(rows.filter(chosen)));
    return { among, ...permutationTest(strata, options) };
  };
  return [
    test("all layers", ({ stage }) => stage > 0),
    test("first convolutions", ({ layer }) => /\.block\d+\.conv1$/.test(layer)),
  ];
}
