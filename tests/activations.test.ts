// Operators on activations against a forward pass written by hand in eager operations.
import type { Labels } from "../lib/data/labels";
import assert from "node:assert/strict";
import { test } from "node:test";
import { ablate, ablatedNetwork, type Operator, zero } from "../lib/ablations/ablate";
import { type ActivationChange, formulaOf, notingWords, onOutput, onShortcut } from "../lib/ablations/activations";
import * as operators from "../lib/ablations/operators";
import { setOf } from "../lib/ablations/sets";
import { batchOf } from "../lib/data/batches";
import { firstImages } from "../lib/data/cifar";
import { type Tensor, tf } from "../lib/engine/backend";
import { eagerWeights, eagerWords } from "../lib/engine/eager";
import { crossEntropy, imageTensor, predictedClasses } from "../lib/engine/predictor";
import type { Values } from "../lib/files/values";
import { forward, type Vocabulary } from "../lib/networks/forward";
import { branchEnds, type Layer, layerOf } from "../lib/networks/layers";
import type { Network } from "../lib/networks/network";
import { randomStream } from "../lib/statistics/random";
import { drawOthers, referenceImages, meanActivations } from "../lib/sweeps/reference";
import { sweep } from "../lib/sweeps/sweep";
import { evaluate } from "../lib/training/evaluate";
import { expectNoLeak, smallDataset, smallNetwork } from "./small";

const [network, dataset, reference] = [smallNetwork("resnet8-w4", 5), smallDataset(30), smallDataset(40, 2)];
const layer = layerOf(network.spec, "stage2.block1.conv1");
const end = layerOf(network.spec, "stage2.block1.conv2");

/** Runs the eager forward pass with words changed by hand: predicted classes and losses. */
function byHand(change: (words: Vocabulary<Tensor>) => Vocabulary<Tensor>, of: Network = network) {
  const weights = eagerWeights(of.parameters);
  const words = change(eagerWords((name) => weights.get(name)!, of.normalization));
  const images = () => imageTensor(batchOf(dataset, 0, dataset.count).images);
  const logits = tf.tidy(() => forward(of.spec, words, images()).dataSync() as Float32Array);
  weights.forEach((tensor) => tensor.dispose());
  const losses = Array.from(dataset.labels, (label, image) =>
    crossEntropy(logits.subarray(10 * image, 10 * image + 10), label),
  );
  return { predictions: predictedClasses(logits, 10), losses };
}

/** The activation of a layer (after its batch norm) for the given images, by the eager pass. */
function outputOf(images: Float32Array, name: string): Tensor {
  const weights = eagerWeights(network.parameters);
  const found = tf.tidy(() => {
    let kept: Tensor | undefined;
    const words = notingWords(
      eagerWords((parameter) => weights.get(parameter)!, network.normalization),
      (noted, x) => {
        if (noted === name) kept = x;
      },
    );
    forward(network.spec, words, imageTensor(images));
    return kept!;
  });
  weights.forEach((tensor) => tensor.dispose());
  return found;
}

const replacingOutput = (of: Layer, replacement: (y: Tensor) => Tensor) => (words: Vocabulary<Tensor>) => ({
  ...words,
  batchNorm(x: Tensor, at: Layer) {
    const y = words.batchNorm(x, at);
    return at.name === of.name ? replacement(y) : y;
  },
});

/** Sweeps one layer and compares with the forward pass by hand. */
async function expectSame(
  operator: Operator,
  at: Layer,
  wanted: { predictions: Labels; losses: number[] },
): Promise<void> {
  const result = await expectNoLeak(() => sweep(network, dataset, { layers: [at], operator, reference, batch: 7 }));
  assert.deepEqual(result.predictions[0], wanted.predictions);
  result.losses!.ablations[0].forEach((loss, image) => {
    assert.ok(Math.abs(loss - wanted.losses[image]) < 1e-4, `image ${image}: ${loss}, by hand ${wanted.losses[image]}`);
  });
  assert.deepEqual(result.unchanged, [false]);
  assert.ok(new Set(wanted.predictions).size > 1, "one class only would not show a difference");
  assert.notDeepEqual(wanted.predictions, result.baseline);
}

test("mean replaces a layer's output by its mean over the reference images, place by place", async () => {
  const at = layerOf(network.spec, "stage1.block1.conv2");
  const output = outputOf(batchOf(reference, 0, reference.count).images, `${at.name}.output`);
  const mean = tf.mean(output, 0, true);
  await expectSame(operators.mean, at, byHand(replacingOutput(at, (y) => tf.add(tf.zerosLike(y), mean))));
  tf.dispose([output, mean]);
});

