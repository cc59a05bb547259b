import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, test } from "node:test";
import { batchOf } from "../lib/data/batches";
import { firstImages, loadCifar } from "../lib/data/cifar";
import type { Dataset } from "../lib/data/dataset";
import { requireNative, type Tensor, tf } from "../lib/engine/backend";
import { eagerWeights, eagerWords } from "../lib/engine/eager";
import { encodeFrozen, freeze } from "../lib/engine/frozen";
import { imageTensor, predictedClasses } from "../lib/engine/predictor";
import { loadProgram } from "../lib/engine/savedmodel";
import { forward, forwardBlock, forwardFrom } from "../lib/networks/forward";
import { blocksOf } from "../lib/networks/layers";
import type { Network } from "../lib/networks/network";
import { loadNetwork } from "../lib/runs/run-folder";
import { testBatches } from "../lib/training/evaluate";
import { expectNoLeak, smallDataset, smallNetwork } from "./small";

const FOLDER = mkdtempSync(path.join(tmpdir(), "nontrivial-frozen-"));
after(() => rmSync(FOLDER, { recursive: true, force: true }));

/** Asks a signature of a SavedModel folder through TensorFlow.js alone. */
async function ask(folder: string, signature: string, inputs: Record<string, Tensor>): Promise<Float32Array> {
  const model = await requireNative().node.loadSavedModel(folder, ["serve"], signature);
  const { logits } = model.predict(inputs) as Record<string, Tensor>;
  const numbers = logits.dataSync() as Float32Array;
  logits.dispose();
  model.dispose();
  return numbers;
}

/** A block's input and the logits from there, operation by operation and batch norms not folded; the input made larger by a tenth. */
function eagerRestart(network: Network, images: Tensor, block: number): { input: Tensor; logits: Float32Array } {
  const { spec } = network;
  const weights = eagerWeights(network.parameters);
  const words = eagerWords((name) => weights.get(name)!, network.normalization);
  const before = blocksOf(spec).slice(0, block);
  const input = tf.tidy(() =>
    before.reduce((x, each) => forwardBlock(words, x, each), words.normalize(images)).mul(1.1),
  );
  const logits = tf.tidy(() => forwardFrom(spec, words, { block, x: input }).dataSync() as Float32Array);
  weights.forEach((tensor) => tensor.dispose());
  return { input, logits };
}

function assertClose(found: Float32Array, wanted: Float32Array, what: string): void {
  assert.equal(found.length, wanted.length);
  const most = Math.max(...wanted.map(Math.abs));
  found.forEach((logit, index) => assert.ok(Math.abs(logit - wanted[index]) < 1e-4 * most, `${what}: ${logit}`));
}

for (const name of ["resnet14-w4", "resnet8-B-w4", "plain8-w4", "vgg11-w4", "preresnet8-w4", "wrn10-2-w4"]) {
  test(`the SavedModel of ${name} gives the network's logits, from the images and from every block's input`, () =>
    expectNoLeak(async () => {
      const network = smallNetwork(name);
      const folder = mkdtempSync(path.join(FOLDER, "model-"));
      writeFileSync(path.join(folder, "saved_model.pb"), encodeFrozen(network));
      const images = imageTensor(batchOf(smallDataset(5), 0, 5).images);
      const weights = eagerWeights(network.parameters);
      const words = eagerWords((parameter) => weights.get(parameter)!, network.normalization);
      const wanted = tf.tidy(() => forward(network.spec, words, images).dataSync() as Float32Array);
      weights.forEach((tensor) => tensor.dispose());
      assertClose(await ask(folder, "serving_default", { images }), wanted, "serving_default");
      const { signatures } = freeze(network);
      const [, ...restarts] = Object.keys(signatures);
      assert.equal(restarts.length, blocksOf(network.spec).length);
      for (const [block, signature] of restarts.entries()) {
        const { input, logits } = eagerRestart(network, images, block);
        assertClose(await ask(folder, signature, { input }), logits, signature);
        input.dispose();
      }
      images.dispose();
    }));
}

