// The recorded graph against two things that it was not made from: TensorFlow.js's own differentiation, and finite differences.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { startEngine, tensorOf, tf } from "../lib/engine/backend";
import { eagerWeights, eagerWords } from "../lib/engine/eager";
import { gradients } from "../lib/engine/gradient";
import { Graph, type Symbolic } from "../lib/engine/graph";
import * as ops from "../lib/engine/operations";
import { trainingWords } from "../lib/engine/recorder";
import { loadProgram } from "../lib/engine/savedmodel";
import { atRest, openTrainer } from "../lib/engine/trainer";
import type { Values } from "../lib/files/values";
import { forward } from "../lib/networks/forward";
import {
  CIFAR10_NORMALIZATION,
  initialParameters,
  isTrainable,
  type Parameters,
  parameterShapes,
} from "../lib/networks/network";
import { type Spec, specOf } from "../lib/networks/spec";
import { randomStream } from "../lib/statistics/random";
import { calmBranches, expectNoLeak, inTidy } from "./small";

const IMAGES = 6;

interface Slopes {
  readonly loss: number;
  readonly slopes: ReadonlyMap<string, Float32Array>;
}

/**
 * Batch norms that are not the identity, so that every term of the gradient counts.
 * The seed is one of most: in a few, an activation lies within float noise of zero, where relu has two slopes.
 */
function livelyParameters(spec: Spec): Parameters {
  const random = randomStream(8, "lively");
  const lively = new Map<string, Values>();
  for (const [name, { shape, data }] of initialParameters(spec, random)) {
    lively.set(name, { shape, data: data.map((value) => value + 0.2 * random.normal()) });
  }
  return spec.family === "imagenet-resnet" ? calmBranches(spec, lively) : lively;
}

function someBatch() {
  const random = randomStream(8, "images");
  return {
    images: Float32Array.from({ length: IMAGES * 3072 }, () => random.integer(256)),
    labels: Int32Array.from({ length: IMAGES }, () => random.integer(10)),
  };
}

async function openSlopes(spec: Spec) {
  const graph = new Graph();
  const images = graph.placeholder("images", { shape: [IMAGES, 32, 32, 3], dtype: "float32" });
  const labels = graph.placeholder("labels", { shape: [IMAGES], dtype: "int32" });
  const inputs: Record<string, Symbolic> = { images, labels };
  for (const [name, shape] of parameterShapes(spec))
    inputs[name] = graph.placeholder(name, { shape, dtype: "float32" });
  const words = trainingWords((name) => inputs[name], CIFAR10_NORMALIZATION, {
    precision: "float32",
    updates: new Map(),
  });
  const loss = ops.mean(ops.crossEntropy(forward(spec, words, images), labels), [0]);
  const names = [...parameterShapes(spec).keys()].filter(isTrainable);
  const slopes = gradients(
    loss,
    names.map((name) => inputs[name]),
  );
  const outputs = { loss, ...Object.fromEntries(names.map((name, index) => [name, slopes[index]])) };
  const program = await loadProgram({ slopes: { inputs, outputs } });
  return {
    at(parameters: Parameters): Slopes {
      const { images, labels } = someBatch();
      return inTidy(() => {
        const feed = Object.fromEntries(
          [...parameters].map(([name, { data, shape }]) => [name, tensorOf(data, shape)]),
        );
        const found = program.run("slopes", {
          ...feed,
          images: tensorOf(images, [IMAGES, 32, 32, 3]),
          labels: tensorOf(labels, [IMAGES]),
        });
        const numbers = new Map(
          Object.entries(found).map(([name, tensor]) => [name, tensor.dataSync() as Float32Array]),
        );
        return { loss: numbers.get("loss")![0], slopes: numbers };
      });
    },
    dispose: () => program.dispose(),
  };
}

/** The same by TensorFlow.js: eager operations, its own derivatives, a loss written out. */
function eagerSlopes(spec: Spec, parameters: Parameters): Slopes {
  const { images, labels } = someBatch();
  return inTidy(() => {
    const names = [...parameters.keys()].filter(isTrainable);
    const input = tensorOf(images, [IMAGES, 32, 32, 3]);
    const target = tf.oneHot(tensorOf(labels, [IMAGES]), 10);
    const loss = (...tensors: (typeof input | ReturnType<typeof tf.tensor>)[]) => {
      const words = eagerWords((name) => tensors[names.indexOf(name)], CIFAR10_NORMALIZATION, { training: true });
      return tf.losses.softmaxCrossEntropy(target, forward(spec, words, input));
    };
    const weights = eagerWeights(parameters);
    const { value, grads } = tf.valueAndGrads(loss as never)(names.map((name) => weights.get(name)!));
    return {
      loss: value.dataSync()[0],
      slopes: new Map(names.map((name, index) => [name, grads[index].dataSync() as Float32Array])),
    };
  });
}

/** One narrow network of each further kind: max pools, 1x1 shortcuts in four stages, bottlenecks, pre-activation. */
const DEEPER = [
  ...["vgg11-w4", "imagenet-resnet18-w2", "imagenet-resnet50-w2"],
  ...["preresnet8-w4", "preresnet11bn-w4", "wrn10-2-w4"],
];

const norm = (values: Float32Array) => Math.hypot(...values);

function relativeError(found: Float32Array, wanted: Float32Array): number {
  return norm(found.map((value, index) => value - wanted[index])) / (norm(wanted) + 1e-4);
}

