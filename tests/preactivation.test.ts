// Networks with pre-activation: the papers' tables, layers and their batch norms, what a zeroed kernel leaves, every operator.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ablate, ablatedNetwork, type Operator, zero } from "../lib/ablations/ablate";
import { notingWords, onOutput } from "../lib/ablations/activations";
import { layersNamed } from "../lib/ablations/named";
import * as operators from "../lib/ablations/operators";
import { encodeTorchState, importReport, importTorch } from "../lib/checkpoints/torch";
import { batchOf } from "../lib/data/batches";
import { tensorOf, tf } from "../lib/engine/backend";
import { eagerWeights, eagerWords } from "../lib/engine/eager";
import { imageTensor } from "../lib/engine/predictor";
import { decodeSafetensors } from "../lib/files/safetensors";
import { forward } from "../lib/networks/forward";
import { layerOf, layersOf } from "../lib/networks/layers";
import { multiplications, type Network, parameterCount, parameterShapes } from "../lib/networks/network";
import { parseSpec } from "../lib/networks/parse";
import { specOf } from "../lib/networks/spec";
import { randomStream } from "../lib/statistics/random";
import { branchVariations } from "../lib/sweeps/branches";
import { openEagerSweep } from "../lib/sweeps/eager-program";
import { drawOthers, meanActivations, referenceImages } from "../lib/sweeps/reference";
import { sweep } from "../lib/sweeps/sweep";
import { evaluate } from "../lib/training/evaluate";
import { expectNoLeak, settledNetwork, smallDataset, smallNetwork } from "./small";
import { stateDictFile } from "./torch-file";

const millions = (name: string) => Number((parameterCount(specOf(name)) / 1e6).toFixed(1));

test("parameterCount() gives the millions of He et al. 2016, and of Zagoruyko and Komodakis 2016", () => {
  assert.deepEqual(["preresnet110", "preresnet164bn"].map(millions), [1.7, 1.7]);
  // The paper says 10.2 of its ResNet-1001; pytorchcv's has 10,327,706 as this one has.
  assert.equal(parameterCount(specOf("preresnet1001bn")), 10_327_706);
  const wide = ["wrn40-1", "wrn40-2", "wrn40-4", "wrn40-8", "wrn28-10", "wrn28-12", "wrn22-8", "wrn16-4", "wrn16-8"];
  assert.deepEqual(wide.map(millions), [0.6, 2.2, 8.9, 35.7, 36.5, 52.5, 17.2, 2.7, 11]);
});

