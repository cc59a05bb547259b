// Runs a study by Snakemake: installs it on first use, hands it the plan, shows one line of progress, and names what failed.
import { spawn } from "node:child_process";
import { existsSync, openSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join, resolve } from "node:path";
import { writeTogether } from "../../files/disk";
import { childEnvironment, ROOT } from "../../setup/environment.mjs";
import { setUp } from "../../setup/main.mjs";
import { createReport } from "../../setup/report.mjs";
import { snakemake, studyPython } from "../../setup/study.mjs";
import { planOf } from "../../study/jobs";
import { checkTrained, type OpenStudy } from "../../study/open-study";
import { type JobState, progressOf, statesNow } from "../../study/state";
import { print } from "../command";
import { studyText } from "./line";

/** Where a study is run. */
export interface Asked {
  readonly jobs?: number;
  readonly profile?: string;
}

const STUDIES = "lib/study";
const LOG = "snakemake.log";
/** How flock says that another process has the lock. */
const TAKEN = 75;

/**
 * Runs all that is not done.
 * @throws Error naming the logs of the jobs that failed, or Snakemake's own; Error where another process runs this study
 */
export async function runStudy(study: OpenStudy, asked: Asked, signal: AbortSignal): Promise<void> {
  checkTrained(study);
  const installed = await setUp({ steps: [snakemake], report: createReport({ quiet: true }) });
  if (!installed) throw new Error("Cannot run a study without Snakemake");
  const { file, folder } = study;
  const place = { root: ROOT, node: process.execPath, file: resolve(file), folder: resolve(folder) };
  const plan = new TextEncoder().encode(JSON.stringify({ ...planOf(study.study), ...place }));
  await writeTogether(folder, new Map([["plan.json", plan]]));
  const view = watch(study);
  const code = await run(folder, asked, signal).finally(() => view.end());
  if (code === 0) return;
  if (code === TAKEN)
    throw new Error(`Cannot run the study "${file}": another process runs it; --status shows how far it is`);
  if (signal.aborted) throw new Error("stopped; the same command goes on");
  throw new Error(failureOf(study));
}

/** Snakemake's exit code. Killed with this process, it ends as by Ctrl-C; its jobs get what it gets. */
function run(folder: string, asked: Asked, signal: AbortSignal): Promise<number | null> {
  const log = openSync(join(folder, LOG), "a");
  const alone = [
    "--pdeathsig",
    "INT",
    "flock",
    "--no-fork",
    "--nonblock",
    "--conflict-exit-code",
    String(TAKEN),
    join(folder, "study.lock"),
  ];
  const child = spawn("setpriv", [...alone, studyPython(ROOT), "-m", "snakemake", ...snakemakeWords(folder, asked)], {
    cwd: ROOT,
    env: { ...childEnvironment(), XDG_CACHE_HOME: join(ROOT, ".venv", "study", "cache"), PYTHONNOUSERSITE: "1" },
    stdio: ["ignore", log, log],
    detached: true,
  });
  signal.addEventListener("abort", () => process.kill(-child.pid!, "SIGINT"));
  return new Promise((done, fail) => child.on("error", fail).on("close", done));
}

/** What is asked of Snakemake, wherever it runs the jobs. */
export function snakemakeWords(folder: string, { jobs, profile }: Asked): string[] {
  const own = profile && join(ROOT, STUDIES, "profiles", profile);
  const many = jobs === undefined ? [] : ["--jobs", String(jobs)];
  return [
    ...["--snakefile", join(ROOT, STUDIES, "Snakefile"), "--directory", folder, "--workflow-profile", "none"],
    // Only a missing or older file is made again, not one whose command reads otherwise today; what was cut off begins again.
    ...["--rerun-triggers", "mtime", "--rerun-incomplete", "--keep-going"],
    // The lock is ours and ends with its process; nothing reads the metadata; the solver takes minutes for thousands of equal jobs.
    ...["--nolock", "--drop-metadata", "--scheduler", "greedy"],
    ...(profile
      ? ["--profile", own && existsSync(own) ? own : profile, ...many]
      : ["--cores", String(jobs ?? availableParallelism())]),
  ];
}

/** One line of progress, in place on a terminal and else when it changes; jobs that fail are named as they do. */
function watch(study: OpenStudy): { end(): void } {
  const { folder } = study;
  const named = new Set(failed(statesNow(study)).map(({ job }) => job.log));
  const begin = { share: progressOf(statesNow(study)).share, at: Date.now() };
  const inPlace = process.stderr.isTTY;
  let shown = "";
  const look = () => {
    const states = statesNow(study);
    for (const { job } of failed(states).filter((each) => !named.has(each.job.log))) {
      print(`${inPlace ? "\n" : ""}failed: ${job.run}, see ${join(folder, job.log)}`);
      named.add(job.log);
    }
    const line = studyText(states, begin);
    if (line !== shown)
      process.stderr.write(inPlace ? `\r\x1b[2K${line.slice(0, (process.stderr.columns || 80) - 1)}` : `${line}\n`);
    shown = line;
  };
  look();
  const timer = setInterval(look, inPlace ? 2000 : 10_000);
  return {
    end() {
      clearInterval(timer);
      look();
      if (inPlace) process.stderr.write("\n");
    },
  };
}

const failed = (states: readonly JobState[]) => states.filter(({ became }) => became === "failed");

function failureOf(study: OpenStudy): string {
  const { file, folder } = study;
  const logs = failed(statesNow(study)).map(({ job }) => join(folder, job.log));
  const where = logs.length
    ? `${logs.length} jobs failed, see ${logs.slice(0, 5).join(", ")}`
    : `see ${join(folder, LOG)}`;
  return `Cannot finish the study "${file}": ${where}; the same command goes on`;
}
