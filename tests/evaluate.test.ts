import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { batchOf } from "../lib/data/batches";
import { loadCifar } from "../lib/data/cifar";
import { tf } from "../lib/engine/backend";
import { eagerWeights, eagerWords } from "../lib/engine/eager";
import { folding } from "../lib/engine/fold";
import { crossEntropy, imageTensor, openPredictor, predictedClasses } from "../lib/engine/predictor";
import { forward } from "../lib/networks/forward";
import { EPSILON } from "../lib/networks/network";
import { loadNetwork } from "../lib/runs/run-folder";
import { evaluate } from "../lib/training/evaluate";
import { expectNoLeak, smallDataset, smallNetwork } from "./small";

const SHARED = path.resolve("..", "shared", "checkpoints");
const withoutShared = existsSync(SHARED) ? false : "needs the public checkpoints in ../shared, which is not here";

test("folding() puts batch norm into kernel and bias as done by hand for one channel", () => {
  const network = smallNetwork();
  const of = (part: string) => network.parameters.get(`stage2.block1.conv1.${part}`)!.data;
  const folded = folding(network.spec);
  const numbersOf = (name: string) => folded(network.parameters, name).data;
  const [channel, outputs] = [3, 8];
  const scale = of("gamma")[channel] / Math.sqrt(of("variance")[channel] + EPSILON);
  const close = (found: number, wanted: number) =>
    assert.ok(Math.abs(found - wanted) < 1e-6, `${found}, by hand ${wanted}`);
  const at = 5 * outputs + channel;
  close(numbersOf("stage2.block1.conv1.kernel")[at], of("kernel")[at] * scale);
  close(numbersOf("stage2.block1.conv1.bias")[channel], of("beta")[channel] - of("mean")[channel] * scale);
  assert.equal(numbersOf("dense.bias"), network.parameters.get("dense.bias")!.data, "not of a layer: as it is");
  assert.equal(numbersOf("stem.conv.kernel"), numbersOf("stem.conv.kernel"), "folded once");
});

for (const name of [
  "resnet8-w4",
  "resnet8-B-w4",
  "plain8-w4",
  "vgg13-w4",
  "imagenet-resnet18-w4",
  "imagenet-resnet50-w2",
  "preresnet8-w4",
  "preresnet11bn-w4",
  "wrn10-2-w4",
]) {
  test(`the inference graph of ${name}, batch norms folded, gives the logits of the eager interpreter, which does not fold`, () =>
    expectNoLeak(async () => {
      const network = smallNetwork(name);
      const { images } = batchOf(smallDataset(7), 0, 7);
      const predictor = await openPredictor(network);
      const tensor = imageTensor(images);
      const found = predictor.logits(tensor);
      const weights = eagerWeights(network.parameters);
      const words = eagerWords((parameter) => weights.get(parameter)!, network.normalization);
      const eager = tf.tidy(() => forward(network.spec, words, tensor));
      const wanted = eager.dataSync();
      for (const held of [tensor, eager, ...weights.values()]) held.dispose();
      predictor.dispose();
      assert.equal(found.length, 70);
      const scale = Math.max(...wanted.map(Math.abs));
      found.forEach((logit, index) =>
        assert.ok(Math.abs(logit - wanted[index]) < 1e-4 * scale, `${logit}, eager ${wanted[index]}`),
      );
    }));
}

test("evaluate() sees every image once, whatever the batch, counts as done by hand, and leaves no tensor behind", () =>
  expectNoLeak(async () => {
    const [network, dataset] = [smallNetwork(), smallDataset(53)];
    const [whole, small] = [await evaluate(network, dataset), await evaluate(network, dataset, { batch: 10 })];
    assert.equal(whole.images, 53);
    assert.deepEqual(small.predictions, whole.predictions);
    assert.equal(
      whole.correct,
      [...whole.predictions].filter((label, index) => label === dataset.labels[index]).length,
    );
    assert.equal(whole.accuracy, whole.correct / 53);
    assert.ok(Math.abs(whole.loss - small.loss) < 1e-4 * whole.loss);
  }));

test("evaluate() reports its progress, stops when its signal is aborted, and leaves no tensor behind then", () =>
  expectNoLeak(async () => {
    const stop = new AbortController();
    const seen: number[] = [];
    const onProgress = (done: number) => {
      seen.push(done);
      if (done === 20) stop.abort(new Error("enough"));
    };
    await assert.rejects(
      evaluate(smallNetwork(), smallDataset(50), { batch: 10, onProgress, signal: stop.signal }),
      /enough/,
    );
    assert.deepEqual(seen, [10, 20]);
  }));

test("evaluate() refuses a network whose logits are not finite", async () => {
  const network = smallNetwork();
  const bias = network.parameters.get("dense.bias")!;
  const parameters = new Map(network.parameters).set("dense.bias", { ...bias, data: bias.data.map(() => NaN) });
  await assert.rejects(
    evaluate({ ...network, parameters }, smallDataset(4)),
    /logits of image 0: found NaN, expected finite numbers/,
  );
});

test("predictedClasses() takes the first of equal logits, crossEntropy() is -log softmax also for large logits", () => {
  assert.deepEqual([...predictedClasses(Float32Array.of(1, 3, 3, 0, 0, -1), 3)], [1, 0]);
  assert.ok(Math.abs(crossEntropy(Float32Array.of(1, 2, 3), 1) - 1.4076059644) < 1e-6); // log(e^1 + e^2 + e^3) - 2
  assert.ok(Math.abs(crossEntropy(Float32Array.of(1000, 998), 1) - 2.126928011) < 1e-6); // log(1 + e^-2) + 2
});

test(
  "the public ResNet-20 classifies 9173 of CIFAR-10's 10,000 test images right, as in PyTorch",
  { skip: withoutShared },
  async () => {
    const network = await loadNetwork(path.join(SHARED, "resnet20-12fca82f.th"));
    const { correct, images } = await evaluate(network, await loadCifar("cifar10", "test"));
    assert.equal(images, 10_000);
    assert.ok(Math.abs(correct - 9173) <= 2, `${correct} right`);
  },
);

test(
  "the public ResNet-56 classifies 9339 of CIFAR-10's 10,000 test images right, as in PyTorch",
  { skip: withoutShared },
  async () => {
    const network = await loadNetwork(path.join(SHARED, "resnet56-4bfd9763.th"));
    const { correct } = await evaluate(network, await loadCifar("cifar10", "test"));
    assert.ok(Math.abs(correct - 9339) <= 2, `${correct} right`);
  },
);
