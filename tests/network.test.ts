import assert from "node:assert/strict";
import { test } from "node:test";
import { forward, type Vocabulary } from "../lib/networks/forward";
import { changesChannels, type Layer, layerOf, layersOf, multiplicationsOf } from "../lib/networks/layers";
import { initialParameters, multiplications, parameterCount, parameterShapes } from "../lib/networks/network";
import { randomStream } from "../lib/statistics/random";
import { specName, specOf } from "../lib/networks/spec";

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

// Source: the models' parameters as PyTorch counts them in kuangliu/pytorch-cifar (VGG11 9,231,114, VGG13 9,416,010, VGG16
// 14,728,266, ResNet18 11,173,962, ResNet34 21,282,122, ResNet50 23,520,842). His VGG's convolutions have biases, which a batch
// norm makes superfluous and which are not here: as many as all convolutions have outputs.
test("parameterCount() of VGG and of ImageNet-style ResNets is what PyTorch counts for kuangliu's, but for VGG's biases", () => {
  const biases = (name: string) => layersOf(specOf(name)).reduce((sum, { outputs }) => sum + outputs, 0);
  assert.equal(biases("vgg16"), 4224);
  assert.equal(parameterCount(specOf("vgg11")), 9_231_114 - biases("vgg11"));
  assert.equal(parameterCount(specOf("vgg13")), 9_416_010 - biases("vgg13"));
  assert.equal(parameterCount(specOf("vgg16")), 14_728_266 - 4224);
  assert.equal(parameterCount(specOf("imagenet-resnet18")), 11_173_962);
  assert.equal(parameterCount(specOf("imagenet-resnet34")), 21_282_122);
  assert.equal(parameterCount(specOf("imagenet-resnet50")), 23_520_842);
});

const millions = (count: number) => Number((count / 1e6).toFixed(2));

test("multiplications() are the millions that are published for CIFAR ResNets: one per weight and output pixel", () => {
  const of = (name: string) => millions(multiplications(specOf(name)));
  // Shortcut A, convolutions and dense layer: HRank (Lin et al. 2020, arXiv 2002.10179), table of ResNet-56 and ResNet-110 on CIFAR-10.
  assert.deepEqual(["resnet56", "resnet110"].map(of), [125.49, 252.89]);
  // Shortcut B: the README of chenyaofo/pytorch-cifar-models, ResNet-20, 32, 44 and 56.
  assert.deepEqual(["resnet20-B", "resnet32-B", "resnet44-B", "resnet56-B"].map(of), [40.81, 69.12, 97.44, 125.75]);
  assert.equal(of("resnet20"), 40.55); // 40.81 without the two 1x1 shortcuts, which are 131,072 each
});

test("multiplications() of VGG are the published ones once the further dense layers of those networks are added", () => {
  // chenyaofo's VGGs (README of chenyaofo/pytorch-cifar-models) have two more dense layers, 512 to 512 each.
  const of = (name: string) => millions(multiplications(specOf(name)) + 2 * 512 * 512);
  assert.deepEqual(["vgg11", "vgg13", "vgg16"].map(of), [153.29, 228.79, 313.73]);
});

// thop (Lyken17/pytorch-OpCounter) on kuangliu's networks, in millions cut after two digits, as forks of his README publish it.
// Besides ours it counts 2 operations per number that a batch norm sees, 1 per number for the biases of VGG's convolutions, and
// in the dense layer the additions too, one less than there are multiplications for each class.
test("multiplications() are thop's count on kuangliu's networks once what thop counts besides is added", () => {
  const asThop = (name: string) => {
    const [layers, perNumber] = [layersOf(specOf(name)), name.startsWith("vgg") ? 3 : 2];
    const normed = layers.reduce((sum, { outputs, side }) => sum + outputs * side ** 2, 0);
    const dense = parameterShapes(specOf(name)).get("dense.kernel")!;
    const count = multiplications(specOf(name)) + perNumber * normed + (dense[0] - 1) * dense[1];
    return Math.floor(count / 1e4) / 100;
  };
  assert.deepEqual(["vgg11", "vgg13", "vgg16"].map(asThop), [153.22, 229.02, 314.03]);
  assert.deepEqual(
    [18, 34, 50].map((depth) => asThop(`imagenet-resnet${depth}`)),
    [556.65, 1161.45, 1304.71],
  );
});

test("multiplicationsOf() is, by hand, weights times output pixels", () => {
  const of = (name: string, layer: string) => multiplicationsOf(layerOf(specOf(name), layer));
  assert.equal(of("resnet20", "stem.conv"), 3 * 3 * 3 * 16 * 32 * 32);
  assert.equal(of("resnet20-B", "stage2.block1.shortcut"), 16 * 32 * 16 * 16);
  assert.equal(of("vgg16", "stage5.conv3"), 3 * 3 * 512 * 512 * 2 * 2);
});

test("a layer's side is what is left of 32 pixels after strides and max pools", () => {
  const sides = (name: string) => [...new Set(layersOf(specOf(name)).map(({ side }) => side))];
  assert.deepEqual(sides("resnet20"), [32, 16, 8]);
  assert.deepEqual(sides("vgg13"), [32, 16, 8, 4, 2]);
  assert.deepEqual(sides("imagenet-resnet34"), [32, 16, 8, 4]);
  // A bottleneck halves in its 3x3 convolution: its first 1x1 still sees the larger image.
  const first = ["conv1", "conv2", "conv3", "shortcut"].map((part) =>
    layerOf(specOf("imagenet-resnet50"), `stage2.block1.${part}`),
  );
  assert.deepEqual(
    first.map(({ inputs, outputs, stride, side }) => [inputs, outputs, stride, side]),
    [
      [256, 128, 1, 32],
      [128, 128, 2, 16],
      [128, 512, 1, 16],
      [256, 512, 2, 16],
    ],
  );
});

