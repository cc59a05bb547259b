// Every operator against a computation by hand, that it leaves the network alone, and that a sweep applies it as it is.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ablate, ablatedNetwork, type KernelOperator, type Site, zero } from "../lib/ablations/ablate";
import { isUnchanged } from "../lib/ablations/changes";
import type { LayerValues } from "../lib/ablations/layer-values";
import { layersNamed } from "../lib/ablations/named";
import * as operators from "../lib/ablations/operators";
import { batchOf } from "../lib/data/batches";
import { tf } from "../lib/engine/backend";
import { eagerWeights, eagerWords } from "../lib/engine/eager";
import { imageTensor, predictedClasses } from "../lib/engine/predictor";
import type { Values } from "../lib/files/values";
import { forwardBlock } from "../lib/networks/forward";
import { blocksOf, branchEnds, type Layer, layerOf, layersOf } from "../lib/networks/layers";
import { initialParameters, type Network } from "../lib/networks/network";
import { specOf } from "../lib/networks/spec";
import { rowsOf } from "../lib/results/rows";
import { verdictsOf } from "../lib/results/verdict";
import { randomStream } from "../lib/statistics/random";
import { sweep } from "../lib/sweeps/sweep";
import { evaluate } from "../lib/training/evaluate";
import { bitsOf, expectNoLeak, settledNetwork, smallDataset, smallNetwork } from "./small";

/** A kernel [2, 2, 3, 2] whose weights are row, column, input, output written as decimal digits, the odd ones negative. */
const LAYER: Layer = { name: "by hand", stage: 1, block: 1, size: 2, inputs: 3, outputs: 2, stride: 1, side: 32 };
type Place = { row: number; column: number; input: number; output: number };
const kernelOf = (weightOf: (weight: number, place: Place) => number): Values => {
  const data: number[] = [];
  for (const row of [0, 1])
    for (const column of [0, 1])
      for (const input of [0, 1, 2])
        for (const output of [0, 1]) {
          const digits = 1000 * row + 100 * column + 10 * input + output + 1;
          data.push(weightOf(digits % 2 ? -digits : digits, { row, column, input, output }));
        }
  return { shape: [2, 2, 3, 2], data: Float32Array.from(data) };
};
const kernel = kernelOf((weight) => weight);
const site = { spec: specOf("resnet8"), random: randomStream(1, "by hand") } as Site;
const apply = (operator: KernelOperator, layer = LAYER) =>
  operator({ ...kernel, data: kernel.data.slice() }, layer, site);

test("zero(), scale() and signs() give the kernels written by hand", () => {
  assert.deepEqual(
    apply(zero),
    kernelOf(() => 0),
  );
  assert.deepEqual(
    apply(operators.scale(-0.5)),
    kernelOf((weight) => -weight / 2),
  );
  let sum = 0;
  kernelOf((weight) => (sum += Math.abs(weight)));
  assert.deepEqual(
    apply(operators.signs),
    kernelOf((weight) => (weight < 0 ? -sum / 24 : sum / 24)),
  );
});

test("zeroFilter(), zeroInput() and zeroTap() zero one output channel, one input channel, one place of the window", () => {
  assert.deepEqual(
    apply(operators.zeroFilter(1)),
    kernelOf((weight, { output }) => (output === 1 ? 0 : weight)),
  );
  assert.deepEqual(
    apply(operators.zeroInput(2)),
    kernelOf((weight, { input }) => (input === 2 ? 0 : weight)),
  );
  assert.deepEqual(
    apply(operators.zeroTap(1, 0)),
    kernelOf((weight, { row, column }) => (row === 1 && column === 0 ? 0 : weight)),
  );
  assert.throws(() => apply(operators.zeroFilter(2)), /Cannot zero filter 2 of by hand: expected .* from 0 to 1/);
  assert.throws(() => apply(operators.zeroInput(-1)), /input channel -1 of by hand: expected .* from 0 to 2/);
  assert.throws(() => apply(operators.zeroTap(0, 2)), /column 2 of by hand: expected .* from 0 to 1/);
  assert.throws(() => apply(operators.zeroTap(0.5, 0)), RangeError);
});

