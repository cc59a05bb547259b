import assert from "node:assert/strict";
import { test } from "node:test";
import { atRest, openTrainer } from "../lib/trainer";
import { batchOf } from "../lib/batches";
import { CIFAR10_NORMALIZATION, initialParameters, specOf } from "../lib/network";
import { randomStream } from "../lib/random";
import { FAST, learningRate, type Progress, train, type TrainConfig } from "../lib/train";
import { bitsOf, expectNoLeak, smallDataset } from "./small";

const SPEC = specOf("resnet8-w4");
const CONFIG: TrainConfig = { ...FAST, epochs: 3, batch: 20, rate: 0.05, shift: 1 };

test("train() learns to tell coloured images apart, and leaves no tensor behind", () =>
  expectNoLeak(async () => {
    const { history } = await train(SPEC, smallDataset(400), CONFIG, { test: smallDataset(200, 2) });
    assert.equal(history.length, 3);
    assert.ok(history[2].trainLoss < history[0].trainLoss / 1.5, `losses ${history.map((epoch) => epoch.trainLoss)}`);
    assert.ok(history[2].testAccuracy! > 0.5, `test accuracy ${history[2].testAccuracy}`);
  }));

test("train() with the same seed gives the same weights to the last bit, and others with another seed", async () => {
  const run = async (seed: number) =>
    bitsOf((await train(SPEC, smallDataset(100), { ...CONFIG, seed, epochs: 2 })).network);
  const [first, again, other] = [await run(1), await run(1), await run(2)];
  assert.equal(first, again);
  assert.notEqual(first, other);
});

test("train() that goes on after its first epoch ends with the bits and losses of an uninterrupted training", async () => {
  let saved: Progress | undefined;
  const keep = ({ epoch }: { epoch: number }, progress: Progress) => void (saved = epoch === 1 ? progress : saved);
  const whole = await train(SPEC, smallDataset(100), CONFIG, { onEpoch: keep });
  const resumed = await train(SPEC, smallDataset(100), CONFIG, { resume: saved });
  assert.equal(bitsOf(resumed.network), bitsOf(whole.network));
  assert.deepEqual(
    resumed.history.map((epoch) => epoch.trainLoss),
    whole.history.map((epoch) => epoch.trainLoss),
  );
});

test("train() stops between two steps when its signal is aborted, and leaves no tensor behind", () =>
  expectNoLeak(async () => {
    const stop = new AbortController();
    let steps = 0;
    const onStep = () => void (++steps === 3 && stop.abort(new Error("enough")));
    await assert.rejects(train(SPEC, smallDataset(200), CONFIG, { onStep, signal: stop.signal }), /enough/);
    assert.equal(steps, 3);
  }));

test("train() stops with the step and the epoch when the loss is no longer finite", async () => {
  await assert.rejects(
    train(SPEC, smallDataset(100), { ...CONFIG, rate: 1e30, warmup: 0 }),
    /Cannot go on training after step \d+ \(epoch 1\): the loss is (NaN|Infinity); a lower rate may help/,
  );
});

test("train() refuses a configuration that makes no sense", async () => {
  const attempt = (change: Partial<TrainConfig>) => train(SPEC, smallDataset(40), { ...CONFIG, ...change });
  await assert.rejects(attempt({ epochs: 0 }), /epochs = 0: expected a positive integer/);
  await assert.rejects(attempt({ batch: 2.5 }), /batch = 2.5: expected a positive integer/);
  await assert.rejects(attempt({ warmup: 1 }), /warmup = 1: expected a share from 0 to below 1/);
  await assert.rejects(attempt({ batch: 64 }), /on 40 images: expected at least one batch of 64/);
});

test("learningRate() rises in a straight line to the highest rate, and falls in one to zero", () => {
  const at = (share: number) => Number(learningRate({ rate: 0.2, warmup: 0.25 }, share).toFixed(6));
  assert.deepEqual([0, 0.125, 0.25, 0.625, 1].map(at), [0, 0.1, 0.2, 0.1, 0]);
});

const STEP = { batch: 20, momentum: 0.9, weightDecay: 0.1, precision: "float32" } as const;

