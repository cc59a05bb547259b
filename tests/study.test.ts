// Studies: their files, jobs and states by hand, and one that is run here by Snakemake, killed, and goes on.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { studyText } from "../lib/cli/study/line";
import { jobsOf, planOf } from "../lib/study/jobs";
import { checkTrained, openStudy } from "../lib/study/open-study";
import { progressOf, statesOf } from "../lib/study/state";
import { parseStudy } from "../lib/study/study";
import { jobTable, missingTable, studyTable } from "../lib/tables/study";

const FOLDER = mkdtempSync(path.join(tmpdir(), "nontrivial-study-"));
after(() => rmSync(FOLDER, { recursive: true, force: true }));

const SMALL = "networks: [resnet8-w4, resnet20-B]\nseeds: 3-5\noperators: [zero, noise:0.5]\nimages: 100\n";

test("a study is read with its presets, seeds as a list or as the first and the last", () => {
  const study = parseStudy(SMALL);
  assert.deepEqual(study.seeds, [3, 4, 5]);
  assert.deepEqual(study.recipes, { fast: { preset: "fast" } });
  assert.deepEqual([study.sets, study.threads, study.gpus, study.shards], [["single"], 2, 0, 1]);
  assert.deepEqual(parseStudy("networks: vgg16\nseeds: [0, 7]").networks, ["vgg16"]);
});

test("what is wrong in a study's file is named by its line, its field, what it is and what was expected", () => {
  const wrong: [string, RegExp][] = [
    ["networks: [resnet8]\n", /^seeds is missing, expected it to be given$/],
    ["networks: [resnet21]\nseeds: 1", /^line 1: networks\[0\]: .*the depth has to be 6n\+2/],
    ["networks: [resnet8]\nseeds: [1, two]", /^line 2: seeds\[1\] is "two", expected a whole number of at least 0$/],
    ["networks: [resnet8]\nseeds: [1, 1]", /^line 2: seeds\[1\] is 1, expected each once$/],
    ["networks: [resnet8]\nseeds: 5-3", /^line 2: seeds is "5-3", expected the first and the last/],
    ["networks: [resnet8]\nseeds: 1\nsede: 2", /^line 3: sede is unknown, expected dataset, networks, seeds/],
    [
      "networks: [resnet8]\nseeds: 1\nrecipes:\n  a: { epoch: 3 }",
      /^line 4: recipes\.a\.epoch is unknown, expected preset/,
    ],
    ["networks: [resnet8]\nseeds: 1\nrecipes:\n  a-b: {}", /^line 4: recipes\.a-b is "a-b", expected a name of small/],
    ["networks: [resnet8]\nseeds: 1\noperators: [zreo]", /^line 3: operators\[0\]: Cannot find the operator "zreo"/],
    ["networks: [resnet8\nseeds: 1", /^line 2: /],
    ["- 1", /^line 1: the study is \[1\], expected the fields/],
  ];
  for (const [text, message] of wrong) assert.throws(() => parseStudy(text), { message });
});

test("every network, recipe and seed is trained once and swept with every operator, each into a file of its own", () => {
  const jobs = jobsOf(parseStudy(SMALL));
  assert.equal(jobs.length, 6 + 12);
  assert.equal(new Set(jobs.flatMap(({ output, log }) => [output, log])).size, 36);
  assert.equal(jobs[0].output, "trained/resnet8-w4-fast-seed3.json");
  assert.equal(jobs[17].output, "sweeps/noise_0.5-single-100/resnet20-B-fast-seed5.csv");
  const plan = planOf(parseStudy(`${SMALL}recipes:\n  a: { preset: he, epochs: 2, held-out: 500 }\n`));
  assert.equal(plan.recipes.a, "'--preset' 'he' '--epochs' '2' '--held-out' '500'");
  assert.equal(
    plan.sweeps["zero-single-100"],
    "'--dataset' 'cifar10' '--operator' 'zero' '--set' 'single' '--images' '100'",
  );
  assert.equal(plan.minutes["resnet20-B zero-single-100"], 60);
});

/** A study's file in a folder of its own. */
function written(name: string, text: string): string {
  const file = path.join(FOLDER, `${name}.yaml`);
  writeFileSync(file, text);
  return file;
}

function put(file: string, text: string): void {
  mkdirSync(path.dirname(file), { recursive: true });
  appendFileSync(file, text);
}

test("what became of each job is read from its files, and the table says what came out so far", () => {
  const study = openStudy(
    written("states", "networks: [resnet8]\nseeds: 1-3\nrecipes: { fast: { preset: fast, epochs: 2 } }\n"),
  );
  const inStudy = (file: string) => path.join(study.folder, file);
  const [first, second, third, sweep] = study.jobs;
  put(inStudy(first.output), JSON.stringify({ accuracy: 0.5, network: "resnet8", config: { epochs: 2 } }));
  put(inStudy(second.log), "epoch 1\n■ ended with exit code 1\n");
  put(inStudy(third.log), "▸ here\nepoch 1\n");
  put(inStudy(sweep.output), "layer,drop,verdict\nstem.conv,0.5,non-trivial\nfirst,0.1,undecided\n\n");
  const now = Date.now();
  const states = statesOf(study.folder, study.jobs, now);
  assert.deepEqual(
    states.map(({ became }) => became),
    ["done", "failed", "running", "done", "waiting", "waiting"],
  );
  assert.deepEqual([states[1].last, states[2].last], ["epoch 1", "epoch 1"]);
  utimesSync(inStudy(third.log), now / 1000 - 1000, now / 1000 - 1000);
  const later = statesOf(study.folder, study.jobs, now);
  assert.equal(later[2].became, "stopped");
  assert.match(
    studyText(later),
    /^3[34] % · 1 of three trainings, 1 of three sweeps · 2 waiting, 1 failed, 1 stopped$/,
  );
  assert.ok(Math.abs(progressOf(later, { share: 0, seconds: 60 }).left! - 120) < 2, "as fast as so far");
  assert.deepEqual(missingTable(later, study.folder).array("became"), ["failed", "stopped", "waiting", "waiting"]);
  assert.deepEqual(jobTable(later).array("done"), [1, 1]);
  const [row] = studyTable(study).objects() as Record<string, unknown>[];
  assert.deepEqual([row.seeds, row.trained, row.swept, row["mean drop pp"], row["non-trivial"]], [3, 1, 1, 30, 1]);
  assert.throws(
    () => checkTrained(study),
    /seed1\.json" is of another recipe: it has config\.seed undefined, wanted 1; give/,
  );
});