test("resample replaces a layer's output by that of the reference image that the seed drew", async () => {
  const others = drawOthers(reference, dataset.count, randomStream(1, "other images"));
  assert.ok(new Set(others).size > 10);
  const output = outputOf(referenceImages(reference, others), `${layer.name}.output`);
  await expectSame(operators.resample, layer, byHand(replacingOutput(layer, () => output.clone())));
  output.dispose();
});

test("shortcutZero leaves the branch of a block alone, with shortcut A as with an identity", async () => {
  for (const name of ["stage1.block1.conv2", "stage2.block1.conv2"]) {
    const at = layerOf(network.spec, name);
    const alone = (words: Vocabulary<Tensor>) => ({
      ...words,
      add: (branch: Tensor, shortcut: Tensor, of: Layer) =>
        of.name === name ? branch : words.add(branch, shortcut, of),
    });
    await expectSame(operators.shortcutZero, at, byHand(alone));
  }
});

test("a researcher's own operator on activations is one line, with full speed behind it", async () => {
  const half = onOutput((x, { scale }) => scale(x, 0.5));
  await expectSame(half, layer, byHand(replacingOutput(layer, (y) => y.mul(0.5))));
  const biased = onOutput((x, { add, constant }) =>
    add(x, constant({ shape: [1, 1, 1, 1], data: Float32Array.of(3) })),
  );
  await expectSame(biased, layer, byHand(replacingOutput(layer, (y) => y.add(3))));
});

test("a constant in place of an activation fills all of its pixels, however few numbers it has", async () => {
  const { side, outputs } = end;
  const numbers = (shape: number[]): Values => ({
    shape,
    data: Float32Array.from(
      { length: shape.reduce((product, size) => product * size) },
      (_, index) => (index % 7) / 20,
    ),
  });
  for (const shape of [
    [1, 1, 1, 1],
    [1, 1, 1, outputs],
    [1, side, 1, 1],
    [1, 1, side, outputs],
    [1, side, side, outputs],
  ]) {
    const values = numbers(shape);
    const filled = (y: Tensor) => y.mul(0).add(tf.tensor(values.data, shape));
    const operator = onOutput((_, { constant }) => constant(values));
    for (const at of [layer, end]) await expectSame(operator, at, byHand(replacingOutput(at, filled)));
  }
});

test("an operator's numbers are refused where they do not fit the activation, and it has to give something", async () => {
  const { side, outputs } = layer;
  const refuses = (change: unknown, name: string, message: RegExp) =>
    assert.rejects(sweep(network, dataset, { layers: [layer], operator: onOutput(change as ActivationChange) }), {
      name,
      message,
    });
  type Site = { scale(x: unknown, factor: number): unknown; constant(values: unknown): unknown };
  const constant = (values: unknown) => (_: unknown, site: Site) => site.constant(values);
  const data = new Float32Array(outputs);
  const wrong = { shape: [1, 1, 1, outputs + 1], data: new Float32Array(outputs + 1) };
  const whole = `\\[1,${side},${side},${outputs}\\]`;
  await refuses(
    constant(wrong),
    "RangeError",
    new RegExp(`a constant of shape \\[1,1,1,${outputs + 1}\\], expected ${whole} or 1`),
  );
  await refuses(constant({ shape: [outputs], data }), "RangeError", /a constant of shape \[\d+\], expected/);
  await refuses(constant({ shape: [1, 1, 1, 1], data }), "RangeError", /of shape \[1,1,1,1\] with \d+ numbers/);
  await refuses(
    constant({ shape: [1, 1, 1, outputs], data: data.map(() => NaN) }),
    "RangeError",
    /a constant with NaN/,
  );
  await refuses(constant({ shape: [1, 1, 1, outputs], data: [...data] }), "TypeError", /data: an Array \}, expected/);
  await refuses(
    (x: unknown, { scale }: Site) => scale(x, NaN),
    "RangeError",
    /scales by NaN, expected a finite number/,
  );
  await refuses(
    () => undefined,
    "TypeError",
    /the operator returned undefined, expected what add, scale, constant, mean/,
  );
  await refuses(async (x: unknown) => x, "TypeError", /the operator returned a Promise, expected/);
});

test("an operator on activations of several layers changes all of them in one pass", async () => {
  const double = onOutput((x, { scale }) => scale(x, 2));
  const sets = [{ name: "both", layers: [layer, end] }];
  const { predictions } = await sweep(network, dataset, { sets, operator: double });
  const twice = (y: Tensor) => y.mul(2);
  const wanted = byHand((words) => replacingOutput(end, twice)(replacingOutput(layer, twice)(words)));
  assert.deepEqual(predictions[0], wanted.predictions);
});

