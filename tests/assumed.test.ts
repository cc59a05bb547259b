// What an import takes for granted, and which of several sets of weights it takes: said, kept with the network, and given otherwise.
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, test } from "node:test";
import { assumedText } from "../lib/checkpoints/assumed";
import { decodeNetwork, encodeNetwork } from "../lib/checkpoints/network-file";
import { encodeTorchState, importTorch } from "../lib/checkpoints/torch";
import { firstImages, loadCifar } from "../lib/data/cifar";
import { decodeSafetensors, encodeSafetensors } from "../lib/files/safetensors";
import { decodeSealed, encodeSealed } from "../lib/files/sealed";
import type { Values } from "../lib/files/values";
import { CIFAR10_NORMALIZATION } from "../lib/networks/network";
import { loadNetwork } from "../lib/runs/run-folder";
import { sweep } from "../lib/sweeps/sweep";
import { evaluate } from "../lib/training/evaluate";
import { bitsOf, smallDataset, smallNetwork } from "./small";
import { checkpointFile } from "./torch-file";

const FOLDER = mkdtempSync(path.join(tmpdir(), "nontrivial-assumed-"));
after(() => rmSync(FOLDER, { recursive: true, force: true }));
const CHECKPOINTS = path.resolve("..", "shared", "checkpoints");
const skip = existsSync(CHECKPOINTS) ? false : "the public checkpoints (../shared/checkpoints) are not on this machine";

type Tensors = ReadonlyMap<string, Values>;

/** A network as a state_dict, with nothing said besides. */
const stateDict = (name: string, seed?: number): Tensors =>
  decodeSafetensors(encodeTorchState(smallNetwork(name, seed))).tensors;

const [raw, averaged] = [stateDict("resnet8-w4", 1), stateDict("resnet8-w4", 2)];
const wrapped: Tensors = new Map([...averaged].map(([name, values]) => [`module.${name}`, values]));
const counted: Tensors = new Map([...wrapped, ["n_averaged", { shape: [], data: Float32Array.of(93) }]]);

/** Which network it is, by its numbers. */
const [rawBits, averagedBits] = [1, 2].map((seed) => bitsOf(smallNetwork("resnet8-w4", seed)));

