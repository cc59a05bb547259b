// npm run study: many trainings and their sweeps, on this computer or on a cluster, by Snakemake.
import { defineCommand, type GivenTo, runCommand, UsageError, wholeNumber } from "./command";
import { fromHere } from "./options.mjs";

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
    profile: {
      value: "NAME",
      help: "slurm (lib/study/profiles), or a Snakemake profile's name or folder; this computer without one",
      read: (_, text) => (text.includes("/") ? fromHere(text) : text),
    },
    table: { value: "FILE.csv", help: "only write what came out so far", isPath: true },
  },
});

async function studyCommand(given: Given, signal: AbortSignal): Promise<void> {
  if (given.study === undefined)
    throw new UsageError("Cannot run a study: expected its file, as in data/studies/tiny.yaml");
  const { answer } = await import("./study/answer"); // and what that takes to load, which help does not need
  await answer(given.study, given, signal);
}

// The study is what the command is about: it may come without an option's name.
if (process.argv[2] && !process.argv[2].startsWith("-")) process.argv.splice(2, 0, "--study");
void runCommand(COMMAND, studyCommand);