test("layersOf() names VGG's convolutions by stage, and a residual block's in forward order with the shortcut last", () => {
  const names = (name: string) => layersOf(specOf(name)).map((layer) => layer.name);
  assert.deepEqual(names("vgg11"), [
    ...["stage1.conv1", "stage2.conv1", "stage3.conv1", "stage3.conv2"],
    ...["stage4.conv1", "stage4.conv2", "stage5.conv1", "stage5.conv2"],
  ]);
  const block = ["conv1", "conv2", "conv3"];
  assert.deepEqual(names("imagenet-resnet50").slice(0, 8), [
    "stem.conv",
    ...[...block, "shortcut"].map((part) => `stage1.block1.${part}`),
    ...block.map((part) => `stage1.block2.${part}`),
  ]);
  assert.ok(!names("imagenet-resnet18").includes("stage1.block1.shortcut"));
  assert.ok(names("imagenet-resnet18").includes("stage4.block1.shortcut"));
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
  for (const name of [
    "resnet20",
    "plain32",
    "resnet56-B",
    "resnet20-w32",
    "resnet8-B-w4",
    "vgg16",
    "vgg11-w8",
    "imagenet-resnet50",
    "preresnet20",
    "preresnet164bn",
    "preresnet11bn-w4",
    "wrn28-10",
    "wrn10-2-w4",
  ])
    assert.equal(specName(specOf(name)), name);
});

test("specOf() tells the depth of a CIFAR ResNet from the ImageNet-style ones, which are networks of their own", () => {
  assert.equal(layersOf(specOf("resnet50")).length, 49);
  assert.equal(layersOf(specOf("imagenet-resnet50")).length, 49 + 4);
  assert.deepEqual(specOf("imagenet-resnet18"), { family: "imagenet-resnet", depth: 18, width: 64, classes: 10 });
  assert.throws(() => specOf("resnet18"), /depth 18: .* called imagenet-resnet18/);
  assert.throws(() => specOf("imagenet-resnet20"), /depth 20: imagenet-resnet has the depths 18, 34, 50/);
  assert.throws(() => specOf("vgg12"), /depth 12: vgg has the depths 11, 13, 16/);
  assert.throws(() => specOf("vgg16-B"), /Cannot read the network's name/);
});

test("specOf() refuses a depth that is not 6n+2, an odd width and unknown names", () => {
  assert.throws(() => specOf("resnet21"), /depth 21: the depth has to be 6n\+2/);
  assert.throws(() => specOf("resnet2"), /depth 2: the depth has to be 6n\+2/);
  assert.throws(() => specOf("resnet20-w7"), /width 7: the width has to be a positive even number/);
  assert.throws(() => specOf("alexnet"), /the network's name "alexnet": expected one like resnet20/);
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
    add: (_branch, _shortcut, { name }) => note(`add ${name}`),
    pad: layer("pad"),
    maxPool: () => note("max pool"),
    pool: () => note("pool"),
    dense: () => note("dense"),
    operate: ({ op }) => note(op),
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
    `add ${name}.conv2`,
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
  assert.ok(!plain.some((step) => /^(add|pad)/.test(step)));
  assert.ok(projecting.includes("conv stage3.block1.shortcut") && !projecting.some((step) => step.startsWith("pad")));
});

test("forward() of a VGG-11 takes convolution, batch norm and relu of each layer, with a max pool after each stage", () => {
  const steps: string[] = [];
  forward(specOf("vgg11"), writing(steps), "images");
  const unit = (name: string) => [`conv ${name}`, `norm ${name}`, "relu"];
  assert.deepEqual(steps, [
    "normalize",
    ...[...unit("stage1.conv1"), "max pool"],
    ...[...unit("stage2.conv1"), "max pool"],
    ...[...unit("stage3.conv1"), ...unit("stage3.conv2"), "max pool"],
    ...[...unit("stage4.conv1"), ...unit("stage4.conv2"), "max pool"],
    ...[...unit("stage5.conv1"), ...unit("stage5.conv2"), "max pool"],
    ...["pool", "dense"],
  ]);
});

test("forward() of a ResNet-50 adds a projection where a stage begins and the block's input elsewhere, and never pools in between", () => {
  const steps: string[] = [];
  forward(specOf("imagenet-resnet50"), writing(steps), "images");
  const unit = (name: string) => [`conv ${name}`, `norm ${name}`];
  const branch = (name: string) => [
    ...[...unit(`${name}.conv1`), "relu", ...unit(`${name}.conv2`), "relu", ...unit(`${name}.conv3`)],
  ];
  const [first, second] = ["stage1.block1", "stage1.block2"];
  assert.deepEqual(steps.slice(0, 24), [
    ...["normalize", ...unit("stem.conv"), "relu"],
    ...[...branch(first), ...unit(`${first}.shortcut`), `add ${first}.conv3`, "relu"],
    ...branch(second),
  ]);
  assert.deepEqual(steps.slice(24, 26), [`add ${second}.conv3`, "relu"]);
  assert.equal(steps.filter((step) => step.startsWith("add")).length, 16);
  assert.equal(steps.filter((step) => step.includes("conv stage") && step.endsWith("shortcut")).length, 4);
  assert.ok(!steps.some((step) => /^(pad|max pool)/.test(step)));
});