test("zeroFilters() zeroes the filters of smallest L1 norm first, a rounded share of them; 0 changes nothing, 1 is zero", () => {
  const outputs = [3, 1, 4, 2, 0.5];
  const layer: Layer = { ...LAYER, size: 1, inputs: 2, outputs: 5 };
  const wide: Values = { shape: [1, 1, 2, 5], data: Float32Array.from([...outputs, ...outputs.map((norm) => -norm)]) };
  const left = (share: number) => [...(operators.zeroFilters(share)(wide, layer, site) as Values).data.slice(0, 5)];
  assert.deepEqual(left(0), [3, 1, 4, 2, 0.5]);
  assert.deepEqual(left(0.2), [3, 1, 4, 2, 0]);
  assert.deepEqual(left(0.5), [3, 0, 4, 0, 0], "2.5 filters are 3");
  assert.deepEqual(left(0.8), [0, 0, 4, 0, 0]);
  assert.deepEqual(left(1), [0, 0, 0, 0, 0]);
  assert.throws(() => operators.zeroFilters(1.1), /zeroFilters\(1.1\): expected a share from 0 to 1/);
  assert.throws(() => operators.zeroFilters(NaN), RangeError);
});

test("noise() adds a share of the kernel's standard deviation times the ablation's own normal numbers", () => {
  const network = smallNetwork();
  const before = network.parameters.get("stem.conv.kernel")!.data;
  const found = ablate(network, "stem.conv", operators.noise(0.5), { seed: 7 }).parameters.get("stem.conv.kernel")!;
  const mean = [...before].reduce((sum, weight) => sum + weight) / before.length;
  const deviation = Math.sqrt([...before].reduce((sum, weight) => sum + (weight - mean) ** 2, 0) / before.length);
  const random = randomStream(7, "ablate stem.conv");
  before.forEach((weight, index) => {
    assert.ok(Math.abs(found.data[index] - (weight + 0.5 * deviation * random.normal())) < 1e-6);
  });
  assert.throws(() => operators.noise(-1), /noise\(-1\): expected a share of at least 0/);
  assert.throws(() => operators.scale(Infinity), /scale\(Infinity\): expected a number/);
});

test("rerandomize draws other numbers than noise: their changes have nothing in common", () => {
  const network = smallNetwork("resnet20");
  const dataOf = (operator: KernelOperator) =>
    ablate(network, "stage3.block1.conv2", operator).parameters.get("stage3.block1.conv2.kernel")!.data;
  const before = network.parameters.get("stage3.block1.conv2.kernel")!.data;
  const added = dataOf(operators.noise(0.5)).map((weight, index) => weight - before[index]);
  const fresh = dataOf(operators.rerandomize);
  const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, index) => sum + value * b[index], 0);
  const correlation = dot(added, fresh) / Math.sqrt(dot(added, added) * dot(fresh, fresh));
  assert.ok(Math.abs(correlation) < 4 / Math.sqrt(fresh.length), `${correlation}`);
});

test("rerandomize draws a new kernel with the initialization's mean 0 and variance 2 / (weights per filter)", () => {
  const network = smallNetwork("resnet8");
  const { data } = ablate(network, "stage3.block1.conv2", operators.rerandomize).parameters.get(
    "stage3.block1.conv2.kernel",
  )!;
  const mean = data.reduce((sum, weight) => sum + weight, 0) / data.length;
  const variance = data.reduce((sum, weight) => sum + weight ** 2, 0) / data.length;
  const wanted = 2 / (3 * 3 * 64);
  // 36,864 weights: four standard errors of the mean and of the variance.
  assert.ok(Math.abs(mean) < 4 * Math.sqrt(wanted / data.length), `mean ${mean}`);
  assert.ok(Math.abs(variance / wanted - 1) < 4 * Math.sqrt(2 / data.length), `variance ${variance} of ${wanted}`);
});

