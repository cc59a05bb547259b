// Tables of a study: what there is to do, what is there and what is missing, and what came out so far.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fromCSV } from "arquero";
import { meanOf, sumOf } from "../statistics/summary";
import type { Job } from "../study/jobs";
import { type OpenStudy, outcomeOf } from "../study/open-study";
import type { Became, JobState } from "../study/state";
import { type Table, tableOf } from "./table";

/** The jobs of a study by network and by what is done: how many, how many are done, and the estimated hours of one and of all. */
export function jobTable(states: readonly JobState[]): Table {
  return tableOf(
    grouped(states, ({ job }) => `${job.network} ${whatOf(job)}`).map((group) => {
      const [{ job }] = group;
      const done = group.filter(({ became }) => became === "done").length;
      const hours = sumOf(group.map((each) => each.job.seconds)) / 3600;
      return {
        network: job.network,
        job: whatOf(job),
        jobs: group.length,
        done,
        "hours each": job.seconds / 3600,
        hours,
      };
    }),
  );
}

const whatOf = ({ kind, recipe, sweep }: Job): string =>
  kind === "training" ? `train ${recipe}` : `sweep ${sweep!.name}`;

/** The jobs that are not done, with what became of them and the last line that they said; those that failed first. */
export function missingTable(states: readonly JobState[], folder: string): Table {
  const order: Became[] = ["failed", "stopped", "running", "waiting"];
  const missing = states.filter(({ became }) => became !== "done");
  const sorted = [...missing].sort((a, b) => order.indexOf(a.became) - order.indexOf(b.became));
  return tableOf(
    sorted.map(({ job, became, last = "" }) => ({
      run: job.run,
      job: whatOf(job),
      became,
      log: became === "waiting" ? "" : join(folder, job.log),
      last,
    })),
  );
}

/**
 * What came out of a study so far, one line for each network, recipe and sweep: how many seeds are there, their mean test accuracy, the mean
 * drop over their layers, and the mean number of layers that are called non-trivial, undecided and trivial.
 * @throws Error when a file of the study is damaged
 */
export function studyTable(study: OpenStudy): Table {
  const sweeps = study.jobs.filter(({ kind }) => kind === "sweep");
  const accuracies = new Map(
    study.jobs
      .filter(({ kind }) => kind === "training")
      .map((job) => [job.run, outcomeOf(study.folder, job)?.accuracy]),
  );
  return tableOf(
    grouped(sweeps, (job) => `${job.network} ${job.recipe} ${job.sweep!.name}`).map((jobs) => {
      const [{ network, recipe, sweep }] = jobs;
      const trained = jobs.flatMap(({ run }) => accuracies.get(run) ?? []);
      const swept = jobs.flatMap((job) => sweptOf(study.folder, job));
      const mean = (what: (each: Swept) => number) => (swept.length ? meanOf(swept.map(what)) : null);
      return {
        ...{ network, recipe, sweep: sweep!.name, seeds: jobs.length, trained: trained.length, swept: swept.length },
        "test accuracy %": trained.length ? 100 * meanOf(trained) : null,
        "mean drop pp": mean(({ drop }) => 100 * drop),
        "non-trivial": mean(({ verdicts }) => verdicts.filter((each) => each === "non-trivial").length),
        undecided: mean(({ verdicts }) => verdicts.filter((each) => each === "undecided").length),
        trivial: mean(({ verdicts }) => verdicts.filter((each) => each === "trivial").length),
      };
    }),
  );
}

interface Swept {
  readonly drop: number;
  readonly verdicts: readonly string[];
}

/** One sweep as its CSV says; none where it is not done. */
function sweptOf(folder: string, { output }: Job): Swept[] {
  const path = join(folder, output);
  if (!existsSync(path)) return [];
  const rows = fromCSV(readFileSync(path, "utf8").trimEnd()).objects() as {
    readonly drop: number;
    readonly verdict: string;
  }[];
  return [{ drop: meanOf(rows.map(({ drop }) => drop)), verdicts: rows.map(({ verdict }) => verdict) }];
}

function grouped<T>(all: readonly T[], keyOf: (item: T) => string): T[][] {
  const groups = new Map<string, T[]>();
  for (const item of all) {
    const group = groups.get(keyOf(item));
    if (group) group.push(item);
    else groups.set(keyOf(item), [item]);
  }
  return [...groups.values()];
}
