// Several sweeps one after the other: operators on one network, or networks under one operator.
import type { Operator } from "../ablations/ablate";
import type { Dataset } from "../data/dataset";
import type { Network } from "../networks/network";
import type { ByOperator } from "../results/agreement";
import type { EvenSweep, Sweep } from "../results/matrix";
import { type EvenOptions, sweep, type SweepOptions } from "./sweep";

/**
 * One sweep for each operator, one after the other, over the same layers and images.
 * @param options those of `sweep`; progress counts the images of all sweeps
 * @throws RangeError when there is no operator; what `sweep` throws
 */
export async function sweepEach(
  network: Network,
  dataset: Dataset,
  operators: ByOperator<Operator>,
  options?: Omit<EvenOptions, "operator" | "operatorName">,
): Promise<ByOperator<EvenSweep>>;
export async function sweepEach(
  network: Network,
  dataset: Dataset,
  operators: ByOperator<Operator>,
  options?: Omit<SweepOptions, "operator" | "operatorName">,
): Promise<ByOperator<Sweep>>;
export async function sweepEach(
  network: Network,
  dataset: Dataset,
  operators: ByOperator<Operator>,
  options: Omit<SweepOptions, "operator" | "operatorName"> = {},
): Promise<ByOperator<Sweep>> {
  return inTurn(operators, dataset, options, (operator, operatorName, onProgress) =>
    sweep(network, dataset, { ...options, operator, operatorName, onProgress }),
  );
}

/**
 * One sweep for each network, such as the seeds of an architecture, one after the other over the same images.
 * @param networks by the names to call them by
 * @param options those of `sweep`; progress counts the images of all sweeps
 * @throws what `sweep` throws
 */
export async function sweepNetworks(
  networks: Readonly<Record<string, Network>>,
  dataset: Dataset,
  options: EvenOptions = {},
): Promise<Readonly<Record<string, EvenSweep>>> {
  return inTurn(networks, dataset, options, (network, _, onProgress) =>
    sweep(network, dataset, { ...options, onProgress }),
  );
}

/** One sweep after the other; their progress counts the images of all. */
async function inTurn<T, S extends Sweep>(
  items: Readonly<Record<string, T>>,
  { count }: Dataset,
  { onProgress }: Pick<SweepOptions, "onProgress">,
  run: (item: T, name: string, onProgress: (done: number) => void) => Promise<S>,
): Promise<Readonly<Record<string, S>>> {
  const entries = Object.entries(items);
  if (entries.length === 0)
    throw new RangeError("Cannot sweep one after the other: expected at least one but found none");
  const sweeps: [string, S][] = [];
  for (const [index, [name, item]] of entries.entries()) {
    const report = (done: number) => onProgress?.(index * count + done, entries.length * count);
    sweeps.push([name, await run(item, name, report)]);
  }
  return Object.fromEntries(sweeps);
}