test("a step is PyTorch's: v = m v + g + decay w; w -= rate (g' + m v), no decay on batch norms and biases", async () => {
  const trainer = await openTrainer(SPEC, CIFAR10_NORMALIZATION, STEP);
  const plain = await openTrainer(SPEC, CIFAR10_NORMALIZATION, { ...STEP, weightDecay: 0 });
  const start = atRest(initialParameters(SPEC, randomStream(1, "initialize")));
  const { images, labels } = batchOf(smallDataset(20), 0, 20);
  for (const each of [trainer, plain]) {
    each.write(start);
    each.step(images, labels, 0.1);
  }
  const [after, gradient] = [trainer.read(), plain.read().velocity]; // from rest and without decay the velocity is the gradient
  for (const [name, { data }] of start.parameters) {
    if (!gradient.has(name)) continue;
    const decay = name.endsWith(".kernel") ? 0.1 : 0;
    const index = data.length >> 1;
    const g = gradient.get(name)!.data[index] + decay * data[index];
    const close = (found: number, wanted: number) =>
      assert.ok(Math.abs(found - wanted) < 1e-5 * (1 + Math.abs(wanted)), `${name}: ${found}, by hand ${wanted}`);
    close(after.velocity.get(name)!.data[index], g);
    close(after.parameters.get(name)!.data[index], data[index] - 0.1 * (g + 0.9 * g));
  }
  trainer.dispose();
  plain.dispose();
});

test("running statistics move by a tenth towards the batch's mean and unbiased variance, as in PyTorch", async () => {
  const trainer = await openTrainer(SPEC, CIFAR10_NORMALIZATION, STEP);
  const parameters = initialParameters(SPEC, randomStream(1, "initialize"));
  // A stem that copies the red channel: its batch statistics can be computed from the pixels.
  const kernel = parameters.get("stem.conv.kernel")!;
  kernel.data.fill(0)[(4 * 3 + 0) * 4 + 0] = 1;
  const { images, labels } = batchOf(smallDataset(20), 0, 20);
  trainer.write(atRest(parameters));
  trainer.step(images, labels, 0);
  const { mean, std } = CIFAR10_NORMALIZATION;
  const red = Array.from({ length: 20 * 1024 }, (_, pixel) => (images[3 * pixel] / 255 - mean[0]) / std[0]);
  const average = red.reduce((sum, value) => sum + value, 0) / red.length;
  const variance = red.reduce((sum, value) => sum + (value - average) ** 2, 0) / (red.length - 1);
  const found = trainer.read().parameters;
  assert.ok(Math.abs(found.get("stem.conv.mean")!.data[0] - 0.1 * average) < 1e-4);
  assert.ok(Math.abs(found.get("stem.conv.variance")!.data[0] - (0.9 + 0.1 * variance)) < 1e-4);
  trainer.dispose();
});

test("what read() returned stays as it was when training goes on", async () => {
  const trainer = await openTrainer(SPEC, CIFAR10_NORMALIZATION, STEP);
  trainer.write(atRest(initialParameters(SPEC, randomStream(1, "initialize"))));
  const before = trainer.read().parameters.get("stage1.block1.conv1.kernel")!.data;
  const copy = before.slice();
  const { images, labels } = batchOf(smallDataset(20), 0, 20);
  for (let step = 0; step < 3; step++) trainer.step(images, labels, 0.1);
  assert.deepEqual(before, copy);
  assert.notDeepEqual(trainer.read().parameters.get("stage1.block1.conv1.kernel")!.data, copy);
  trainer.dispose();
});

test("bfloat16 training follows float32 closely, and keeps its parameters in float32", async () => {
  const losses = async (precision: TrainConfig["precision"]) => {
    const { history, network } = await train(SPEC, smallDataset(200), { ...CONFIG, precision });
    return {
      losses: history.map((epoch) => epoch.trainLoss),
      weights: network.parameters.get("stage1.block1.conv1.kernel")!.data,
    };
  };
  const [exact, rounded] = [await losses("float32"), await losses("bfloat16")];
  rounded.losses.forEach((loss, epoch) =>
    assert.ok(Math.abs(loss / exact.losses[epoch] - 1) < 0.05, `${loss}, float32 ${exact.losses[epoch]}`),
  );
  assert.notDeepEqual(rounded.losses, exact.losses);
  const bits = new Uint32Array(rounded.weights.buffer, rounded.weights.byteOffset, rounded.weights.length);
  assert.ok(
    bits.some((word) => (word & 0xffff) !== 0),
    "weights were rounded to bfloat16",
  );
});
