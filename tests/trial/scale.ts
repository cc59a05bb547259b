// A study of ten thousand jobs that do nothing: each is done, and once; and what Snakemake, the folder and Slurm cost, whatever jobs do.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { type Asked, snakemakeWords } from "../../lib/cli/study/run";
import { ROOT } from "../../lib/setup/environment.mjs";
import { setUp } from "../../lib/setup/main.mjs";
import { createReport } from "../../lib/setup/report.mjs";
import { snakemake, studyPython } from "../../lib/setup/study.mjs";
import { planOf } from "../../lib/study/jobs";
import { openStudy, type OpenStudy } from "../../lib/study/open-study";
import { statesNow } from "../../lib/study/state";
import { openResults } from "../../lib/sweeps/saved";
import { studyTable } from "../../lib/tables/study";
import { impatientProfile, startCluster, whyNoCluster } from "./slurm";
import { count, type Part, tallyOf } from "./tally";

const JOBS = 10_000;
const SLURM_JOBS = 100;
const LOCAL: Asked = { jobs: 1000 };

/** Stands in for Node.js: writes what the real command would leave, a training's outcome or a table, into the file that its last word names. */
const NOTHING = `#!/bin/sh
for last; do :; done
case "$last" in
*.json) echo '{"accuracy": 0.5}' > "$last" ;;
*) printf 'layer,drop,verdict\\nstem.conv,0.5,non-trivial\\n' > "$last" ;;
esac
echo >> "$0.count"
`;

/** See this file's first line. */
export const scale: Part = async ({ folder }) => {
  await setUp({ steps: [snakemake], report: createReport({ quiet: true }) });
  const done = tallyOf("each job of a study of ten thousand is done once");
  const study = planned(folder, "here", JOBS);
  await measured(`Snakemake plans ${JOBS} jobs`, () => run(study, LOCAL, "--dry-run", "--quiet"));
  await measured(`Snakemake runs them`, () => run(study, LOCAL));
  await measured(`Snakemake sees that all are done`, () => run(study, LOCAL));
  await count(done, "here", () => assert.equal(statSync(study.folder + COUNT).size, JOBS + 1));
  await measured("the states of all jobs are read", () => statesNow(study));
  await measured("the study's table is made", () => studyTable(study));
  const results = crowd(join(study.folder, "results"));
  await measured(`a sweep's results are opened among ${JOBS}`, () => openResults(results, nameOf(0), ONE));
  console.error(`${readdirSync(study.folder, { recursive: true }).length} files and folders are in the study's`);
  await onSlurm(folder, async (profile) => {
    const small = planned(folder, "slurm", SLURM_JOBS);
    await measured(`Snakemake runs ${SLURM_JOBS} jobs on four Slurm nodes`, () => run(small, { profile }));
    await count(done, "on Slurm", () => assert.equal(statSync(small.folder + COUNT).size, SLURM_JOBS + 1));
  });
  return [done];
};

const COUNT = ".sh.count";
const ONE = { rows: 1, images: 1 };

async function measured(what: string, body: () => unknown): Promise<void> {
  const begin = performance.now();
  const said = (await body()) as { readonly megabytes?: number } | undefined;
  const memory = said?.megabytes ? `, at most ${said.megabytes.toFixed(0)} MB` : "";
  console.error(`${what}: ${Number(((performance.now() - begin) / 1000).toPrecision(2))} s${memory}`);
}

async function onSlurm(folder: string, body: (profile: string) => Promise<void>): Promise<void> {
  const why = whyNoCluster();
  if (why) return console.error(`Nothing was measured on Slurm: ${why}`);
  const cluster = await startCluster(join(folder, "cluster"));
  await body(impatientProfile(folder)).finally(() => cluster.stop());
}

/** A study whose jobs, half of them trainings and half sweeps, do nothing. */
function planned(folder: string, name: string, jobs: number): OpenStudy {
  const file = join(folder, `${name}.yaml`);
  writeFileSync(file, `networks: [resnet8-w4]\nseeds: 1-${jobs / 2}\nthreads: 1\nmemory: 1\n`);
  const study = openStudy(file);
  const node = join(folder, `${name}.sh`);
  writeFileSync(node, NOTHING, { mode: 0o755 });
  mkdirSync(study.folder);
  const place = { root: ROOT, node, file, folder: study.folder };
  writeFileSync(join(study.folder, "plan.json"), JSON.stringify({ ...planOf(study.study), ...place }));
  return study;
}

/** Runs Snakemake as `npm run study` does. @returns the most memory that it had */
async function run({ folder }: OpenStudy, asked: Asked, ...more: string[]): Promise<{ readonly megabytes: number }> {
  const words = ["-m", "snakemake", ...snakemakeWords(folder, asked), ...more];
  const child = spawn(studyPython(ROOT), words, { stdio: "ignore", env: { ...process.env, PYTHONNOUSERSITE: "1" } });
  let megabytes = 0;
  const timer = setInterval(() => (megabytes = Math.max(megabytes, memoryOf(child.pid!))), 500);
  const [code] = await once(child, "close");
  clearInterval(timer);
  assert.equal(code, 0, `Snakemake ends well: ${words.join(" ")}`);
  return { megabytes };
}

function memoryOf(pid: number): number {
  try {
    return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) / 1024;
  } catch {
    return 0; // it has ended
  }
}

/** A folder of as many results as there are jobs. */
function crowd(dir: string): string {
  mkdirSync(dir);
  for (let index = 1; index <= JOBS; index++) writeFileSync(join(dir, `${nameOf(index)}.here.results`), "");
  return dir;
}

const nameOf = (index: number): string => createHash("sha256").update(String(index)).digest("hex");
