// The command lines as a user calls them: separate processes, real CIFAR-10.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, test } from "node:test";
import { encodeNetwork } from "../lib/checkpoints/network-file";
import { encodeTorchState } from "../lib/checkpoints/torch";
import { firstImages, loadCifar } from "../lib/data/cifar";
import { startEngine } from "../lib/engine/backend";
import { isWritable } from "../lib/files/disk";
import { decodeSafetensors } from "../lib/files/safetensors";
import { initialParameters } from "../lib/networks/network";
import { specOf } from "../lib/networks/spec";
import { loadNetwork } from "../lib/runs/run-folder";
import { randomStream } from "../lib/statistics/random";
import { evaluate } from "../lib/training/evaluate";
import { npyBytes, npyLabels } from "./npy-file";
import { smallNetwork } from "./small";
import { checkpointFile } from "./torch-file";

const FOLDER = mkdtempSync(path.join(tmpdir(), "nontrivial-cli-"));
after(() => rmSync(FOLDER, { recursive: true, force: true }));
const inFolder = (name: string) => path.join(FOLDER, name);

function run(script: string, ...words: string[]) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ["--import", "tsx", `lib/cli/${script}.ts`, ...words],
    { encoding: "utf8" },
  );
  return { status, stdout, stderr };
}

const sweepOf = (dir: string, ...words: string[]) =>
  run("sweep", "--checkpoint", dir, "--results", inFolder("results"), "--json", inFolder("sweep.json"), ...words);

const SMALL = ["--network", "resnet8", "--images", "640", "--seed", "3"];

test("train and sweep print their options with --help, and name an option or a value that they do not know", () => {
  const help = run("train", "--help");
  assert.equal(help.status, 0);
  for (const option of ["--network", "--epochs", "--seed", "--out"]) assert.match(help.stdout, new RegExp(option));
  const unknown = run("sweep", "--checkpiont", "x");
  assert.equal(unknown.status, 2);
  assert.match(
    unknown.stderr,
    /Unknown option '--checkpiont'.*Did you mean --checkpoint\? Known options: --checkpoint/,
  );
  const depth = run("train", "--network", "resnet21");
  assert.equal(depth.status, 1);
  assert.match(depth.stderr, /the depth has to be 6n\+2/);
  assert.match(run("train", "--preset", "slow").stderr, /Cannot find the preset "slow": expected quick, fast, he/);
  assert.match(
    run("train", "--epochs", "many").stderr,
    /Cannot read --epochs "many": expected a whole number of at least 1/,
  );
});

test("train leaves a run folder that sweep reads, with the counts of the first images as JSON", () => {
  const dir = inFolder("run");
  const trained = run("train", ...SMALL, "--epochs", "1", "--out", dir);
  assert.equal(trained.status, 0, trained.stderr);
  assert.deepEqual(readdirSync(dir).sort(), ["run.json", "start.safetensors", "weights.safetensors"]);
  const swept = sweepOf(dir, "--images", "300");
  assert.equal(swept.status, 0, swept.stderr);
  assert.match(swept.stdout, /stage3\.block1\.conv2/);
  const report = JSON.parse(readFileSync(inFolder("sweep.json"), "utf8"));
  assert.equal(report.images, 300);
  assert.ok(report.baseline.correct > 0 && report.seconds > 0 && typeof report.network === "string");
  assert.equal(report.layers.length, 7);
  for (const { layer, correct, lost, gained, flips } of report.layers) {
    assert.equal(report.baseline.correct - lost + gained, correct, layer);
    assert.ok(flips >= lost + gained, layer);
  }
});

test("train and sweep say where bfloat16 is slower than float32, and refuse other precisions", async () => {
  const { fastBfloat16 } = await startEngine();
  const notice = /about ten times slower than float32 on this processor/;
  const swept = sweepOf("data/runs/resnet8-seed1", "--images", "20", "--precision", "bfloat16");
  assert.equal(swept.status, 0, swept.stderr);
  assert.equal(notice.test(swept.stderr), !fastBfloat16);
  assert.doesNotMatch(sweepOf("data/runs/resnet8-seed1", "--images", "20").stderr, notice);
  const refused = run("train", "--precision", "float64");
  assert.equal(refused.status, 2);
  assert.match(refused.stderr, /Cannot compute in "float64": expected float32 or bfloat16/);
});

