// Whole trainings in run folders: killed, refused, exploded, with held-out images, in half precision.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, test } from "node:test";
import { decodeSafetensors, encodeSafetensors } from "../lib/files/safetensors";
import { decodeSealed, encodeSealed } from "../lib/files/sealed";
import { lockFolder } from "../lib/files/folder-lock";
import { specOf } from "../lib/networks/spec";
import { loadProgress, type Session } from "../lib/runs/resume";
import { loadRun } from "../lib/runs/run-folder";
import { purposeOf, trainRun, type TrainRunOptions } from "../lib/runs/train-run";
import { randomStream } from "../lib/statistics/random";
import { evaluate } from "../lib/training/evaluate";
import type { Epoch } from "../lib/training/history";
import { FAST, type TrainConfig } from "../lib/training/recipe";
import { smallTraining } from "./killed";
import { expectNoLeak, smallDataset } from "./small";

const FOLDER = mkdtempSync(path.join(tmpdir(), "nontrivial-train-run-"));
after(() => rmSync(FOLDER, { recursive: true, force: true }));
const inFolder = (...names: string[]) => path.join(FOLDER, ...names);

const SPEC = specOf("resnet8-w4");
const CONFIG: TrainConfig = { ...FAST, epochs: 2, batch: 20, rate: 0.05, shift: 1 };
const DATA = { training: smallDataset(100), test: smallDataset(50, 2) };
const small = (dir: string, change: Partial<TrainConfig> = {}, options: TrainRunOptions = {}) =>
  trainRun(dir, SPEC, DATA, { ...CONFIG, ...change }, options);

const timeless = (history: readonly Epoch[]) => history.map((epoch) => ({ ...epoch, seconds: 0, imagesPerSecond: 0 }));

test("a training killed at three random steps ends with the bits and the history of an uninterrupted one", async () => {
  const [whole, killed] = [inFolder("whole", "run"), inFolder("killed", "run")];
  await smallTraining(whole);
  const random = randomStream(11, "places");
  const places = [0, 1, 2].map((part) => 1 + 13 * part + random.integer(13)); // of 40 steps, 10 in an epoch
  for (const step of [...places, 0]) {
    const child = ["--import", "tsx", path.join("tests", "killed.ts"), killed, String(step)];
    const { signal, status, stderr } = spawnSync(process.execPath, child, { encoding: "utf8" });
    if (step) assert.equal(signal, "SIGKILL", stderr);
    else assert.equal(status, 0, stderr);
    assert.equal(existsSync(path.join(killed, "run.json")), step === 0);
  }
  for (const file of ["weights.safetensors", "start.safetensors"])
    assert.ok(readFileSync(path.join(killed, file)).equals(readFileSync(path.join(whole, file))), file);
  const [found, wanted] = [await loadRun(killed), await loadRun(whole)];
  assert.deepEqual(timeless(found.history), timeless(wanted.history));
  assert.equal(found.accuracy, wanted.accuracy);
  assert.deepEqual(readdirSync(killed).sort(), ["run.json", "start.safetensors", "weights.safetensors"]);
  // Sessions are kept with the checkpoints that they saved: each began after the epochs that were whole when the one before was killed.
  const whens = [0, ...places.map((step) => Math.floor((step - 1) / 10))];
  const saving = whens.filter((epochs, index) => index === 3 || whens[index + 1] > epochs);
  assert.deepEqual(
    (found.provenance.sessions as Session[]).map(({ afterEpoch }) => afterEpoch),
    saving,
  );
});

test("trainRun() leaves a run whose accuracy is that of its files, and no tensor", () =>
  expectNoLeak(async () => {
    const dir = inFolder("complete");
    const run = await small(dir, {}, { now: () => new Date(0) });
    const found = await loadRun(dir);
    assert.equal((await evaluate(found.network, DATA.test)).accuracy, found.accuracy);
    assert.equal(run.accuracy, found.history[1].testAccuracy);
    assert.deepEqual(found.data, { name: "cifar10", sha256: DATA.training.sha256, images: 100, heldOut: 0 });
    assert.deepEqual([found.testImages, found.config, found.seed], [50, CONFIG, 1]);
    const { finished, node, tfjs, processor, cores, sessions } = found.provenance;
    assert.deepEqual([finished, node, tfjs], ["1970-01-01T00:00:00.000Z", process.versions.node, "4.22.0"]);
    assert.ok(typeof processor === "string" && Number(cores) > 0);
    const commit = found.provenance.commit;
    assert.deepEqual(sessions, [{ afterEpoch: 0, began: "1970-01-01T00:00:00.000Z", commit, processor }]);
  }));