test("reinit gives back this run's own first kernel, keeps the trained batch norm, and says so where there is none", () => {
  const network = smallNetwork();
  const start = initialParameters(network.spec, randomStream(5, "initialize"));
  const ablated = ablate(network, "stage1.block1.conv1", operators.reinit, { start });
  for (const [name, values] of ablated.parameters) {
    if (name === "stage1.block1.conv1.kernel") assert.deepEqual(values, start.get(name));
    else assert.equal(values, network.parameters.get(name), name);
  }
  const whole = ablate(network, "stem.conv", (_kernel, _layer, { start }) => start!, { start });
  for (const part of ["kernel", "gamma", "beta", "mean", "variance"])
    assert.deepEqual(whole.parameters.get(`stem.conv.${part}`), start.get(`stem.conv.${part}`));
  assert.throws(() => ablate(network, "stem.conv", operators.reinit), /stem\.conv.*a run's start.*found none/);
});

type EagerWords = ReturnType<typeof eagerWords>;

/** The classes that the eager interpreter predicts for images of a small dataset, by the given forward pass. */
function eagerClasses(network: Network, count: number, pass: (words: EagerWords, images: tf.Tensor) => tf.Tensor) {
  const weights = eagerWeights(network.parameters);
  const words = eagerWords((name) => weights.get(name)!, network.normalization);
  const { images } = batchOf(smallDataset(count), 0, count);
  const logits = tf.tidy(() => pass(words, imageTensor(images)).dataSync());
  weights.forEach((tensor) => tensor.dispose());
  return predictedClasses(Float32Array.from(logits), network.spec.classes);
}

for (const [name, seed, endName] of [
  ["resnet14-w4", 4, "stage1.block2.conv2"],
  ["resnet8-w4", 5, "stage2.block1.conv2"],
  ["imagenet-resnet50-w2", 5, "stage2.block2.conv3"],
] as const) {
  test(`zeroBranch on ${endName} of ${name} is the network with that block's branch left out by hand`, () =>
    expectNoLeak(async () => {
      const network = await (name.startsWith("imagenet") ? settledNetwork : smallNetwork)(name, seed);
      const [spec, end] = [network.spec, layerOf(network.spec, endName)];
      const byHand = eagerClasses(network, 60, (words, images) => {
        const last = blocksOf(spec).reduce((x, block) => {
          if (block.branch.at(-1)!.name !== end.name) return forwardBlock(words, x, block);
          return words.relu(block.shortcut === "pad" ? words.pad(x, block.branch[0]) : x);
        }, words.normalize(images));
        return words.dense(words.pool(last));
      });
      const result = await sweep(network, smallDataset(60), { layers: [end], operator: operators.zeroBranch });
      assert.deepEqual(result.predictions, [byHand]);
      // Otherwise this test could not fail.
      assert.ok(new Set(byHand).size > 1, "it predicts one class only");
      assert.notDeepEqual(byHand, result.baseline);
    }));
}

test("zeroBranch applies to the last convolution of each residual branch and refuses the rest by name", () => {
  const { spec } = smallNetwork("resnet8-B-w4");
  const ends = branchEnds(spec).map(({ name }) => name);
  assert.deepEqual(ends, ["stage1.block1.conv2", "stage2.block1.conv2", "stage3.block1.conv2"]);
  for (const { name } of layersOf(spec).filter((layer) => !ends.includes(layer.name))) {
    assert.throws(
      () => ablate(smallNetwork("resnet8-B-w4"), name, operators.zeroBranch),
      { name: "RangeError", message: new RegExp(`Cannot zero the branch at ${name}: expected the last convolution`) },
      name,
    );
  }
  const plain = smallNetwork("plain8-w4");
  assert.deepEqual(branchEnds(plain.spec), []);
  assert.throws(() => ablate(plain, "stage1.block1.conv2", operators.zeroBranch), /Cannot zero the branch/);
  assert.deepEqual(branchEnds(specOf("vgg11")), []);
  const bottlenecks = branchEnds(specOf("imagenet-resnet50"));
  assert.equal(bottlenecks.length, 16);
  assert.ok(bottlenecks.every(({ name }) => name.endsWith(".conv3")));
});

test("removeConstant makes the layer's output exactly 0, where zero leaves its batch norm's constant", () => {
  const layer = layerOf(specOf("resnet8-w4"), "stem.conv");
  const largest = (operator: KernelOperator) => {
    const weights = eagerWeights(ablate(smallNetwork(), layer.name, operator).parameters);
    const words = eagerWords((name) => weights.get(name)!, smallNetwork().normalization);
    const { images } = batchOf(smallDataset(2), 0, 2);
    const output = tf.tidy(() =>
      words
        .batchNorm(words.conv(words.normalize(imageTensor(images)), layer), layer)
        .abs()
        .max()
        .dataSync(),
    );
    weights.forEach((tensor) => tensor.dispose());
    return output[0];
  };
  assert.equal(largest(operators.removeConstant), 0);
  assert.ok(largest(zero) > 0.01);
});

test("removeConstant on a block's first convolution leaves what zero on its second leaves: that one's constant", async () => {
  const [network, dataset] = [smallNetwork("resnet8-B-w4", 4), smallDataset(60)];
  const byOperator = (conv: string, operator: KernelOperator) =>
    sweep(network, dataset, { layers: layersNamed(layersOf(network.spec), `*.${conv}`), operator });
  const [first, second] = [await byOperator("conv1", operators.removeConstant), await byOperator("conv2", zero)];
  assert.deepEqual(first.predictions, second.predictions);
  assert.notDeepEqual(first.predictions, (await byOperator("conv1", zero)).predictions);
});

const CHANGES: Record<string, KernelOperator> = {
  removeConstant: operators.removeConstant,
  noise: operators.noise(2),
  rerandomize: operators.rerandomize,
  zeroFilters: operators.zeroFilters(0.5),
  zeroInput: operators.zeroInput(0),
};

for (const [operatorName, operator] of Object.entries(CHANGES)) {
  test(`sweep() with ${operatorName} predicts what evaluating each ablated network predicts`, () =>
    expectNoLeak(async () => {
      const [network, dataset] = [smallNetwork("resnet8-B-w4", 4), smallDataset(60)];
      const before = bitsOf(network);
      const layers = layersNamed(layersOf(network.spec), "stem.conv,stage2.*");
      const result = await sweep(network, dataset, { layers, operator, operatorName, seed: 3 });
      for (const [index, { name }] of layers.entries()) {
        const wanted = await evaluate(ablatedNetwork(ablate(network, name, operator, { seed: 3 })), dataset);
        assert.deepEqual(result.predictions[index], wanted.predictions, name);
      }
      assert.deepEqual(result.unchanged, [false, false, false, false]);
      assert.ok(
        new Set(result.baseline).size > 1,
        "a network that predicts one class only would not show a difference",
      );
      assert.equal(bitsOf(network), before);
    }));
}

test("an ablation's random numbers depend on the seed and its layer, not on the layers before it", () => {
  const network = smallNetwork();
  const kernelAfter = (name: string, seed?: number) =>
    ablate(network, name, operators.rerandomize, { seed }).parameters.get(`${name}.kernel`)!.data;
  assert.deepEqual(kernelAfter("stage1.block1.conv1"), kernelAfter("stage1.block1.conv1", 1));
  assert.notDeepEqual(kernelAfter("stage1.block1.conv1"), kernelAfter("stage1.block1.conv1", 2));
  assert.notDeepEqual(kernelAfter("stage1.block1.conv1"), kernelAfter("stage1.block1.conv2"), "same shape, other draw");
});

test("a sweep's random ablations are the same in any order and beside any other layers", async () => {
  const [network, dataset] = [smallNetwork("resnet8-w4", 5), smallDataset(60)];
  const layers = layersOf(network.spec);
  const options = { operator: operators.noise(1), seed: 2 };
  const forward = await sweep(network, dataset, { ...options, layers });
  const backward = await sweep(network, dataset, { ...options, layers: [...layers].reverse().slice(0, 3) });
  assert.deepEqual(backward.predictions, [...forward.predictions].reverse().slice(0, 3));
});

test("a researcher's own operator is a function of a kernel, its layer and random numbers", () => {
  const network = smallNetwork();
  const own: KernelOperator = ({ shape, data }, layer, { random }) => ({
    shape,
    data: data.map((weight) => (random.uniform() < 0.5 ? weight / layer.outputs : weight)),
  });
  const after = ablate(network, "stem.conv", own).parameters.get("stem.conv.kernel")!.data;
  const before = network.parameters.get("stem.conv.kernel")!.data;
  const changed = after.filter((weight, index) => weight === before[index] / 4).length;
  assert.ok(changed > 30 && changed < 78, `${changed} of 108 weights, about half expected`);
});

test("ablate() leaves network and start bit-identical whatever an operator writes into, and copies what it returns", () => {
  const [network, first] = [smallNetwork(), smallNetwork("resnet8-w4", 2)];
  const before = [bitsOf(network), bitsOf(first)];
  const wreck = (kernel: Values, values: LayerValues, start: LayerValues) => {
    for (const { data } of [kernel, ...Object.values(values), ...Object.values(start)]) data.fill(7);
  };
  const writes: KernelOperator = (kernel, _, { values, start }) => (wreck(kernel, values, start!), values);
  const throws: KernelOperator = (kernel, _, { values, start }) => (
    wreck(kernel, values, start!),
    assert.fail("thrown")
  );
  const { parameters } = ablate(network, "stem.conv", writes, { start: first.parameters });
  assert.ok(parameters.get("stem.conv.beta")!.data.every((shift) => shift === 7));
  assert.throws(() => ablate(network, "stem.conv", throws, { start: first.parameters }), /thrown/);
  assert.deepEqual([bitsOf(network), bitsOf(first)], before);
  const shared = new Float32Array(3 * 3 * 4 * 4);
  const reuses: KernelOperator = ({ shape }, { name }) => ({
    shape,
    data: shared.fill(name.endsWith("conv1") ? 1 : 2),
  });
  const [one] = ["conv1", "conv2"].map((conv) => ablate(network, `stage1.block1.${conv}`, reuses));
  assert.ok(one.parameters.get("stage1.block1.conv1.kernel")!.data.every((weight) => weight === 1));
});

test("ablate() says what an operator returned in place of a kernel, and what it expected", () => {
  const network = smallNetwork();
  const refuses = (returned: unknown, name: string, message: RegExp) =>
    assert.throws(() => ablate(network, "stem.conv", (() => returned) as KernelOperator), { name, message });
  const { shape, data } = network.parameters.get("stem.conv.kernel")!;
  refuses(
    { shape, data: data.slice(1) },
    "RangeError",
    /Cannot ablate stem\.conv: the operator returned a kernel of 107 numbers, expected 108 \(shape \[3,3,3,4\]\)$/,
  );
  refuses({ shape: [3, 3, 4, 3], data }, "RangeError", /a kernel of shape \[3,3,4,3\], expected \[3,3,3,4\]$/);
  refuses(
    { shape, data: [...data] },
    "TypeError",
    /\{ shape: \[3,3,3,4\], data: an Array \} as kernel, expected .* a Float32Array \}$/,
  );
  refuses({ shape, data: Float64Array.from(data) }, "TypeError", /data: a Float64Array \} as kernel, expected/);
  refuses(
    { data },
    "TypeError",
    /\{ shape: undefined, data: a Float32Array \} as kernel, expected \{ shape: \[3,3,3,4\], /,
  );
  refuses({ beta: [1, 2, 3, 4] }, "TypeError", /returned an Array as beta, expected \{ shape: \[4\], /);
  for (const [returned, found] of [
    [undefined, "undefined"],
    [null, "null"],
    [data, "a Float32Array"],
    [[...data], "an Array"],
    [0, "a number"],
    [() => data, "a function"],
    [Promise.resolve({ shape, data }), "a Promise"],
    [{ kernal: { shape, data } }, "\\{ kernal \\}"],
  ] as const)
    refuses(
      returned,
      "TypeError",
      new RegExp(`returned ${found}, expected a kernel \\{ shape, data \\} or arrays by name`),
    );
  assert.ok(isUnchanged(ablate(network, "stem.conv", () => ({}))), "nothing by name changes nothing");
});

test("ablate() refuses no layer, a layer twice, and one that the network does not have", () => {
  const network = smallNetwork();
  const refuses = (names: string | string[], message: RegExp) =>
    assert.throws(() => ablate(network, names, zero), { name: "RangeError", message });
  refuses([], /Cannot ablate resnet8-w4: expected at least one layer but found none/);
  refuses(["stem.conv", "stem.conv"], /Cannot ablate resnet8-w4: expected each layer once but found stem\.conv twice/);
  refuses(["stem.conv", "stage9.conv"], /Cannot find the layer "stage9\.conv"/);
});

test("ablate() refuses batch-norm arrays of another shape, that are not finite, or with a negative variance", () => {
  const network = smallNetwork();
  const gives = (part: keyof LayerValues, ...data: number[]) =>
    ablate(network, "stem.conv", () => ({ [part]: { shape: [data.length], data: Float32Array.from(data) } }));
  assert.throws(() => gives("beta", 1, 2), /a beta of shape \[2\], expected \[4\]/);
  assert.throws(() => gives("gamma", 1, 2, Infinity, 4), /returned Infinity, expected finite numbers/);
  assert.throws(() => gives("variance", 1, 2, -1, 4), /a variance of -1, expected none below 0/);
  assert.ok(!isUnchanged(gives("mean", 1, 2, 3, 4)));
});

test("an operator that changes nothing is reported as unchanged, and its layer is never called trivial", async () => {
  const [network, dataset] = [smallNetwork(), smallDataset(600)];
  const layers = layersOf(network.spec).slice(0, 3);
  const operator: KernelOperator = (kernel, layer, site) =>
    layer.name === layers[1].name ? operators.scale(1)(kernel, layer, site) : zero(kernel, layer, site);
  const result = await sweep(network, dataset, { layers, operator });
  assert.deepEqual(result.unchanged, [false, true, false]);
  assert.deepEqual(result.predictions[1], result.baseline);
  const rows = rowsOf(result);
  assert.deepEqual(
    rows.map(({ unchanged }) => unchanged),
    [undefined, true, undefined],
  );
  const [, { verdict, trivialAdjusted }] = verdictsOf(rows, { margin: 0.05 });
  assert.ok(trivialAdjusted < 0.05, "by its counts alone it would be called trivial");
  assert.equal(verdict, "unchanged");
});

test("ablate() recognizes what is already there: zeroing twice, no noise, no filters, a scale of 1", () => {
  const network = smallNetwork();
  const zeroed = ablate(network, "stem.conv", zero);
  assert.ok(!isUnchanged(zeroed));
  assert.ok(isUnchanged(ablate(ablatedNetwork(zeroed), "stem.conv", zero)));
  for (const operator of [operators.noise(0), operators.zeroFilters(0), operators.scale(1)])
    assert.ok(isUnchanged(ablate(network, "stem.conv", operator)));
  const tiny: KernelOperator = ({ shape, data }) => ({
    shape,
    data: data.map((w, index) => (index ? w : w * (1 + 1e-6))),
  });
  assert.ok(!isUnchanged(ablate(network, "stem.conv", tiny)), "one weight in its last digits");
});