test("a frozen graph has a signature per block and nodes that are named by layer and operation, each name once", () => {
  const { graph, signatures } = freeze(smallNetwork("resnet8-B"));
  assert.deepEqual(Object.keys(signatures), [
    "serving_default",
    "from_stem_conv",
    "from_stage1_block1",
    "from_stage2_block1",
    "from_stage3_block1",
  ]);
  const names = graph.nodes.map((node) => node.name);
  assert.equal(new Set(names).size, names.length);
  assert.deepEqual(
    names.filter((name) => name.startsWith("stage2")),
    [
      "stage2.block1.conv1/kernel",
      "stage2.block1.conv1/Const", // how much it is padded by
      "stage2.block1.conv1/Pad",
      "stage2.block1.conv1/Conv2D",
      "stage2.block1.conv1/bias",
      "stage2.block1.conv1/BiasAdd",
      "stage2.block1.conv1/Relu",
      "stage2.block1.conv2/kernel",
      "stage2.block1.conv2/Conv2D",
      "stage2.block1.conv2/bias",
      "stage2.block1.conv2/BiasAdd",
      "stage2.block1.shortcut/kernel",
      "stage2.block1.shortcut/Conv2D",
      "stage2.block1.shortcut/bias",
      "stage2.block1.shortcut/BiasAdd",
      "stage2.block1/AddV2",
      "stage2.block1/Relu",
    ],
  );
  for (const name of names) assert.match(name, /^[A-Za-z0-9.][A-Za-z0-9_.\\/>-]*$/, "TensorFlow's rule for names");
  assert.ok(
    graph.nodes.every(({ op }) => op !== "VarHandleOp"),
    "no variables, hence no folder for them",
  );
});

// Folding rounds every kernel anew: seen on all 10,000 test images, it moves logits of up to 29 by at most 0.00002.
const ROUNDING = 1e-4;

test("the frozen graph predicts what the unfolded network does on 2,000 test images, but for ties of two logits", () =>
  expectNoLeak(async () => {
    const network = await loadNetwork(path.join("data", "runs", "resnet20-seed1"));
    const images = firstImages(await loadCifar("cifar10", "test"), 2000);
    const { frozen, unfolded } = await bothLogits(network, images);
    assert.equal(frozen.length, 20_000);
    const apart = frozen.reduce((most, logit, index) => Math.max(most, Math.abs(logit - unfolded[index])), 0);
    assert.ok(apart < ROUNDING, `logits are up to ${apart} apart`);
    const classes = predictedClasses(unfolded, 10);
    const gaps = [...predictedClasses(frozen, 10)].flatMap((predicted, image) => {
      const [best, second] = [...unfolded.subarray(10 * image, 10 * image + 10)].sort((a, b) => b - a);
      return predicted === classes[image] ? [] : [best - second];
    });
    // The smallest gap in these images is a hundred times as large, so that none should differ at all.
    assert.ok(
      gaps.every((gap) => gap < 2 * ROUNDING),
      `${gaps.length} predictions differ, with gaps between the two best logits of ${gaps.join(", ")}`,
    );
  }));

/** The logits of a dataset from the frozen graph and, operation by operation, from the network as it was trained. */
async function bothLogits(network: Network, dataset: Dataset) {
  const [frozen, unfolded] = [new Float32Array(dataset.count * 10), new Float32Array(dataset.count * 10)];
  const program = await loadProgram(freeze(network).signatures);
  const weights = eagerWeights(network.parameters);
  const words = eagerWords((name) => weights.get(name)!, network.normalization);
  for await (const { start, images } of testBatches(dataset, {})) {
    const { logits } = program.run("serving_default", { images });
    frozen.set(logits.dataSync(), 10 * start);
    logits.dispose();
    unfolded.set(
      tf.tidy(() => forward(network.spec, words, images).dataSync()),
      10 * start,
    );
  }
  weights.forEach((tensor) => tensor.dispose());
  program.dispose();
  return { frozen, unfolded };
}
