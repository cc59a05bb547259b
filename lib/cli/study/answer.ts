// What npm run study does, by its options.
import { basename, dirname } from "node:path";
import { writeTogether } from "../../files/disk";
import { openStudy, type OpenStudy } from "../../study/open-study";
import { statesNow } from "../../study/state";
import { toText } from "../../tables/render";
import { jobTable, missingTable, studyTable } from "../../tables/study";
import { print } from "../command";
import { studyText } from "./line";
import { type Asked, runStudy } from "./run";

/** How `npm run study` was called; without more, the study is run. */
interface Called extends Asked {
  readonly "dry-run": boolean;
  readonly status: boolean;
  readonly table?: string;
}

/** Lists a study's jobs, says how far it is, writes its table, or runs it. @throws Error when it cannot be read or finished */
export async function answer(file: string, called: Called, signal: AbortSignal): Promise<void> {
  const study = openStudy(file);
  if (called["dry-run"]) return printJobs(study);
  if (called.status) return printStatus(study);
  if (called.table) return writeTable(study, called.table);
  await runStudy(study, called, signal);
  print(toText(studyTable(study), { caption: `${study.folder}/study.csv`, limit: Infinity }));
}

function printJobs(study: OpenStudy): void {
  const states = statesNow(study);
  const { threads } = study.study;
  const hours = states.reduce((sum, { job, became }) => sum + (became === "done" ? 0 : job.seconds / 3600), 0);
  print(toText(jobTable(states), { caption: `Jobs of ${study.file}, ${threads} threads each`, limit: Infinity }));
  print(
    `${hours.toFixed(1)} hours of one job at a time are left, by estimate; with N jobs at a time about an Nth of it`,
  );
}

function printStatus(study: OpenStudy): void {
  const states = statesNow(study);
  print(studyText(states));
  const begun = states.filter(({ became }) => became !== "waiting");
  const missing = missingTable(begun, study.folder);
  if (missing.numRows()) print(toText(missing));
}

async function writeTable(study: OpenStudy, file: string): Promise<void> {
  const bytes = new TextEncoder().encode(studyTable(study).toCSV());
  await writeTogether(dirname(file), new Map([[basename(file), bytes]]));
  print(`${file} written`);
}
