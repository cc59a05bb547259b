import assert from "node:assert/strict";
import { test } from "node:test";
import { sweepCost } from "./bench/cost";
import { layerOf, layersOf } from "../lib/networks/layers";
import { setOf, singles } from "../lib/ablations/sets";
import { specOf } from "../lib/networks/spec";
import { smallNetwork } from "./small";

// ResNet-8 of width 16, multiply-adds per image by hand: size^2 * inputs * outputs * side^2.
const STEM = 9 * 3 * 16 * 1024; // 442,368
const CONV = 9 * 16 * 16 * 1024; // 2,359,296 wherever the channels stay: twice the channels, half the side
const ENTRY = 9 * 16 * 32 * 256; // 1,179,648 where they double
const PROJECTION = 16 * 32 * 256; // 131,072 for shortcut B

const costOf = (name: string) => sweepCost(smallNetwork(name), singles(layersOf(specOf(name))));

test("sweepCost() counts the convolutions after the ablated block, for the intact pass once, as done by hand", () => {
  const { pass, ablations, sweep, loop } = costOf("resnet8");
  assert.equal(pass, STEM + 4 * CONV + 2 * ENTRY);
  const stage3 = ENTRY + CONV;
  const perLayer = [0, 2 * stage3, 2 * stage3, stage3, stage3, 0, 0];
  assert.deepEqual(ablations, perLayer);
  assert.equal(sweep, pass + 6 * stage3);
  assert.equal(loop, 8 * pass);
});

test("sweepCost() finds the multiply-adds of ResNet-20 in the literature, 40.6 million without the dense layer", () => {
  assert.equal(costOf("resnet20").pass, 40_550_400);
});

test("sweepCost() counts a shortcut's convolution where its input has changed, and not where its kernel is zero", () => {
  const { pass, ablations } = costOf("resnet8-B");
  assert.equal(pass, STEM + 4 * CONV + 2 * ENTRY + 2 * PROJECTION);
  const stage3 = ENTRY + CONV + PROJECTION;
  // stem, stage1's two, then conv1, conv2 and shortcut of stage 2 and of stage 3.
  assert.deepEqual(ablations, [0, 2 * stage3, 2 * stage3, stage3, stage3, stage3, 0, 0, 0]);
});

test("a plain network without one of its kernels is a constant, which costs nothing", () => {
  assert.ok(costOf("plain20").ablations.every((cost) => cost === 0));
});

test("a VGG, which has no shortcuts either, is a constant without one of its kernels", () => {
  const { pass, ablations } = costOf("vgg11");
  // By hand: 3 -> 64 at 32, 64 -> 128 at 16, then 128 -> 256, 256 -> 256 at 8, 256 -> 512, 512 -> 512 at 4, twice 512 -> 512 at 2.
  const steps = [[3, 64, 32], [64, 128, 16], [128, 256, 8], [256, 256, 8], [256, 512, 4], [512, 512, 4], [512, 512, 2], [512, 512, 2]]; // prettier-ignore
  assert.equal(
    pass,
    steps.reduce((sum, [inputs, outputs, side]) => sum + 9 * inputs * outputs * side ** 2, 0),
  );
  assert.ok(ablations.every((cost) => cost === 0));
});

test("sweepCost() leaves out a convolution that only a zero kernel would look at", () => {
  const network = smallNetwork("resnet8");
  const layers = ["stage1.block1.conv1", "stage2.block1.conv2"].map((name) => layerOf(network.spec, name));
  assert.deepEqual(sweepCost(network, [setOf(layers)]).ablations, [ENTRY + CONV]);
  assert.deepEqual(sweepCost(network, []).ablations, []);
});

test("a pair of layers shares what the first of them alone computes, and costs nothing within one branch", () => {
  const network = smallNetwork("resnet8");
  const [early, before, late] = ["stage1.block1.conv1", "stage3.block1.conv1", "stage3.block1.conv2"].map((name) =>
    layerOf(network.spec, name),
  );
  const alone = sweepCost(network, singles([early, late]));
  const together = sweepCost(network, [...singles([early, late]), setOf([early, late]), setOf([before, late])]);
  assert.deepEqual(together.ablations.slice(2), [ENTRY + CONV, 0]);
  assert.equal(together.sweep, alone.sweep, "both are there already");
});