test("an operator that passes the activation on is reported as having changed nothing", async () => {
  const same = onOutput((x) => x);
  const one = onOutput((x, { scale }) => scale(x, 1));
  for (const operator of [same, one]) {
    const result = await sweep(network, dataset, { layers: [layer, end], operator });
    assert.deepEqual(result.unchanged, [true, true]);
  }
});

test("means over the reference images are those computed by hand, also for a last batch of another size", () =>
  expectNoLeak(async () => {
    const many = smallDataset(260, 3);
    const name = `${end.name}.shortcut`;
    const means = await meanActivations(network, many, new Set([name]));
    const output = outputOf(batchOf(many, 0, many.count).images, name);
    const wanted = tf.tidy(() => tf.mean(output, 0, true).dataSync());
    output.dispose();
    assert.deepEqual(means.get(name)!.shape, [1, 16, 16, 8]);
    means.get(name)!.data.forEach((value, index) => assert.ok(Math.abs(value - wanted[index]) < 1e-5));
  }));

test("an operator that needs reference images says so where there are none", async () => {
  await expectNoLeak(() =>
    assert.rejects(
      sweep(network, dataset, { operator: operators.resample }),
      /expected the option reference \(training images\), found none/,
    ),
  );
});

test("shortcuts are changed at the last convolution of a residual branch only, changed activations make no network", () => {
  const ends = branchEnds(network.spec).map(({ name }) => name);
  for (const name of ends) ablate(network, name, operators.shortcutZero);
  assert.throws(() => ablate(network, "stem.conv", operators.shortcutZero), /Cannot change the shortcut at stem.conv/);
  assert.throws(
    () => ablate(smallNetwork("plain8-w4"), "stage1.block1.conv2", operators.shortcutZero),
    /Cannot change the shortcut at stage1.block1.conv2/,
  );
  const ablated = ablate(network, layer.name, operators.mean);
  // @ts-expect-error An ablation is no network: the compiler says so.
  const refused: Network = ablated;
  assert.throws(() => ablatedNetwork(ablated), /changed activations, which only a sweep computes/, refused.name);
});

test("the formula of an operator tells apart whatever computes something else", () => {
  const mix =
    (share: number): ActivationChange =>
    (x, { add, scale, mean }) =>
      add(scale(x, 1 - share), scale(mean(), share));
  assert.equal(formulaOf(mix(0.25), layer), "add(scale(x, 0.75), scale(mean, 0.25))");
  assert.equal(formulaOf(onShortcut((_, { other }) => other()).change, layer), "other");
  const plus =
    (value: number): ActivationChange =>
    (x, { add, constant }) =>
      add(x, constant({ shape: [1, 1, 1, 1], data: Float32Array.of(value) }));
  assert.notEqual(formulaOf(plus(1), layer), formulaOf(plus(2), layer));
});

test("a sweep of sets predicts what the network with all their kernels zeroed predicts", async () => {
  const sets = [
    [layer, end],
    [layerOf(network.spec, "stem.conv"), end],
  ].map((layers) => setOf(layers));
  const result = await sweep(network, dataset, { sets });
  for (const [index, { layers }] of sets.entries()) {
    const names = layers.map(({ name }) => name);
    const { predictions } = await evaluate(ablatedNetwork(ablate(network, names, zero)), dataset);
    assert.deepEqual(result.predictions[index], predictions);
  }
});

test("a sweep's losses are the cross-entropies of each ablated network", async () => {
  const result = await sweep(network, dataset, { layers: [layer] });
  const mean = (losses: Float32Array) => losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
  const intact = await evaluate(network, dataset);
  const ablated = await evaluate(ablatedNetwork(ablate(network, layer.name, zero)), dataset);
  assert.ok(Math.abs(mean(result.losses!.baseline) - intact.loss) < 1e-4);
  assert.ok(Math.abs(mean(result.losses!.ablations[0]) - ablated.loss) < 1e-4);
});

test("more ablations than fit one graph give the same as each by itself", async () => {
  const layers = Array.from({ length: 70 }, () => layer);
  const sets = layers.map((one, index) => ({ name: `${one.name} ${index}`, layers: [one, end] }));
  const result = await sweep(network, firstImages(dataset, 5), { sets });
  const [first] = result.predictions;
  assert.equal(result.predictions.length, 70);
  for (const row of result.predictions) assert.deepEqual(row, first);
});
