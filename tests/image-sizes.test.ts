// Images of other sizes than 32 x 32, and the ResNets for ImageNet in torchvision's form: stem, max pool, counts, both interpreters, sweeps.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, test } from "node:test";
import { ablate, ablatedNetwork, zero } from "../lib/ablations/ablate";
import * as operators from "../lib/ablations/operators";
import { encodeOnnx } from "../lib/checkpoints/onnx-export";
import { encodeTorchState, importReport, importTorch } from "../lib/checkpoints/torch";
import { batchOf } from "../lib/data/batches";
import { firstImages } from "../lib/data/cifar";
import { checkDataset, type LoadedDataset } from "../lib/data/dataset";
import { loadNpyDataset } from "../lib/data/npy";
import { take } from "../lib/data/select";
import { tf } from "../lib/engine/backend";
import { eagerWeights, eagerWords } from "../lib/engine/eager";
import { imageTensor, openPredictor } from "../lib/engine/predictor";
import { openTrainer } from "../lib/engine/trainer";
import { decodeSafetensors } from "../lib/files/safetensors";
import { forward } from "../lib/networks/forward";
import { layerOf, layersOf } from "../lib/networks/layers";
import { parameterCount } from "../lib/networks/network";
import { parseSpec } from "../lib/networks/parse";
import { specName, specOf } from "../lib/networks/spec";
import { sweep } from "../lib/sweeps/sweep";
import { evaluate } from "../lib/training/evaluate";
import { calmNetwork, expectNoLeak, smallDataset } from "./small";
import { npyFile, npyHeader } from "./npy-file";
import { stateDictFile } from "./torch-file";

const FOLDER = mkdtempSync(path.join(tmpdir(), "nontrivial-sizes-"));
after(() => rmSync(FOLDER, { recursive: true, force: true }));

/** Some images of another side, cut from small ones. */
function imagesOf(side: number, count: number): LoadedDataset {
  const small = smallDataset(Math.ceil((count * side * side) / 1024));
  return {
    ...{ ...smallDataset(count), side },
    images: small.images.slice(0, count * side * side * 3),
  };
}

test("parameterCount() is what torchvision says of its ResNets of 1,000 classes", () => {
  const counts = [18, 34, 50, 101].map((depth) => parameterCount(specOf(`torchvision-resnet${depth}`, 1000)));
  assert.deepEqual(counts, [11_689_512, 21_797_672, 25_557_032, 44_549_160]);
});

test("specOf() and parseSpec() know the size of the images, 224 where nothing is said", () => {
  assert.deepEqual(specOf("torchvision-resnet18"), {
    ...{ family: "torchvision-resnet", depth: 18, width: 64, side: 224, classes: 10 },
  });
  for (const name of ["torchvision-resnet50", "torchvision-resnet18-s64-w4"]) {
    assert.equal(specName(specOf(name)), name);
    assert.deepEqual(parseSpec(specOf(name)), specOf(name));
  }
  assert.throws(
    () => parseSpec({ ...specOf("torchvision-resnet18"), side: 0 }),
    /spec\.side is 0, expected a whole number/,
  );
  assert.throws(() => specOf("torchvision-resnet20"), /torchvision-resnet has the depths 18, 34, 50, 101$/);
});

test("stem and max pool halve an image of 224 pixels twice, and one of an odd size upwards", () => {
  const sides = (name: string) => [...new Set(layersOf(specOf(name)).map(({ side }) => side))];
  assert.deepEqual(sides("torchvision-resnet34"), [112, 56, 28, 14, 7]);
  assert.deepEqual(sides("torchvision-resnet18-s75"), [38, 19, 10, 5, 3]);
  const { size, stride, inputs, outputs } = layerOf(specOf("torchvision-resnet50"), "stem.conv");
  assert.deepEqual([size, stride, inputs, outputs], [7, 2, 3, 64]);
});

