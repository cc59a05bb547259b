// How far a study is, read from its files alone: so from any computer that sees them, while it runs or after.
import { closeSync, fstatSync, openSync, readdirSync, readSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Job } from "./jobs";
import type { OpenStudy } from "./open-study";

/** What became of a job: failed where its last try has, stopped where it began and nobody goes on with it. */
export type Became = "done" | "running" | "waiting" | "failed" | "stopped";

/** A job and what became of it. */
export interface JobState {
  readonly job: Job;
  readonly became: Became;
  /** When its output came or its log was written last, milliseconds since 1970. */
  readonly at?: number;
  /** The last line of its log, where it has begun and is not done. */
  readonly last?: string;
}

/** Jobs write into their log every ten seconds but while a graph is compiled; other computers may see it half a minute later. */
const SILENCE = 120_000;

const TAIL = 2000; // bytes of a log

/** How a job's log ends when its command has failed; the Snakefile writes it. */
const FAILED = /^■ ended with exit code \d+$/;

/**
 * What became of every job.
 * @param folder the study's
 * @param now milliseconds since 1970
 */
export function statesOf(folder: string, jobs: readonly Job[], now: number): JobState[] {
  const there = listings(folder);
  return jobs.map((job) => {
    if (there(job.output)) return { job, became: "done" };
    return there(job.log) ? begun(folder, job, now) : { job, became: "waiting" };
  });
}

/** What became of every job of a study until now. */
export const statesNow = ({ folder, jobs }: Pick<OpenStudy, "folder" | "jobs">): JobState[] =>
  statesOf(folder, jobs, Date.now());

/** Which files there are: every folder is read once, since asking for each of many files takes long where they are on a network. */
function listings(folder: string): (file: string) => boolean {
  const known = new Map<string, ReadonlySet<string>>();
  return (file) => {
    const dir = dirname(file);
    const names = known.get(dir) ?? namesIn(join(folder, dir));
    known.set(dir, names);
    return names.has(file.slice(dir.length + 1));
  };
}

function namesIn(dir: string): ReadonlySet<string> {
  try {
    return new Set(readdirSync(dir));
  } catch {
    return new Set(); // not made yet
  }
}

function begun(folder: string, job: Job, now: number): JobState {
  const { text, at } = endOf(join(folder, job.log));
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  const ended = FAILED.test(lines[lines.length - 1] ?? "");
  const became = ended ? "failed" : now - at < SILENCE ? "running" : "stopped";
  return { job, became, at, last: lines[lines.length - (ended ? 2 : 1)] ?? "" };
}

function endOf(path: string): { readonly text: string; readonly at: number } {
  const file = openSync(path, "r");
  try {
    const { size, mtimeMs } = fstatSync(file);
    const bytes = Buffer.alloc(Math.min(TAIL, size));
    readSync(file, bytes, 0, bytes.length, size - bytes.length);
    return { text: bytes.toString(), at: mtimeMs };
  } finally {
    closeSync(file);
  }
}

/** How much of a study there is. */
export interface Progress {
  readonly counts: Readonly<Record<Became, number>>;
  readonly trainings: Share;
  readonly sweeps: Share;
  /** The share of the work that is done, by its estimated length. */
  readonly share: number;
  /** Seconds until the end, as it went so far; undefined where nothing was done yet. */
  readonly left?: number;
}

interface Share {
  readonly done: number;
  readonly all: number;
}

/**
 * The same in numbers.
 * @param since how far it was, and when, at the moment from which its speed is measured
 */
export function progressOf(
  states: readonly JobState[],
  since?: { readonly share: number; readonly seconds: number },
): Progress {
  const counts = { done: 0, running: 0, waiting: 0, failed: 0, stopped: 0 };
  const kinds = { training: { done: 0, all: 0 }, sweep: { done: 0, all: 0 } };
  let [done, all] = [0, 0];
  for (const { job, became } of states) {
    counts[became]++;
    kinds[job.kind].all++;
    all += job.seconds;
    if (became !== "done") continue;
    kinds[job.kind].done++;
    done += job.seconds;
  }
  const share = all === 0 ? 1 : done / all;
  const gained = since ? share - since.share : 0;
  const left = since && gained > 0 ? ((1 - share) * since.seconds) / gained : undefined;
  return { counts, trainings: kinds.training, sweeps: kinds.sweep, share, left };
}