for (const name of ["resnet8", "resnet8-B", "plain8", "resnet14-w8", ...DEEPER]) {
  test(`the graph of ${name} has the loss and every gradient of TensorFlow.js's eager differentiation`, async () => {
    await startEngine();
    const spec = specOf(name);
    const parameters = livelyParameters(spec);
    const program = await openSlopes(spec);
    const [graph, eager] = [program.at(parameters), eagerSlopes(spec, parameters)];
    program.dispose();
    assert.ok(Math.abs(graph.loss - eager.loss) < 1e-4 * eager.loss, `loss ${graph.loss}, eager ${eager.loss}`);
    for (const [parameter, slope] of eager.slopes) {
      const error = relativeError(graph.slopes.get(parameter)!, slope);
      assert.ok(error < 1e-3, `${parameter}: relative error ${error}`);
    }
  });
}

for (const name of DEEPER)
  test(`a training step of ${name} moves by TensorFlow.js's own gradient, and leaves no tensor behind`, () =>
    expectNoLeak(async () => {
      const spec = specOf(name);
      const parameters = livelyParameters(spec);
      const step = {
        batch: IMAGES,
        momentum: 0.9,
        nesterov: true,
        weightDecay: 0,
        decayed: "kernels",
        precision: "float32",
      } as const;
      const trainer = await openTrainer(spec, CIFAR10_NORMALIZATION, step);
      trainer.write(atRest(parameters));
      const { images, labels } = someBatch();
      const { loss } = trainer.step(images, labels, 0.1);
      const { velocity, parameters: after } = trainer.read();
      trainer.dispose();
      const eager = eagerSlopes(spec, parameters);
      assert.ok(Math.abs(loss - eager.loss) < 1e-4 * eager.loss, `loss ${loss}, eager ${eager.loss}`);
      for (const [parameter, slope] of eager.slopes) {
        // From rest, the velocity is the gradient, and Nesterov's step 1.9 times as long.
        assert.ok(relativeError(velocity.get(parameter)!.data, slope) < 1e-3, parameter);
        const { data } = parameters.get(parameter)!;
        const moved = data.map((value, index) => (value - after.get(parameter)!.data[index]) / 0.19);
        assert.ok(relativeError(moved, slope) < 1e-2, parameter);
      }
    }));

for (const name of ["resnet8-B-w4", "vgg11-w2"])
  test(`gradients() of ${name} agrees with finite differences of the loss along every parameter's own gradient`, async () => {
    await startEngine();
    const spec = specOf(name);
    const parameters = livelyParameters(spec);
    const program = await openSlopes(spec);
    const { slopes } = program.at(parameters);
    for (const parameter of [...parameters.keys()].filter(isTrainable)) {
      const slope = slopes.get(parameter)!;
      const length = norm(slope);
      const lossAt = (distance: number) => {
        const { shape, data } = parameters.get(parameter)!;
        const moved = data.map((value, index) => value + (distance * slope[index]) / length);
        return program.at(new Map(parameters).set(parameter, { shape, data: moved })).loss;
      };
      const measured = (lossAt(2e-3) - lossAt(-2e-3)) / 4e-3;
      assert.ok(
        Math.abs(measured - length) < 0.05 * length + 2e-3,
        `${parameter}: ${measured} by differences, ${length} by the gradient`,
      );
    }
    program.dispose();
  });

test("the gradients of a narrow network's 1x1 shortcuts are right on processors without AVX-512 too", () => {
  // oneDNN takes its instruction set once per process.
  const child = ["--import", "tsx", "--test-name-pattern=resnet8-B-w4", "tests/gradient.test.ts"];
  // The runner marks its children; a marked one would report to a parent that does not listen.
  const env = { ...process.env, NODE_TEST_CONTEXT: undefined, ONEDNN_MAX_CPU_ISA: "AVX2" };
  const { status, stdout } = spawnSync(process.execPath, child, { env, encoding: "utf8" });
  assert.match(stdout, /resnet8-B-w4 agrees with finite differences/);
  assert.equal(status, 0, stdout);
});

test("the gradient of a max pool goes to the largest pixel of each window, by hand", async () => {
  await startEngine();
  const graph = new Graph();
  const x = graph.placeholder("x", { shape: [1, 2, 4, 1], dtype: "float32" });
  const y = ops.maxPool(x, 2);
  assert.deepEqual(y.shape, [1, 1, 2, 1]);
  // The mean of the two results, so that each of them has the slope 1/2.
  const [slope] = gradients(ops.mean(y, [0, 1, 2, 3]), [x]);
  const program = await loadProgram({ slope: { inputs: { x }, outputs: { y, slope } } });
  const found = inTidy(() => {
    const { y: largest, slope: slopes } = program.run("slope", {
      x: tensorOf(Float32Array.of(1, 2, 7, 5, 4, 3, 6, 8), [1, 2, 4, 1]),
    });
    return [[...largest.dataSync()], [...slopes.dataSync()]];
  });
  program.dispose();
  assert.deepEqual(found, [
    [4, 8],
    [0, 0, 0, 0, 0.5, 0, 0, 0.5],
  ]);
});

test("gradients() names an operation that it has no rule for, and a tensor that the loss does not depend on", () => {
  const graph = new Graph();
  const x = graph.placeholder("x", { shape: [2], dtype: "float32" });
  const y = graph.placeholder("y", { shape: [2], dtype: "float32" });
  const sine = ops.apply("Sin", [x], { T: { type: "float32" } }, { shape: [2], dtype: "float32" });
  assert.throws(() => gradients(ops.mean(sine, [0]), [x]), /operation "Sin": it has no gradient rule/);
  assert.throws(() => gradients(ops.mean(ops.relu(x), [0]), [y]), /by "y": the loss does not depend on it/);
});
