// A study of twelve trainings and their sweeps, here and on four Slurm nodes, of which two, and Snakemake, are killed: the same bytes.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { impatientProfile, kill, startCluster, whyNoCluster } from "./slurm";
import { count, type Part, tallyOf } from "./tally";

/** See this file's first line. */
export const study: Part = async ({ folder }) => {
  const why = whyNoCluster();
  if (why) {
    console.error(`No study was tried on Slurm: ${why}`);
    return [];
  }
  const [here, there] = ["here", "slurm"].map((name) => join(folder, `${name}.yaml`));
  for (const file of [here, there]) cpSync("data/studies/tiny.yaml", file);
  const profile = impatientProfile(folder);
  await ended(begun(here));
  const dir = join(folder, "cluster");
  const cluster = await startCluster(dir);
  try {
    const words = [there, "--profile", profile, "--jobs", "8"];
    const first = begun(...words);
    await until(first, () => done(there).length >= 4);
    cluster.kill("n2");
    for (const pid of processesOf(join(folder, "slurm"))) kill(pid);
    const atKill = done(there).length;
    const second = begun(...words);
    await until(second, () => done(there).length >= 12);
    cluster.kill("n3"); // and Snakemake begins its jobs elsewhere
    const code = await ended(second);
    console.error(
      `${atKill} of 36 jobs were done when node n2 and Snakemake were killed, 12 when n3 was; nodes ${cluster.nodesUsed().join(", ")} computed`,
    );
    const end = tallyOf("a study whose nodes and Snakemake were killed ends on Slurm");
    const log = readFileSync(join(folder, "slurm", "snakemake.log"), "utf8");
    await count(end, "again", () => assert.equal(code, 0, log.slice(-3000)));
    const bytes = tallyOf("what it leaves there has the same bytes as here");
    for (const name of results(join(folder, "here")))
      await count(bytes, name, () =>
        assert.ok(readFileSync(join(folder, "here", name)).equals(readFileSync(join(folder, "slurm", name)))),
      );
    return [end, bytes];
  } finally {
    cluster.stop();
  }
};

function begun(...words: string[]): ChildProcess {
  return spawn(process.execPath, ["lib/cli/start.mjs", "lib/cli/study.ts", ...words], {
    stdio: ["ignore", "inherit", "inherit"],
  });
}

const ended = async (child: ChildProcess): Promise<number | null> => (await once(child, "close"))[0];

async function until(child: ChildProcess, holds: () => boolean): Promise<void> {
  while (!holds()) {
    if (child.exitCode !== null) throw new Error("the study ended before anything was killed");
    await sleep(200);
  }
}

/** The files of a study that say that a job is done. */
function done(file: string): string[] {
  const dir = file.replace(/\.yaml$/, "");
  return ["trained", "sweeps"]
    .map((name) => join(dir, name))
    .filter(existsSync)
    .flatMap((name) =>
      (readdirSync(name, { recursive: true }) as string[]).filter((each) => /\.(json|csv)$/.test(each)),
    );
}

/** Snakemake and what started it, not the jobs on the nodes: all processes that name a folder in their words and no node around them. */
function processesOf(folder: string): number[] {
  const numbers = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  const isOurs = (pid: string) => {
    try {
      const text = (file: string) => readFileSync(`/proc/${pid}/${file}`, "utf8");
      return text("cmdline").includes(folder) && !text("environ").includes("SLURMD_NODENAME=");
    } catch {
      return false; // it has ended
    }
  };
  return numbers.filter(isOurs).map(Number);
}

/** What has to be the same: every weight, outcome and table; run.json also says when it was. */
function results(dir: string): string[] {
  const names = readdirSync(dir, { recursive: true }) as string[];
  return names.filter((name) => /(^study|^sweeps.*)\.csv$|^trained.*\.json$|^runs.*\.safetensors$/.test(name)).sort();
}