test("trainRun() watches held-out images when there are some, and tests once, at the end", async () => {
  const dir = inFolder("held-out");
  const heldOut = smallDataset(30, 5);
  const run = await trainRun(dir, SPEC, { ...DATA, heldOut }, CONFIG);
  assert.ok(run.history.every((epoch) => epoch.heldOutAccuracy !== undefined && !("testAccuracy" in epoch)));
  const found = await loadRun(dir);
  assert.equal(found.data.heldOut, 30);
  assert.equal(found.accuracy, (await evaluate(found.network, DATA.test)).accuracy);
  assert.equal(found.history[1].heldOutAccuracy, (await evaluate(found.network, heldOut)).accuracy);
});

test("trainRun() saves half precision with the accuracy of the rounded kernels, in about half the bytes", async () => {
  const [exact, half] = [inFolder("exact"), inFolder("half")];
  const run = await small(half, { epochs: 1 }, { half: true });
  await small(exact, { epochs: 1 });
  const found = await loadRun(half);
  assert.equal(found.accuracy, (await evaluate(found.network, DATA.test)).accuracy);
  assert.deepEqual(found.network.parameters.get("dense.kernel"), run.network.parameters.get("dense.kernel"));
  const original = await loadRun(exact);
  for (const [name, { data }] of original.network.parameters) {
    const rounded = found.network.parameters.get(name)!.data;
    const most = name.endsWith(".kernel") ? 2 ** -11 : 0;
    data.forEach((value, index) =>
      assert.ok(Math.abs(rounded[index] - value) <= most * Math.abs(value) + 2 ** -25, name),
    );
  }
  for (const file of ["weights.safetensors", "start.safetensors"]) {
    const bytes = (dir: string) => readFileSync(path.join(dir, file));
    assert.match(bytes(half).toString("latin1"), /"stem.conv.kernel":\{"dtype":"F16"/);
    assert.match(bytes(half).toString("latin1"), /"stem.conv.gamma":\{"dtype":"F32"/);
    assert.ok(bytes(half).length < 0.75 * bytes(exact).length);
  }
});

test("only one training at a time writes into a folder; the second is told who does, and the next one finds it free", async () => {
  const dir = inFolder("taken");
  const first = small(
    dir,
    {},
    {
      onBegin: () =>
        assert.throws(() => lockFolder(dir, "checkpoint.lock"), /process \d+, which began at .*, is writing there/),
    },
  );
  const second = small(dir, { seed: 2 });
  await assert.rejects(
    second,
    new RegExp(`Cannot write into ".*taken": process ${process.pid}, which began at .*, is writing there`),
  );
  await first;
  assert.deepEqual(readdirSync(dir).sort(), ["run.json", "start.safetensors", "weights.safetensors"]);
  await small(dir, {}, { keep: true });
});

test("a folder that cannot be written is noticed before the first step, with its reason", async () => {
  const file = inFolder("file");
  writeFileSync(file, "");
  const onStep = () => assert.fail("a step was made");
  await assert.rejects(small(path.join(file, "run"), {}, { onStep }), /Cannot write into ".*": ENOTDIR/);
});

test("trainRun() does not take a finished run in full precision for one in half precision", async () => {
  const dir = inFolder("whole-or-half");
  await small(dir);
  await assert.rejects(small(dir, {}, { keep: true, half: true }), /it is not in half precision; use another folder/);
  await small(dir, {}, { fresh: true, half: true });
  assert.ok(await small(dir, {}, { keep: true, half: true }));
});

test("trainRun() keeps the last good checkpoint when the loss explodes, and says where", async () => {
  const dir = inFolder("exploded");
  // From the second epoch on, the rate is beyond all measure.
  const schedule = { name: "steps", at: [0.5], factor: 1e30 } as const;
  await assert.rejects(
    small(dir, { schedule }),
    /Cannot go on training after step \d+ \(epoch 2\): the loss is .*; a lower rate may help\. The state after epoch 1 is kept in ".*exploded"/,
  );
  assert.deepEqual(readdirSync(dir), ["checkpoint.safetensors"]);
  const { tensors } = decodeSafetensors(readFileSync(path.join(dir, "checkpoint.safetensors")));
  for (const [name, { data }] of tensors) assert.ok(data.every(Number.isFinite), name);
});

test("trainRun() refuses a folder with another training's run or checkpoint, names the field, and starts afresh if told to", async () => {
  const dir = inFolder("other");
  await small(dir, { epochs: 1 });
  await assert.rejects(
    small(dir, { epochs: 1, seed: 2 }),
    /Cannot train in ".*other", which holds another run: it has config\.seed 1, wanted 2; use another folder$/,
  );
  const stop = new AbortController();
  const stopping = { fresh: true, signal: stop.signal, onEpoch: () => stop.abort(new Error("enough")) };
  await assert.rejects(small(dir, { seed: 2 }, stopping), /enough/);
  await assert.rejects(
    small(dir, { seed: 3 }),
    /Cannot go on from ".*checkpoint.safetensors": it has config\.seed 2, wanted 3/,
  );
  const begins: number[] = [];
  await small(dir, { seed: 2 }, { onBegin: ({ length }) => void begins.push(length) });
  assert.deepEqual(begins, [1]);
  assert.equal((await loadRun(dir)).seed, 2);
  const kept = await small(dir, { seed: 2 }, { keep: true, onBegin: ({ length }) => void begins.push(length) });
  assert.deepEqual([begins, kept.seed], [[1], 2]);
});

/** A checkpoint of the small training, as it is after its first epoch. */
async function checkpointIn(dir: string): Promise<string> {
  const stop = new AbortController();
  const onEpoch = () => stop.abort(new Error("enough"));
  await assert.rejects(small(dir, {}, { signal: stop.signal, onEpoch }), /enough/);
  return path.join(dir, "checkpoint.safetensors");
}

test("a checkpoint that is not of this network is refused with what is wrong in it", async () => {
  const dir = inFolder("damaged");
  const file = await checkpointIn(dir);
  const { tensors, metadata } = decodeSealed(readFileSync(file));
  const refused = async (bytes: Uint8Array, message: RegExp) => {
    writeFileSync(file, bytes);
    await assert.rejects(small(dir), message);
  };
  const withTensors = (...changed: [string, Float32Array][]) =>
    encodeSealed({
      tensors: new Map([...tensors, ...changed.map(([name, data]) => [name, { shape: [10], data }] as const)]),
      metadata,
    });
  const without = new Map([...tensors].filter(([name]) => name !== "velocity/dense.bias"));
  await refused(encodeSealed({ tensors: without, metadata }), /of the velocities, dense\.bias \[10\] is missing/);
  await refused(withTensors(["parameter/dense.bias", new Float32Array(10).fill(NaN)]), /dense\.bias holds NaN/);
  await refused(
    withTensors(["velocity/dense.bias", new Float32Array(10).fill(-Infinity)]),
    /the velocity of dense\.bias holds -Infinity/,
  );
  const history = JSON.stringify([{ epoch: 2 }]);
  await refused(encodeSealed({ tensors, metadata: { ...metadata, history } }), /history\[0\]\.epoch is 2, expected 1/);
  await refused(encodeSafetensors(tensors, metadata), /has no SHA-256 of its content/);
});

test("a checkpoint in which a bit is flipped, a page is zero or the end is missing is never gone on from", async () => {
  const dir = inFolder("flipped");
  const file = await checkpointIn(dir);
  const whole = readFileSync(file);
  const purpose = purposeOf(SPEC, DATA, { ...CONFIG });
  const random = randomStream(12, "damage");
  assert.equal(loadProgress(dir, purpose)!.history.length, 1);
  const refused = (damaged: Uint8Array, what: string) => {
    writeFileSync(file, damaged);
    assert.throws(
      () => loadProgress(dir, purpose),
      /^Error: Cannot go on from ".*": .*; use another folder, or start afresh$/,
      what,
    );
  };
  for (let round = 0; round < 60; round++) {
    const flipped = Uint8Array.from(whole);
    const bit = random.integer(8 * whole.length);
    flipped[bit >> 3] ^= 1 << (bit & 7);
    refused(flipped, `bit ${bit}`);
    const zeroed = Uint8Array.from(whole);
    const start = random.integer(whole.length - 512);
    zeroed.fill(0, start, start + 512);
    refused(zeroed, `512 bytes at ${start}`);
    refused(whole.subarray(0, random.integer(whole.length)), "cut");
  }
});
