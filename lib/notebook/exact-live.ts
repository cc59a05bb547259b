// Exact verdicts in a notebook cell: progress and a table that changes in place; interrupted, it goes on when the cell runs again.
import { operatorName, zero } from "../ablations/ablate";
import { interruptSignal } from "../engine/turn";
import type { Dataset } from "../data/dataset";
import type { Network } from "../networks/network";
import type { ExactVerdicts } from "../results/exact";
import { type ExactOptions, exactSteps } from "../sweeps/exact";
import { exactCaption, exactTable } from "../tables/exact";
import { counted } from "../text/format";
import { lastStep } from "./last-step";
import { alreadyShown, type LiveOptions, liveTable, progress } from "./show";
import type { SweepViewOptions } from "./sweep-live";
import { resultsFolder } from "./with-progress";

/** Everything that `exactVerdicts` takes, how the operator is called, and where results are kept (default data/results; false: nowhere). */
export type ExactLiveOptions = Omit<ExactOptions, "onProgress" | "signal" | "results"> &
  Pick<SweepViewOptions, "name" | "results" | "limit"> &
  LiveOptions;

/**
 * Says in a cell what a full sweep would say of each layer, from as many images as that takes:
 * `const { verdicts } = await exactLive(network, test, { margin: 0.01 })`.
 * A line of progress and the table of what is settled change in place. An interrupt (■) leaves what is settled, which stays so; the same
 * cell run again goes on.
 * @throws what `exactVerdicts` throws; the interrupt where it comes before the first batch
 */
export async function exactLive(
  network: Network,
  dataset: Dataset,
  options: ExactLiveOptions = {},
): Promise<ExactVerdicts> {
  const { results = resultsFolder(), limit = 60, clock, name = options.operatorName } = options;
  const line = progress(`${network.name}, verdicts`, "images", { clock });
  const [table, signal] = [liveTable({ clock }), interruptSignal()];
  const asked = {
    ...options,
    ...{ onProgress: line.update, signal, results: results || undefined },
    operatorName: name ?? operatorName(options.operator ?? zero),
  };
  const shown = (found: ExactVerdicts) => ({ caption: exactCaption(found), limit });
  try {
    const steps = exactSteps(network, dataset, asked);
    const found = await lastStep(steps, (step) => table.update(() => exactTable(step), shown(step)), signal);
    line.finish(endOf(found));
    await table.finish(exactTable(found), shown(found));
    return alreadyShown(found);
  } catch (error) {
    line.finish();
    throw error;
  }
}

/** What the line of progress says at the end. */
function endOf({ verdicts }: ExactVerdicts): string {
  const open = verdicts.filter(({ verdict, harm }) => verdict === undefined || harm === undefined).length;
  return open === 0 ? "every verdict is settled" : `stopped, ${counted(open, "verdict")} open; run again, it goes on`;
}
