import assert from "node:assert/strict";
import { test } from "node:test";
import {
  changesChannels,
  forward,
  initialParameters,
  type Layer,
  layerOf,
  layersOf,
  parameterCount,
  parameterShapes,
  specName,
  specOf,
  type Vocabulary,
} from "../lib/network";
import { randomStream } from "../lib/random";

test("parameterCount() gives He et al.'s table for CIFAR-10: 0.27, 0.46, 0.66, 0.85 and 1.7 million", () => {
  const millions = [20, 32, 44, 56, 110].map((depth) => parameterCount(specOf(`resnet${depth}`)) / 1e6);
  assert.deepEqual(
    millions.map((count) => Number(count.toPrecision(2))),
    [0.27, 0.46, 0.66, 0.85, 1.7],
  );
});

test("parameterCount() of resnet20 is what PyTorch counts for the public implementations with shortcut A and B", () => {
  assert.equal(parameterCount(specOf("resnet20")), 269_722); // akamaster/pytorch_resnet_cifar10
  assert.equal(parameterCount(specOf("resnet20-B")), 272_474); // chenyaofo/pytorch-cifar-models
});

test("layersOf() has 6n+1 convolutions, two more with shortcut B, of which those at a stage's start change the channels", () => {
  assert.equal(layersOf(specOf("resnet20")).length, 19);
  assert.equal(layersOf(specOf("resnet56")).length, 55);
  assert.equal(layersOf(specOf("plain20")).length, 19);
  assert.equal(layersOf(specOf("resnet20-B")).length, 21);
  const changing = layersOf(specOf("resnet20-B"))
    .filter(changesChannels)
    .map((layer) => layer.name);
  assert.deepEqual(changing, [
    "stem.conv",
    "stage2.block1.conv1",
    "stage2.block1.shortcut",
    "stage3.block1.conv1",
    "stage3.block1.shortcut",
  ]);
});

test("specOf() and specName() are each other's inverse", () => {
  for (const name of ["resnet20", "plain32", "resnet56-B", "resnet20-w32", "resnet8-B-w4"])
    assert.equal(specName(specOf(name)), name);
});

test("specOf() refuses a depth that is not 6n+2, an odd width and unknown names", () => {
  assert.throws(() => specOf("resnet21"), /depth 21: the depth has to be 6n\+2/);
  assert.throws(() => specOf("resnet2"), /depth 2: the depth has to be 6n\+2/);
  assert.throws(() => specOf("resnet20-w7"), /width 7: the width has to be a positive even number/);
  assert.throws(() => specOf("vgg16"), /the network's name "vgg16": expected one like resnet20/);
});

test("layerOf() lists the layers when a name is unknown", () => {
  assert.equal(layerOf(specOf("resnet8"), "stage2.block1.conv1").stride, 2);
  assert.throws(
    () => layerOf(specOf("resnet8"), "stage4.block1.conv1"),
    /Cannot find the layer "stage4.block1.conv1": resnet8 has stem.conv, stage1/,
  );
});

test("initialParameters() draws kernels with He's deviation, starts batch norms as the identity, and repeats with its seed", () => {
  const spec = specOf("resnet20");
  const parameters = initialParameters(spec, randomStream(3, "initialize"));
  assert.deepEqual([...parameters.keys()], [...parameterShapes(spec).keys()]);
  const { data, shape } = parameters.get("stage3.block2.conv1.kernel")!;
  assert.deepEqual(shape, [3, 3, 64, 64]);
  const deviation = Math.sqrt(data.reduce((sum, weight) => sum + weight * weight, 0) / data.length);
  assert.ok(Math.abs(deviation / Math.sqrt(2 / (9 * 64)) - 1) < 0.02, `deviation ${deviation}`);
  assert.ok(parameters.get("stem.conv.gamma")!.data.every((value) => value === 1));
  assert.ok(parameters.get("stem.conv.mean")!.data.every((value) => value === 0));
  assert.deepEqual(initialParameters(spec, randomStream(3, "initialize")), parameters);
  assert.notDeepEqual(initialParameters(spec, randomStream(4, "initialize")), parameters);
});

/** An interpreter that writes down what it is asked to do. */
function writing(steps: string[]): Vocabulary<string> {
  const note = (step: string) => (steps.push(step), step);
  const layer =
    (word: string) =>
    (_: string, { name }: Layer) =>
      note(`${word} ${name}`);
  return {
    normalize: () => note("normalize"),
    conv: layer("conv"),
    batchNorm: layer("norm"),
    relu: () => note("relu"),
    add: () => note("add"),
    pad: layer("pad"),
    pool: () => note("pool"),
    dense: () => note("dense"),
  };
}

test("forward() of a ResNet-8 takes each step of He et al.'s network in order", () => {
  const steps: string[] = [];
  forward(specOf("resnet8"), writing(steps), "images");
  const block = (name: string, shortcut: string[]) => [
    `conv ${name}.conv1`,
    `norm ${name}.conv1`,
    "relu",
    `conv ${name}.conv2`,
    `norm ${name}.conv2`,
    ...shortcut,
    "add",
    "relu", // prettier-ignore
  ];
  assert.deepEqual(steps, [
    ...["normalize", "conv stem.conv", "norm stem.conv", "relu"],
    ...block("stage1.block1", []),
    ...block("stage2.block1", ["pad stage2.block1.conv1"]),
    ...block("stage3.block1", ["pad stage3.block1.conv1"]),
    ...["pool", "dense"],
  ]);
});

test("forward() of a plain network never adds, and with shortcut B it convolves instead of padding", () => {
  const [plain, projecting]: string[][] = [[], []];
  forward(specOf("plain8"), writing(plain), "images");
  forward(specOf("resnet8-B"), writing(projecting), "images");
  assert.ok(!plain.includes("add") && !plain.some((step) => step.startsWith("pad")));
  assert.ok(projecting.includes("conv stage3.block1.shortcut") && !projecting.some((step) => step.startsWith("pad")));
});