test("specOf() knows the depths of each kind, and a Wide ResNet as wide as its stem is the pre-activation ResNet of two layers less", () => {
  assert.throws(() => specOf("preresnet1001"), /has to be 6n\+2 .*preresnet164bn, it is 9n\+2$/);
  assert.throws(() => specOf("preresnet20bn-4"), /Cannot read the network's name "preresnet20bn-4"/);
  assert.throws(() => specOf("wrn28"), /Cannot read the network's name "wrn28"/);
  assert.throws(() => specOf("resnet20bn"), /Cannot read the network's name "resnet20bn"/);
  assert.throws(() => specOf("wrn20-2"), /has to be 6n\+4 \(10, 16, 22, 28, 34, ...\)$/);
  const [wide, plain] = ["wrn22-1", "preresnet20"].map((name) => specOf(name));
  assert.deepEqual([...parameterShapes(wide)], [...parameterShapes(plain)]);
  assert.equal(multiplications(wide), multiplications(plain));
});

test("parseSpec() gives back a spec, and names what is odd in one", () => {
  for (const name of ["preresnet20", "preresnet164bn", "wrn28-10"])
    assert.deepEqual(parseSpec({ ...specOf(name), more: 1 }), specOf(name));
  assert.throws(
    () => parseSpec({ ...specOf("preresnet20"), bottleneck: 1 }),
    /spec\.bottleneck is 1, expected true or false/,
  );
  assert.throws(
    () => parseSpec({ ...specOf("wrn16-4"), factor: 0 }),
    /spec\.factor is 0, expected a whole number from 1 to 99/,
  );
});

test("a batch norm stands before each convolution of a block, none at the stem and the shortcuts, and one at the end", () => {
  const layers = layersOf(specOf("wrn10-2"));
  assert.deepEqual(
    layers.map(({ name, norm, inputs, outputs, stride }) => [name, norm, inputs, outputs, stride]),
    [
      ["stem.conv", "none", 3, 16, 1],
      ["stage1.block1.conv1", "before", 16, 32, 1],
      ["stage1.block1.conv2", "before", 32, 32, 1],
      ["stage1.block1.shortcut", "none", 16, 32, 1],
      ["stage2.block1.conv1", "before", 32, 64, 2],
      ["stage2.block1.conv2", "before", 64, 64, 1],
      ["stage2.block1.shortcut", "none", 32, 64, 2],
      ["stage3.block1.conv1", "before", 64, 128, 2],
      ["stage3.block1.conv2", "before", 128, 128, 1],
      ["stage3.block1.shortcut", "none", 64, 128, 2],
    ],
  );
  const shapes = parameterShapes(specOf("wrn10-2"));
  assert.deepEqual(shapes.get("stage1.block1.conv1.gamma"), [16]);
  assert.deepEqual(shapes.get("head.variance"), [128]);
  assert.ok(!shapes.has("stem.conv.gamma") && !shapes.has("stage1.block1.shortcut.beta"));
  const strides = ["conv1", "conv2", "conv3"].map(
    (part) => layerOf(specOf("preresnet29bn"), `stage2.block1.${part}`).stride,
  );
  assert.deepEqual(strides, [1, 2, 1]);
});

/** Activations by name, [pixels, channels] flat, computed operation by operation. */
function activationsOf(network: Network, wanted: string): number[] {
  const weights = eagerWeights(network.parameters);
  let found: number[] = [];
  tf.tidy(() => {
    const words = eagerWords((parameter) => weights.get(parameter)!, network.normalization);
    const noting = notingWords(words, (name, x) => void (name === wanted && (found = [...x.dataSync()])));
    forward(network.spec, noting, imageTensor(batchOf(smallDataset(2), 0, 2).images));
  });
  weights.forEach((tensor) => tensor.dispose());
  return found;
}

test("a zeroed kernel leaves no constant: the layer, and a block whose last kernel it is, give exactly nothing", () =>
  expectNoLeak(async () => {
    const network = smallNetwork("preresnet8-w4");
    for (const { name } of layersOf(network.spec)) {
      const output = activationsOf(ablatedNetwork(ablate(network, name, zero)), `${name}.output`);
      assert.ok(output.length > 0 && output.every((value) => value === 0), name);
      assert.ok(
        activationsOf(network, `${name}.output`).some((value) => value !== 0),
        name,
      );
    }
    // With conv1 zeroed, the batch norm before conv2 still has its constant: the branch gives that, the same for all images.
    const first = ablatedNetwork(ablate(network, "stage1.block1.conv1", zero));
    assert.ok(activationsOf(first, "stage1.block1.conv2.output").some((value) => value !== 0));
    const dataset = smallDataset(40);
    const ends = layersNamed(layersOf(network.spec), "*.conv2");
    const [zeroed, branchless] = [zero, operators.zeroBranch].map((operator) =>
      sweep(network, dataset, { layers: ends, operator }),
    );
    assert.deepEqual((await zeroed).predictions, (await branchless).predictions);
  }));

for (const name of ["preresnet14-w4", "preresnet20bn-w4", "wrn16-2-w4"])
  test(`branchVariations() of ${name}: a zeroed kernel leaves nothing of the image in its branch (claim C5)`, () =>
    expectNoLeak(async () => {
      const found = await branchVariations(await settledNetwork(name), smallDataset(4));
      assert.ok(found.length > 0);
      for (const { zeroed, overImages, intactOverImages, overPixels } of found) {
        assert.ok(overImages < 1e-5 && intactOverImages > 0.01, `${zeroed}: ${overImages}, intact ${intactOverImages}`);
        if (zeroed.endsWith(name.includes("bn") ? "conv3" : "conv2")) assert.equal(overPixels, 0, zeroed);
      }
    }));

const KERNELS = {
  removeConstant: operators.removeConstant,
  noise: operators.noise(2),
  rerandomize: operators.rerandomize,
  scale: operators.scale(0.5),
  signs: operators.signs,
  zeroFilters: operators.zeroFilters(0.5),
  zeroFilter: operators.zeroFilter(1),
  zeroInput: operators.zeroInput(0),
  zeroTap: operators.zeroTap(0, 0),
};

for (const [operatorName, operator] of Object.entries(KERNELS))
  test(`sweep() with ${operatorName} on networks with pre-activation predicts what evaluating each ablated network predicts`, () =>
    expectNoLeak(async () => {
      for (const name of ["preresnet8-w4", "preresnet11bn-w4", "wrn10-2-w4"]) {
        const [network, dataset] = [await settledNetwork(name), smallDataset(40)];
        const layers = layersNamed(layersOf(network.spec), "stem.conv,stage2.*");
        const result = await sweep(network, dataset, { layers, operator, operatorName, seed: 3 });
        assert.ok(new Set(result.baseline).size > 1, "it predicts too few classes to show a difference");
        for (const [index, layer] of layers.entries()) {
          const wanted = await evaluate(ablatedNetwork(ablate(network, layer.name, operator, { seed: 3 })), dataset);
          assert.deepEqual(result.predictions[index], wanted.predictions, `${name} ${layer.name}`);
        }
      }
    }));

const ACTIVATIONS: Record<string, Operator> = {
  mean: operators.mean,
  resample: operators.resample,
  shortcutZero: operators.shortcutZero,
  nothing: onOutput((x, { scale }) => scale(x, 0)),
};

for (const [operatorName, operator] of Object.entries(ACTIVATIONS))
  test(`sweep() with ${operatorName} on networks with pre-activation gives the same in the graph and operation by operation`, () =>
    expectNoLeak(async () => {
      for (const name of ["preresnet8-w4", "wrn10-2-w4"]) {
        const [network, dataset, reference] = [await settledNetwork(name), smallDataset(30), smallDataset(50, 2)];
        const ends =
          operatorName === "shortcutZero"
            ? layersNamed(layersOf(network.spec), "*.conv2")
            : layersOf(network.spec).slice(1);
        const ablations = ends.map((layer) => ablate(network, layer.name, operator));
        const { predictions } = await sweep(network, dataset, { layers: ends, operator, operatorName, reference });
        assert.equal(predictions.length, ablations.length);
        const means =
          operatorName === "mean"
            ? await meanActivations(
                network,
                reference,
                new Set(ablations.flatMap(({ activations }) => [...activations.keys()])),
              )
            : new Map();
        const drawn = drawOthers(reference, dataset.count, randomStream(1, "other images"));
        const others = imageTensor(referenceImages(reference, drawn));
        const batch = {
          images: imageTensor(batchOf(dataset, 0, 30).images),
          labels: tensorOf(Int32Array.from(dataset.labels), [30]),
          others,
        };
        const eager = openEagerSweep(network, ablations, means);
        const wanted = eager.run(batch).predictions.slice(1);
        eager.dispose();
        for (const tensor of Object.values(batch)) tensor.dispose();
        assert.deepEqual(predictions, wanted, name);
      }
    }));

test("an operator is given a layer's own arrays only, and is refused others", () => {
  const network = smallNetwork("preresnet8-w4");
  const partsAt = (name: string) => {
    let parts: string[] = [];
    ablate(network, name, (kernel, _, { values }) => ((parts = Object.keys(values)), kernel));
    return parts;
  };
  assert.deepEqual(partsAt("stem.conv"), ["kernel"]);
  assert.deepEqual(partsAt("stage1.block1.conv1"), ["kernel", "gamma", "beta", "mean", "variance"]);
  const shifted = () => ({ beta: { shape: [4], data: new Float32Array(4) } });
  assert.ok(ablate(network, "stage1.block1.conv1", shifted));
  assert.throws(
    () => ablate(network, "stem.conv", shifted),
    /Cannot ablate stem\.conv: the operator returned \{ beta \}, expected a kernel \{ shape, data \} or arrays by name \(kernel\)$/,
  );
});

test("importReport() tells pytorchcv's and xternalz's names, and how their pixels were normalized", () => {
  const report = (name: string) =>
    importReport(stateDictFile(new Map(decodeSafetensors(encodeTorchState(smallNetwork(name))).tensors)));
  const [pre, wide] = [report("preresnet11bn-w4"), report("wrn10-2-w4")];
  assert.deepEqual([pre.normalizedBy, pre.network.normalization.std[0]], ["pytorchcv", 0.2023]);
  assert.deepEqual([wide.normalizedBy, wide.network.normalization.std[0]], ["xternalz", 63 / 255]);
  assert.deepEqual(
    [pre, wide].map(({ network }) => network.spec),
    ["preresnet11bn-w4", "wrn10-2-w4"].map((name) => specOf(name)),
  );
  assert.match(pre.network.assumed!.shortcut!, /stride in the 3x3/);
  const of = (from: string) => [...pre.rows, ...wide.rows].find((row) => row.from === from)?.to;
  assert.equal(of("features.stage2.unit1.identity_conv.weight"), "stage2.block1.shortcut.kernel");
  assert.equal(of("features.post_activ.bn.running_var"), "head.variance");
  assert.equal(of("block3.layer.0.convShortcut.weight"), "stage3.block1.shortcut.kernel");
  assert.equal(of("block1.layer.0.bn2.bias"), "stage1.block1.conv2.beta");
});

test("importTorch() refuses networks with pre-activation that are none of the families", () => {
  const tensors = (name: string) => new Map(decodeSafetensors(encodeTorchState(smallNetwork(name))).tensors);
  const wide = tensors("wrn10-2-w4");
  assert.throws(
    () => importTorch(stateDictFile(wide), { family: "plain" }),
    /found batch norms before convolutions, which no plain network has$/,
  );
  wide.set("conv1.weight", { shape: [6, 3, 3, 3], data: new Float32Array(162) });
  assert.throws(
    () => importTorch(stateDictFile(wide)),
    /found batch norms before convolutions of 1\.33\d* times the stem's channels$/,
  );
  const headless = tensors("preresnet8-w4");
  headless.delete("features.post_activ.bn.weight");
  assert.throws(
    () => importTorch(stateDictFile(headless)),
    /as preresnet8-w4 with 10 classes: bn1\.weight \[16\] is missing$/,
  );
});