test("sweep takes sets of layers, keeps what it computed, and says what it did with them", () => {
  const dir = "data/runs/resnet20-seed1";
  const report = () => JSON.parse(readFileSync(inFolder("sweep.json"), "utf8"));
  const nothing = sweepOf(dir, "--images", "100", "--set", "blocks", "--resume");
  assert.match(nothing.stderr, /Cannot go on with a sweep of resnet20-seed1: ".*" holds nothing of it/);
  const blocks = sweepOf(dir, "--images", "100", "--set", "blocks", "--stop");
  assert.equal(blocks.status, 0, blocks.stderr);
  assert.match(blocks.stderr, /worst stage\d\.block\d \d+\.\d\d pp, best stage/);
  assert.match(blocks.stdout, /^resnet20-seed1, two layers' kernels set to zero, 100 images$/m);
  assert.equal(report().layers.length, 9);
  assert.ok(
    report().layers.some(({ look, images }: { look?: string; images: number }) => look === "stopped" && images < 100),
  );
  const again = sweepOf(dir, "--images", "100", "--set", "blocks", "--stop", "--resume");
  assert.equal(again.stdout.split("\n").slice(0, 11).join(), blocks.stdout.split("\n").slice(0, 11).join());

  const two = ["--images", "50", "--layers", "stage2.block3.*"];
  assert.match(sweepOf(dir, ...two, "--set", "pairs").stdout, /stage2\.block3\.conv1 +stage2\.block3\.conv2/);
  assert.equal(report().synergies.length, 1);
  assert.match(sweepOf(dir, ...two, "--set", "greedy", "--training", "50").stdout, /2 +stage2\.block3\.conv/);
  assert.equal(report().order.length, 2);
  assert.match(sweepOf(dir, ...two, "--set", "random").stdout, /orders +mean accuracy/);
  assert.equal(report().orders.length, 20);
  const noisy = sweepOf(dir, ...two, "--operator", "noise:.5");
  assert.match(noisy.stdout, /^resnet20-seed1, one layer changed by noise:0\.5, 50 images$/m);
  assert.equal(report().operator, "noise:0.5");
  assert.match(
    sweepOf(dir, "--layers", "stem.conv", "--set", "pairs").stderr,
    /Cannot pair layers: expected at least two/,
  );
  const rounded = sweepOf(dir, ...two, "--precision", "bfloat16");
  assert.match(rounded.stdout, /bfloat16 changed \d+ of 150 predictions/);

  assert.match(sweepOf(dir, "--set", "pairs", "--stop").stderr, /Cannot stop early with --set pairs/);
  assert.match(sweepOf(dir, "--set", "triples").stderr, /Cannot find the sets "triples"\. Known:\n {2}single/);
});

test("sweep --exact writes verdicts with the bounds that are known, and is refused with what cannot be exact", () => {
  const dir = "data/runs/resnet8-seed1";
  const { status, stdout, stderr } = sweepOf(dir, "--images", "300", "--exact", "--margin", "2");
  assert.equal(status, 0, stderr);
  assert.match(
    stdout,
    /^resnet8-seed1, one layer's kernel set to zero, verdicts as with 300 images, from \d+ a layer$/m,
  );
  assert.match(stdout, /\d non-trivial.* at 2\.0 pp, as with all 300 images$/m);
  const { images, margin, verdicts } = JSON.parse(readFileSync(inFolder("sweep.json"), "utf8"));
  assert.deepEqual([images, margin, verdicts.length], [300, 0.02, 7]);
  for (const { dropAtLeast, dropAtMost } of verdicts) assert.ok(dropAtLeast <= dropAtMost);
  assert.match(sweepOf(dir, "--exact", "--stop").stderr, /Cannot both stop and be exact/);
  assert.match(sweepOf(dir, "--exact", "--precision", "bfloat16").stderr, /Cannot be exact in bfloat16/);
  assert.match(sweepOf(dir, "--exact", "--set", "pairs").stderr, /Cannot stop early with --set pairs/);
});

test("a training that is killed goes on from its last epoch and ends with the bits of an uninterrupted one", async () => {
  const words = ["--import", "tsx", "lib/cli/train.ts", ...SMALL, "--epochs", "2"];
  const [whole, killed] = [inFolder("whole"), inFolder("killed")];
  spawnSync(process.execPath, [...words, "--out", whole]);
  const child = spawn(process.execPath, [...words, "--out", killed], { stdio: "ignore" });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  const checkpoint = path.join(killed, "checkpoint.safetensors");
  while (!existsSync(checkpoint) && child.exitCode === null) await new Promise((resolve) => setTimeout(resolve, 20));
  child.kill("SIGKILL");
  await ended;
  assert.ok(!existsSync(path.join(killed, "run.json")), "it was killed before its end");
  const other = run("train", ...SMALL.slice(0, -1), "4", "--epochs", "2", "--out", killed);
  assert.match(other.stderr, /Cannot go on from ".*": it has config\.seed 3, wanted 4/);
  const resumed = run("train", ...SMALL, "--epochs", "2", "--out", killed);
  assert.match(resumed.stdout, /Going on after epoch 1/);
  const bytes = (dir: string) => readFileSync(path.join(dir, "weights.safetensors"));
  const tensors = (dir: string) => bytes(dir).subarray(8 + Number(bytes(dir).readBigUInt64LE()));
  assert.ok(tensors(killed).equals(tensors(whole)));
  assert.ok(!existsSync(checkpoint));
  const again = run("train", ...SMALL, "--epochs", "2", "--out", killed);
  assert.match(
    again.stdout,
    /10000 test images right after 2 epochs.*it was there already: --out names another folder/,
  );
});

test("sweep says in one line what is wrong with a checkpoint, and writes nothing", () => {
  const missing = run("sweep", "--checkpoint", inFolder("nowhere"), "--json", inFolder("none.json"));
  assert.equal(missing.status, 1);
  assert.match(
    missing.stderr,
    /Cannot load a network from ".*nowhere": there is no such file or folder; in data\/runs there are .*resnet20-seed1/,
  );
  writeFileSync(inFolder("damaged.th"), "not a checkpoint");
  assert.match(
    run("sweep", "--checkpoint", inFolder("damaged.th")).stderr,
    /Cannot load a network from ".*damaged\.th": /,
  );
  assert.ok(!existsSync(inFolder("none.json")));
});

test("train says which file of CIFAR-10 is missing and how to get it", () => {
  const { status, stderr } = run("train", "--data", inFolder("no-data"), "--out", inFolder("never"));
  assert.equal(status, 1);
  assert.match(stderr, /no-data/);
  assert.match(stderr, /npm run data/);
  assert.ok(!existsSync(inFolder("never")));
});

test("sweep tests on images and labels in .npy files, and says which data set it was", async () => {
  const images = firstImages(await loadCifar("cifar10", "test"), 60);
  writeFileSync(inFolder("x.npy"), npyBytes([60, 32, 32, 3], images.images));
  writeFileSync(inFolder("y.npy"), npyLabels(images.labels));
  const report = () => JSON.parse(readFileSync(inFolder("sweep.json"), "utf8"));
  const files = ["--images-file", inFolder("x.npy"), "--labels-file", inFolder("y.npy")];
  const one = ["--layers", "stem.conv"];
  const swept = sweepOf("data/runs/resnet8-seed1", ...one, ...files);
  assert.equal(swept.status, 0, swept.stderr);
  const { layers, baseline, dataset } = report();
  assert.deepEqual([dataset.name, dataset.classes, layers[0].images], ["x", 10, 60]);
  assert.equal(sweepOf("data/runs/resnet8-seed1", ...one, "--images", "60").status, 0);
  assert.deepEqual([report().layers, report().baseline, report().dataset.name], [layers, baseline, "cifar10"]);
  const later = sweepOf("data/runs/resnet8-seed1", ...one, ...files, "--skip", "20", "--images", "30");
  assert.equal(later.status, 0, later.stderr);
  const labels = images.labels.subarray(20, 50);
  const { predictions } = await evaluate(await loadNetwork("data/runs/resnet8-seed1"), images);
  assert.equal(report().baseline.correct, labels.filter((label, image) => predictions[20 + image] === label).length);
  assert.equal(sweepOf("data/runs/resnet8-seed1", ...files, "--skip", "60").status, 2);
  const half = sweepOf("data/runs/resnet8-seed1", ...one, "--images-file", inFolder("x.npy"));
  assert.deepEqual([half.status, /--images-file and --labels-file are given together/.test(half.stderr)], [2, true]);
  // The classes are those of the data set named: ten outputs do not fit a hundred.
  const hundred = sweepOf("data/runs/resnet8-seed1", ...one, ...files, "--dataset", "cifar100");
  assert.equal(hundred.status, 1);
  assert.match(
    hundred.stderr,
    /"resnet8-seed1" on the dataset "x": it has 10 outputs, but the dataset has 100 classes/,
  );
});

test("sweep and export say what they assumed of an imported network, and take a normalization and weights", () => {
  const dict = decodeSafetensors(encodeTorchState(smallNetwork("resnet8-w4"))).tensors;
  const file = inFolder("theirs.th");
  writeFileSync(file, checkpointFile({ model: dict, model_ema: dict }));
  const few = ["--images", "20", "--layers", "stem.conv"];
  const swept = sweepOf(file, ...few);
  assert.equal(swept.status, 0, swept.stderr);
  const weights = /averaged \(in "model_ema"\), not raw \(in "model"\)/;
  for (const text of [swept.stderr, swept.stdout]) {
    assert.match(text, weights);
    assert.match(text, /normalization: mean 0\.485, 0\.456, 0\.406 and deviation 0\.229/);
  }
  assert.match(
    swept.stderr,
    /^Assumed of theirs: .* Of a PyTorch file, others are given by --mean, --std, --plain, --weights$/m,
  );
  const report = () => JSON.parse(readFileSync(inFolder("sweep.json"), "utf8"));
  assert.match(report().assumed.weights, weights);
  const given = sweepOf(file, ...few, "--mean", "0.5,0.4,0.3", "--std", "0.2,0.2,0.3", "--weights", "raw");
  assert.doesNotMatch(given.stdout, /normalization/);
  assert.deepEqual(report().normalization, { mean: [0.5, 0.4, 0.3], std: [0.2, 0.2, 0.3] });
  assert.match(report().assumed.weights, /^raw /);
  const out = inFolder("own.safetensors");
  const exported = run("export", "--checkpoint", file, "--out", out, "--mean", "0.5,0.4,0.3", "--std", "0.2,0.2,0.3");
  assert.match(exported.stderr, /^Assumed of theirs: weights: averaged/m);
  assert.match(sweepOf(out, ...few).stderr, /^Assumed of theirs: weights: averaged/m, "it goes on with the file");
  assert.equal(sweepOf(file, "--mean", "0.5,0.4,0.3").status, 2);
  const committed = sweepOf("data/runs/resnet8-seed1", ...few, "--weights", "raw");
  assert.match(committed.stderr, /this project wrote it, which says everything itself: expected no other weights/);
});

test("sweep and train refuse a network whose outputs are not the classes of the data, and a data set without a name", () => {
  const spec = specOf("resnet8-w4", 100);
  const network = { ...smallNetwork("resnet8-w4"), spec, parameters: initialParameters(spec, randomStream(1, "cli")) };
  writeFileSync(inFolder("hundred.safetensors"), encodeNetwork(network));
  for (const words of [[], ["--stop"], ["--set", "pairs"], ["--set", "greedy", "--training", "20"]]) {
    const { status, stderr } = sweepOf(inFolder("hundred.safetensors"), "--images", "50", ...words);
    assert.equal(status, 1, stderr);
    assert.match(stderr, /on the dataset "cifar10": it has 100 outputs, but the dataset has 10 classes$/m);
  }
  for (const script of ["train", "sweep"]) {
    const missing = run(script, "--dataset", "cifar100", "--data", inFolder("no-data"));
    assert.match(
      missing.stderr,
      /no-data\/t\w+\.bin": no such file .*`npm run data -- --dataset cifar100` fetches CIFAR-100/,
    );
    const unknown = run(script, "--dataset", "cifar11");
    assert.equal(unknown.status, 2);
    assert.match(unknown.stderr, /Cannot find the data set "cifar11": expected cifar10 or cifar100/);
  }
});

test("runs writes a table of the finished trainings of a folder, and leaves out what has no run.json", () => {
  mkdirSync(inFolder("table/unfinished"), { recursive: true });
  cpSync(path.join("data", "runs", "resnet20-seed1"), inFolder("table/resnet20-seed1"), { recursive: true });
  const { status, stdout, stderr } = run("runs", "--dir", inFolder("table"));
  assert.equal(status, 0, stderr);
  assert.match(stdout, /trained networks listed: 1/);
  const table = readFileSync(inFolder("table/README.md"), "utf8");
  assert.match(
    table,
    /\| resnet20-seed1 \| resnet20 \| 269,722 \| 50,000 \| 30 \| float32 \| 1 \| 90\.83 \| 90\.25 to 91\.38 \|/,
  );
});

test("sweep --json - writes JSON alone to standard output, and what people read to the error output", () => {
  const words = ["--checkpoint", "data/runs/resnet8-seed1", "--results", inFolder("results"), "--images", "40"];
  const { status, stdout, stderr } = run("sweep", ...words, "--json", "-");
  assert.equal(status, 0, stderr);
  assert.equal(JSON.parse(stdout).images, 40);
  assert.match(stderr, /7 ablations, 40 images/);
  const csv = run("sweep", ...words, "--csv", "-")
    .stdout.trim()
    .split("\n");
  assert.deepEqual([csv.length, csv[0].split(",")[0]], [8, "layer"]);
  assert.match(run("sweep", ...words, "--csv", "-", "--json", "-").stderr, /^Cannot write both --json and --csv/);
});

test("sweep --all refuses what it would not obey, and train without --out keeps away from committed runs", () => {
  const refused = run("sweep", "--all", "--images", "5", "--exact", "--set", "pairs", "--seed", "2");
  assert.equal(refused.status, 2);
  assert.match(refused.stderr, /^Cannot combine --all, .*, with --set, --exact, --images;/);
  assert.match(run("train", "--help").stdout, /--out DIR +run folder \(data\/local\/NETWORK-seedN/);
  assert.match(readFileSync(".gitignore", "utf8"), /^data\/local\/$/m);
});

test("a folder is writable where it or the first one above that is there can be written", () => {
  writeFileSync(inFolder("file"), "");
  const found = [inFolder("new/results"), FOLDER, inFolder("file"), inFolder("file/results"), "/proc/1/results"];
  assert.deepEqual(found.map(isWritable), [true, true, false, false, false]);
});
