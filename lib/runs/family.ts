// The trained networks with their full sweeps: what the notebooks on the paper's claims go on with.
import { join } from "node:path";
import { type Published, PUBLISHED } from "../checkpoints/published";
import type { Dataset } from "../data/dataset";
import { parameterCount } from "../networks/network";
import { specName } from "../networks/spec";
import { channelEnrichment, type Enrichment } from "../results/family";
import { type EvenRow, rowsOf } from "../results/rows";
import { randomStream } from "../statistics/random";
import { loadCollection, type Member } from "./collection";
import { dataOf, isKept, loadSweep, readSweep } from "./kept-sweep";

/** A network, and what each ablation does to it. */
export interface SweptNetwork extends Pick<Member, "run" | "network" | "parameters"> {
  readonly rows: readonly EvenRow[];
}

/** One that was trained here. */
export type SweptMember = Member & SweptNetwork;

/** One that others published. */
export type SweptPublished = Published & SweptNetwork;

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
  const data = dataOf(test);
  for (const member of members)
    swept.push({ ...member, rows: rowsOf(await loadSweep(join(dir, member.run), test, operator, data)) });
  return swept;
}

/**
 * The published networks whose sweep of an operator is kept, each in a folder of its name; the files of the networks are not needed.
 * @throws as `loadFamily` does
 */
export async function loadPublished(dir: string, test: Dataset, operator = "zero"): Promise<SweptPublished[]> {
  const kept = PUBLISHED.filter(({ name }) => isKept(join(dir, name), operator));
  if (kept.length === 0)
    throw new RangeError(
      `Cannot load published networks: expected kept sweeps of ${operator} in "${dir}" but found none`,
    );
  const swept: SweptPublished[] = [];
  const data = dataOf(test);
  for (const each of kept) {
    const { name, spec, sha256 } = each;
    const rows = rowsOf(await readSweep(join(dir, name), { name, spec, weights: sha256 }, test, operator, data));
    swept.push({ ...each, run: name, network: specName(spec), parameters: parameterCount(spec), rows });
  }
  return swept;
}

/** `channelEnrichment` of one network, with relabellings that are the same every time. @throws as it does */
export function enrichmentOf(rows: readonly EvenRow[], threshold?: number): Enrichment {
  return channelEnrichment(rows, { random: randomStream(1, "stage edges"), threshold });
}