const SCRIPT = ["lib/cli/start.mjs", "lib/cli/study.ts"];
const TINY = `networks: [resnet8-w4]
seeds: 1
recipes:
  good: { preset: quick, epochs: 5, images: 1280, batch: 32 }
  bad: { preset: quick, epochs: 1, images: 10 }
images: 100
threads: 1
shards: 2
`;

test("a study killed in the middle goes on and ends with the bits of one that was not; a failed job is named and stops no other", async () => {
  const file = written("tiny", TINY);
  const inStudy = (name: string) => path.join(FOLDER, "tiny", name);
  const whole = ["--network", "resnet8-w4", "--preset", "quick", "--epochs", "5", "--images", "1280", "--batch", "32"];
  const words = ["lib/cli/start.mjs", "lib/cli/train.ts", ...whole, "--out", path.join(FOLDER, "whole")];
  const one = { TF_NUM_INTRAOP_THREADS: "1", TF_NUM_INTEROP_THREADS: "1" };
  assert.equal(spawnSync(process.execPath, words, { env: { ...process.env, ...one } }).status, 0);
  // All processes of it, Snakemake's and the jobs' too, are killed after the second epoch.
  const killed = spawn(process.execPath, [...SCRIPT, file, "--jobs", "2"], { stdio: "ignore" });
  const log = inStudy("logs/train/resnet8-w4-good-seed1.log");
  while (!existsSync(log) || !readFileSync(log, "utf8").includes("epoch 2:")) {
    assert.equal(killed.exitCode, null, "it runs until it is killed");
    await sleep(50);
  }
  for (const pid of processesOf(inStudy(""))) process.kill(pid, "SIGKILL");
  if (killed.exitCode === null) killed.kill("SIGKILL");
  assert.ok(!existsSync(inStudy("trained/resnet8-w4-good-seed1.json")));
  const again = spawnSync(process.execPath, [...SCRIPT, file, "--jobs", "2"], { encoding: "utf8" });
  assert.equal(again.status, 1);
  assert.match(again.stderr, /1 jobs failed, see .*logs\/train\/resnet8-w4-bad-seed1\.log/);
  assert.match(readFileSync(inStudy("logs/train/resnet8-w4-bad-seed1.log"), "utf8"), /10 images/);
  assert.match(readFileSync(log, "utf8"), /Going on after epoch [2-4]/);
  const weights = (dir: string) => readFileSync(path.join(dir, "weights.safetensors"));
  assert.ok(weights(inStudy("runs/resnet8-w4-good-seed1")).equals(weights(path.join(FOLDER, "whole"))));
  assert.equal(readdirSync(inStudy("shards/zero-single-100")).length, 2);
  assert.deepEqual(readdirSync(inStudy("sweeps/zero-single-100")), ["resnet8-w4-good-seed1.csv"]);
  const kept = ["trained", "sweeps/zero-single-100"].map((name) => inStudy(`${name}/resnet8-w4-good-seed1`));
  const files = [`${kept[0]}.json`, `${kept[1]}.csv`, inStudy("runs/resnet8-w4-good-seed1/weights.safetensors")];
  const soon = Date.now() / 1000 + 100;
  utimesSync(files[0], soon, soon);
  const before = files.map((name) => statSync(name).mtimeMs);
  // Its command lines read otherwise, and what was trained looks newer than its sweep.
  const edited = spawnSync(process.execPath, [...SCRIPT, written("tiny", TINY.replace("threads: 1", "threads: 2"))]);
  assert.equal(edited.status, 1);
  assert.deepEqual(
    files.map((name) => statSync(name).mtimeMs),
    before,
    "nothing that is done is done again",
  );
  const changed = written("tiny", TINY.replace("epochs: 5", "epochs: 6"));
  const refused = spawnSync(process.execPath, [...SCRIPT, changed], { encoding: "utf8" });
  assert.match(
    refused.stderr,
    /is of another recipe: it has config\.epochs 5, wanted 6; give the changed recipe another name/,
  );
  const status = spawnSync(process.execPath, [...SCRIPT, changed, "--status"], { encoding: "utf8" });
  assert.match(status.stdout, /1 of two trainings, 1 of two sweeps · 1 waiting, 1 failed/);
});

/** The numbers of all processes whose command lines have a text. */
function processesOf(text: string): number[] {
  const numbers = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  const has = (pid: string) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(text);
    } catch {
      return false; // it has ended
    }
  };
  return numbers.filter(has).map(Number);
}