test("importTorch() says what it assumed: normalization, shortcut, pooling and padding", () => {
  const { assumed } = importTorch(checkpointFile({ "": raw }));
  assert.match(
    assumed!.normalization!,
    /^mean 0\.485, 0\.456, 0\.406 and deviation 0\.229, .* \(ImageNet's, as akamaster/,
  );
  assert.match(assumed!.shortcut!, /padded with zero channels/);
  assert.deepEqual(Object.keys(assumed!).sort(), ["normalization", "padding", "pooling", "shortcut"]);
  assert.match(assumedText(assumed)!, /^normalization: mean 0\.485.*; shortcut: .*; pooling: .*; padding: /);
});

test("importTorch() does not call assumed what was given, nor a shortcut that has parameters", () => {
  const given = importTorch(checkpointFile({ "": raw }), { normalization: CIFAR10_NORMALIZATION, family: "resnet" });
  assert.deepEqual(Object.keys(given.assumed!).sort(), ["padding", "pooling"]);
  assert.deepEqual(given.normalization, CIFAR10_NORMALIZATION);
  const B = importTorch(checkpointFile({ "": stateDict("resnet8-B-w4") }));
  assert.equal(B.assumed!.shortcut, undefined);
  assert.match(importTorch(checkpointFile({ "": stateDict("vgg13-w4") })).assumed!.pooling!, /2x2 maxima/);
  const bottlenecks = importTorch(checkpointFile({ "": stateDict("imagenet-resnet50-w2") })).assumed!;
  assert.deepEqual(
    [bottlenecks.shortcut, bottlenecks.pooling],
    ["stride in the 3x3 convolution of a bottleneck", "none after the stem, the mean of all pixels at the end"],
  );
});

test("what was assumed goes where the network goes: into both of our formats, and into sweeps", async () => {
  const found = importTorch(checkpointFile({ "": raw }));
  assert.deepEqual(decodeNetwork(encodeNetwork(found)).assumed, found.assumed);
  assert.deepEqual(importTorch(encodeTorchState(found)).assumed, found.assumed);
  const other = importTorch(encodeTorchState(found), { normalization: CIFAR10_NORMALIZATION });
  const { normalization, ...rest } = found.assumed!;
  assert.deepEqual([other.assumed, typeof normalization], [rest, "string"]);
  assert.deepEqual((await sweep(found, smallDataset(10))).assumed, found.assumed);
});

test("a network that the project made itself assumes nothing", async () => {
  const own = smallNetwork();
  for (const network of [decodeNetwork(encodeNetwork(own)), importTorch(encodeTorchState(own))])
    assert.equal(Object.hasOwn(network, "assumed") && network.assumed !== undefined, false);
  assert.equal((await loadNetwork("data/runs/resnet8-seed1")).assumed, undefined);
  assert.equal(Object.hasOwn(await sweep(own, smallDataset(10)), "assumed"), false);
});

test("decodeNetwork() refuses assumptions that are no lines of text", () => {
  const found = importTorch(checkpointFile({ "": raw }));
  const { tensors, metadata } = decodeSealed(encodeNetwork(found));
  for (const [assumed, message] of [
    ["[", /assumed is not JSON/],
    ["7", /assumed is 7, expected an object/],
    ['{"weather":"fine"}', /assumed is "weather", expected some of weights/],
    ['{"padding":"\\u001b[2J"}', /assumed\.padding is .*, expected a line of text/],
    [`{"padding":"${"x".repeat(301)}"}`, /expected a line of text/],
    ['{"padding":1}', /assumed\.padding is 1/],
  ] as const)
    assert.throws(() => decodeNetwork(encodeSealed({ tensors, metadata: { ...metadata, assumed } })), message);
});

const FILES: Readonly<Record<string, Readonly<Record<string, Tensors>>>> = {
  "timm's": { state_dict: raw, state_dict_ema: averaged },
  "torchvision's": { model: raw, model_ema: counted },
  "one with ema_state_dict": { net: raw, ema_state_dict: averaged },
};
for (const [whose, dicts] of Object.entries(FILES)) {
  test(`of raw and averaged weights in ${whose} file the averaged ones are taken, the others on request, and both are named`, () => {
    const file = checkpointFile(dicts);
    const [rawKey, averagedKey] = Object.keys(dicts);
    const choice = { averaged: `averaged (in "${averagedKey}"), not raw (in "${rawKey}")` };
    const taken = importTorch(file);
    assert.deepEqual([bitsOf(taken), taken.assumed!.weights], [averagedBits, choice.averaged]);
    for (const weights of ["averaged", averagedKey]) assert.deepEqual(importTorch(file, { weights }), taken);
    for (const weights of ["raw", rawKey]) {
      const found = importTorch(file, { weights });
      assert.equal(bitsOf(found), rawBits);
      assert.equal(found.assumed!.weights, `raw (in "${rawKey}"), not averaged (in "${averagedKey}")`);
    }
    assert.throws(() => importTorch(file, { weights: "best" }), {
      name: "RangeError",
      message: /the weights "best" but found averaged \(in ".*"\) and raw \(in ".*"\) ones/,
    });
  });
}

test("averaged weights alone are read, whoever wrapped them, and what is no state_dict under such a key is passed over", () => {
  const alone = importTorch(checkpointFile({ "": counted }));
  assert.deepEqual([bitsOf(alone), alone.assumed!.weights], [averagedBits, undefined]);
  assert.equal(bitsOf(importTorch(checkpointFile({ "": counted }), { weights: "averaged" })), averagedBits);
  assert.throws(
    () => importTorch(checkpointFile({ "": counted }), { weights: "raw" }),
    /"raw" but found averaged ones/,
  );
  assert.throws(() => importTorch(checkpointFile({ "": raw }), { weights: "averaged" }), /but found raw ones/);
  assert.equal(bitsOf(importTorch(checkpointFile({ state_dict: raw, model_ema: new Map() }))), rawBits);
  const safe = encodeSafetensors(raw);
  assert.equal(bitsOf(importTorch(safe, { weights: "raw" })), rawBits);
  assert.throws(() => importTorch(safe, { weights: "averaged" }), /but found raw ones/);
});

test("loadNetwork() refuses options for what the project wrote itself, and a family other than the stated one", async () => {
  const file = path.join(FOLDER, "own.safetensors");
  writeFileSync(file, encodeNetwork(smallNetwork()));
  for (const place of [file, "data/runs/resnet8-seed1"]) {
    await assert.rejects(
      loadNetwork(place, { normalization: CIFAR10_NORMALIZATION, weights: "raw" }),
      /this project wrote it, which says everything itself: expected no other normalization and weights/,
    );
    assert.ok(await loadNetwork(place, { family: undefined }));
  }
  assert.throws(
    () => importTorch(encodeTorchState(smallNetwork()), { family: "plain" }),
    /as a plain network: the file says that it is resnet8-w4/,
  );
});

test("our ResNet-20 with akamaster's names has 9,083 of 10,000 right with its normalization, and the assumed one is said", async () => {
  const own = await loadNetwork("data/runs/resnet20-seed1");
  const bytes = encodeSafetensors(decodeSafetensors(encodeTorchState(own)).tensors, { format: "pt" });
  const images = await loadCifar("cifar10", "test");
  const given = importTorch(bytes, { normalization: CIFAR10_NORMALIZATION });
  assert.equal((await evaluate(given, images)).correct, 9083);
  const few = firstImages(images, 1000);
  const assumed = importTorch(bytes);
  assert.notEqual((await evaluate(assumed, few)).correct, (await evaluate(given, few)).correct);
  assert.match(assumed.assumed!.normalization!, /ImageNet's/);
});

test("the public ResNet-20's averaged weights beside worse raw ones have 9,173 of 10,000 right", { skip }, async () => {
  const { tensors } = decodeSafetensors(encodeTorchState(importTorch(path.join(CHECKPOINTS, "resnet20-12fca82f.th"))));
  const worse: Tensors = new Map(
    [...tensors].map(([name, { shape, data }]) => [name, { shape, data: data.map((value) => 0.7 * value) }]),
  );
  const found = importTorch(checkpointFile({ state_dict: worse, state_dict_ema: tensors }));
  assert.equal((await evaluate(found, await loadCifar("cifar10", "test"))).correct, 9173);
});