for (const name of ["torchvision-resnet18-s40-w4", "torchvision-resnet50-s33-w2"])
  test(`the inference graph of ${name} gives the logits of the eager interpreter, and a sweep what evaluating each ablation gives`, () =>
    expectNoLeak(async () => {
      const network = calmNetwork(name);
      const { side } = network.spec as { side: number };
      const dataset = imagesOf(side, 12);
      const tensor = imageTensor(batchOf(dataset, 0, 12).images, side);
      const [predictor, weights] = [await openPredictor(network), eagerWeights(network.parameters)];
      const found = predictor.logits(tensor);
      const words = eagerWords((parameter) => weights.get(parameter)!, network.normalization);
      const eager = tf.tidy(() => forward(network.spec, words, tensor));
      const wanted = eager.dataSync();
      for (const held of [tensor, eager, ...weights.values()]) held.dispose();
      predictor.dispose();
      const scale = Math.max(...wanted.map(Math.abs));
      found.forEach((logit, index) => assert.ok(Math.abs(logit - wanted[index]) < 1e-4 * scale, `${logit}`));
      const layers = ["stem.conv", "stage2.block1.conv1", "stage2.block1.shortcut", "stage4.block2.conv2"].map(
        (layer) => layerOf(network.spec, layer),
      );
      const { predictions } = await sweep(network, dataset, { layers, batch: 5 });
      for (const [index, layer] of layers.entries()) {
        const alone = await evaluate(ablatedNetwork(ablate(network, layer.name, zero)), dataset);
        assert.deepEqual(predictions[index], alone.predictions, layer.name);
      }
      const other = { layers, operator: operators.resample, reference: imagesOf(side, 20) };
      assert.equal((await sweep(network, dataset, other)).predictions.length, 4);
    }));

test("a network is refused images of another size, and training on others than 32 x 32", async () => {
  const network = calmNetwork("torchvision-resnet18-s40-w4");
  await assert.rejects(evaluate(network, smallDataset(4)), {
    name: "RangeError",
    message: /it is for images of 40 x 40 pixels, but the dataset's have 32 x 32$/,
  });
  await assert.rejects(sweep(calmNetwork("resnet8-w4"), imagesOf(40, 4)), /for images of 32 x 32 pixels, .* 40 x 40$/);
  const step = {
    batch: 4,
    momentum: 0.9,
    nesterov: true,
    weightDecay: 0,
    decayed: "kernels",
    precision: "float32",
  } as const;
  await assert.rejects(
    openTrainer(network.spec, network.normalization, step),
    /Cannot train on images of 40 x 40 pixels/,
  );
});

test("datasets of another side are checked, cut and taken from by whole images, and read from .npy files", () => {
  const dataset = imagesOf(5, 7);
  checkDataset(dataset);
  assert.throws(
    () => checkDataset({ ...dataset, side: 6 }),
    /expected 756 numbers in its images \[7, 6, 6, 3\] but found 525/,
  );
  assert.throws(() => checkDataset({ ...dataset, side: 0.5 }), /expected a side from 1 to 4096 pixels but found 0\.5/);
  assert.deepEqual(firstImages(dataset, 2).images, dataset.images.slice(0, 150));
  assert.deepEqual(take(dataset, [3]).images, dataset.images.slice(225, 300));
  assert.deepEqual(batchOf(dataset, 1, 3).images, Float32Array.from(dataset.images.slice(75, 225)));
  const place = (name: string, shape: number[], data: Uint8Array) => {
    writeFileSync(path.join(FOLDER, name), npyFile(npyHeader("|u1", shape), data));
    return path.join(FOLDER, name);
  };
  const files = [place("x.npy", [7, 5, 5, 3], dataset.images), place("y.npy", [7], dataset.labels)] as const;
  const read = loadNpyDataset(...files, { classes: dataset.classes });
  assert.deepEqual([read.side, read.count, read.images], [5, 7, dataset.images]);
});

test("importReport() knows torchvision's ResNets by their stem, takes ImageNet's normalization, and the size as given", () => {
  const network = calmNetwork("torchvision-resnet18-s40-w4");
  const exported = encodeTorchState(network);
  assert.deepEqual(importTorch(exported).spec, network.spec);
  const { tensors } = decodeSafetensors(exported);
  assert.ok(tensors.has("fc.weight") && tensors.has("layer2.0.downsample.0.weight"));
  const file = stateDictFile(new Map(tensors));
  const report = importReport(file, { side: 40 });
  assert.deepEqual([report.network.spec, report.normalizedBy], [network.spec, "torchvision"]);
  assert.deepEqual(report.network.normalization.mean, [0.485, 0.456, 0.406]);
  assert.match(report.network.assumed!.pooling!, /^3x3 maxima around every second pixel/);
  assert.equal(specName(importTorch(file).spec), "torchvision-resnet18-w4");
  assert.ok(encodeOnnx(network).length > 0);
});
