// npm run study: many trainings and their sweeps, on this computer or on a cluster, by Snakemake.
import { basename, dirname } from "node:path";
import { openStudy, type OpenStudy } from "../study/open-study";
import { statesOf } from "../study/state";
import { jobTable, missingTable, studyTable } from "../tables/study";
import { toText } from "../tables/render";
import { writeTogether } from "../files/disk";
import { defineCommand, type GivenTo, print, runCommand, UsageError, wholeNumber } from "./command";
import { studyText } from "./study/line";
import { runStudy } from "./study/run";

type Given = GivenTo<typeof COMMAND>;

const COMMAND = defineCommand({
  name: "study",
  summary: `Trains every network of a study with every recipe and seed, sweeps each, and makes one table: npm run study -- data/studies/tiny.yaml
What is done is not done again: stopped, killed or failed, the same command goes on.`,
  options: {
    study: { value: "FILE.yaml", help: "what to do; may also come first, without --study", isPath: true },
    "dry-run": { help: "only list the jobs and the hours that they are estimated to take" },
    status: { help: "only say how far it is, from any computer that sees the study's folder" },
    jobs: { value: "N", help: "processors to use here, or jobs at a time on a cluster", read: wholeNumber() },
    profile: { value: "NAME", help: "slurm (lib/study/profiles), or any Snakemake profile; this computer without one" },
    table: { value: "FILE.csv", help: "only write what came out so far", isPath: true },
  },
});

async function studyCommand(given: Given, signal: AbortSignal): Promise<void> {
  if (given.study === undefined)
    throw new UsageError("Cannot run a study: expected its file, as in data/studies/tiny.yaml");
  const study = openStudy(given.study);
  if (given["dry-run"]) return printJobs(study);
  if (given.status) return printStatus(study);
  if (given.table) return writeTable(study, given.table);
  await runStudy(study, given, signal);
  print(toText(studyTable(study), { caption: `${study.folder}/study.csv`, limit: Infinity }));
}

const statesNow = ({ folder, jobs }: OpenStudy) => statesOf(folder, jobs, Date.now());

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

// The study is what the command is about: it may come without an option's name.
if (process.argv[2] && !process.argv[2].startsWith("-")) process.argv.splice(2, 0, "--study");
void runCommand(COMMAND, studyCommand);
