// The sweep of a run by the name of its operator: read where it is kept beside the run, computed where it is not.
import { isDeepStrictEqual } from "node:util";
import { operatorNamed } from "../ablations/named";
import type { Dataset } from "../data/dataset";
import type { EvenSweep } from "../results/matrix";
import { dataOf, keptFacts, readSweep } from "../runs/kept-sweep";
import { loadRun, weightsDigest } from "../runs/run-folder";
import { type EvenOptions, sweep } from "./sweep";
import { describe } from "./sweep-file";

const FIRST_SEED = 1; // what `sweep` starts with where no other is asked for

/** What is kept is in float32, of single layers, with the first seed. */
export type KeptOptions = Omit<
  EvenOptions,
  "operator" | "operatorName" | "sets" | "layers" | "precision" | "seed" | "start"
>;

/**
 * The sweep of a run, as it is kept in its folder where it is and is about these images; else it is computed:
 * `await sweepRun("data/runs/plain20-seed1", test, "zeroFilters:0.5")`.
 * @param operator as the command line names it: only what a name stands for here can be told from what is kept
 * @throws RangeError where there is no such operator; Error where what is kept is damaged; what `loadRun` and `sweep` throw
 */
export async function sweepRun(
  dir: string,
  dataset: Dataset,
  operator = "zero",
  options: KeptOptions = {},
): Promise<EvenSweep> {
  const named = operatorNamed(operator);
  const { network, start } = await loadRun(dir);
  // What is kept does not say which reference images it had.
  const kept = options.fresh || options.reference ? undefined : await keptFacts(dir, operator);
  const data = kept && dataOf(dataset);
  if (kept?.seed === FIRST_SEED && isDeepStrictEqual(kept.data, data)) {
    const found = await readSweep(dir, { ...network, weights: weightsDigest(dir) }, dataset, operator, data);
    options.onProgress?.(dataset.count, dataset.count);
    await describe(options.results, found, network.spec, dataset);
    return found;
  }
  const layers = named.layersOf(network.spec);
  return sweep(network, dataset, { ...options, operator: named.operator, layers, start });
}
