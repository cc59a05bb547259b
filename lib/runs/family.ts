// The trained networks with their full sweeps: what the notebooks on the paper's claims go on with.
import { join } from "node:path";
import type { Dataset } from "../data/dataset";
import { channelEnrichment, type Enrichment } from "../results/family";
import { type EvenRow, rowsOf } from "../results/rows";
import { randomStream } from "../statistics/random";
import { loadCollection, type Member } from "./collection";
import { isKept, loadSweep } from "./kept-sweep";

/** A trained network and what each ablation does to it. */
export interface SweptMember extends Member {
  readonly rows: readonly EvenRow[];
}

/**
 * The finished runs in a folder whose sweep of an operator is kept, the smallest network first.
 * @param test the images that were swept over
 * @throws what `loadCollection` and `loadSweep` throw; RangeError where no sweep is kept
 */
export async function loadFamily(dir: string, test: Dataset, operator = "zero"): Promise<SweptMember[]> {
  const members = (await loadCollection(dir)).filter(({ run }) => isKept(join(dir, run), operator));
  if (members.length === 0)
    throw new RangeError(
      `Cannot load a family: expected runs in "${dir}" with kept sweeps of ${operator} but found none`,
    );
  const swept: SweptMember[] = [];
  for (const member of members)
    swept.push({ ...member, rows: rowsOf(await loadSweep(join(dir, member.run), test, operator)) });
  return swept;
}

/** `channelEnrichment` of one network, with relabellings that are the same every time. @throws as it does */
export function enrichmentOf(rows: readonly EvenRow[], threshold?: number): Enrichment {
  return channelEnrichment(rows, { random: randomStream(1, "stage edges"), threshold });
}
