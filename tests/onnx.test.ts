// Networks from ONNX files, held against what ONNX Runtime says of them (tests/onnx/make.py).
import assert from "node:assert/strict";
import { copyFileSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { ablate, ablatedNetwork, zero } from "../lib/ablations/ablate";
import * as operators from "../lib/ablations/operators";
import { decodeNetwork, encodeNetwork } from "../lib/checkpoints/network-file";
import { encodeOnnx } from "../lib/checkpoints/onnx-export";
import type { Dataset } from "../lib/data/dataset";
import { imageTensor, openPredictor } from "../lib/engine/predictor";
import { openTrainer } from "../lib/engine/trainer";
import { decodeNpy } from "../lib/files/npy";
import { layersOf } from "../lib/networks/layers";
import { CIFAR10_NORMALIZATION, type Network } from "../lib/networks/network";
import { parseSpec } from "../lib/networks/parse";
import { isGraphSpec } from "../lib/networks/spec";
import { rowsOf } from "../lib/results/rows";
import { loadNetwork } from "../lib/runs/run-folder";
import { planSets } from "../lib/sweeps/plan";
import { sweep } from "../lib/sweeps/sweep";
import { calmNetwork, expectNoLeak } from "./small";

const folder = path.join(__dirname, "onnx");
const NAMES = [
  "mobilenetv2",
  "densenet",
  "squeezenet",
  "shufflenetv2",
  "googlenet",
  "efficientnet",
  "resnext",
  "regnet",
  "odd",
];
/** In make.py the pixels are divided by 255 and no more. */
const options = { normalization: { mean: [0, 0, 0], std: [1, 1, 1] } };

interface Said {
  readonly opset: number;
  readonly intact: number[][];
  readonly zeroed: Record<string, number[][]>;
}

const saidOf = (name: string): Said => JSON.parse(readFileSync(path.join(folder, `${name}.json`), "utf8")) as Said;
const load = (name: string) => loadNetwork(path.join(folder, `${name}.onnx`), options);
const pixels = () => new Float32Array(decodeNpy(readFileSync(path.join(folder, "images.npy"))).data as Uint8Array);

const softmax = (rows: readonly number[][]) =>
  rows.map((row) => {
    const powers = row.map(Math.exp);
    return powers.map((power) => power / powers.reduce((sum, each) => sum + each, 0));
  });

const furthest = (found: readonly number[][], wanted: readonly number[][]) =>
  Math.max(...wanted.flatMap((row, image) => row.map((logit, at) => Math.abs(found[image][at] - logit))));

for (const name of NAMES)
  test(`${name} gives ONNX Runtime's logits, intact and with every convolution zeroed`, async () => {
    const network = await load(name);
    const said = saidOf(name);
    const layers = layersOf(network.spec);
    assert.equal(layers.length, Object.keys(said.zeroed).length);
    const images = imageTensor(pixels());
    const rowsOf = async (of: Network) => {
      const predictor = await openPredictor(of);
      const flat = predictor.logits(images);
      predictor.dispose();
      const rows = [0, 1, 2].map((image) => [...flat.subarray(10 * image, 10 * image + 10)]);
      return name === "odd" ? softmax(rows) : rows;
    };
    const gaps = [furthest(await rowsOf(network), said.intact)];
    for (const [index, wanted] of Object.values(said.zeroed).entries()) {
      const zeroed = ablatedNetwork(ablate(network, layers[index].name, zero));
      gaps.push(furthest(await rowsOf(zeroed), wanted));
    }
    images.dispose();
    assert.ok(Math.max(...gaps) < 1e-4, gaps.join(", "));
  });

/** The committed images as a dataset; the labels are made up. */
function dataset(): Dataset {
  const images = Uint8Array.from(pixels());
  const classes = Array.from({ length: 10 }, (_, label) => `class ${label}`);
  return { name: "random", split: "test", count: 3, images, labels: Uint8Array.of(4, 0, 7), classes, sha256: "" };
}

const lossOf = (row: readonly number[], label: number) =>
  Math.log(row.reduce((sum, logit) => sum + Math.exp(logit), 0)) - row[label];

for (const name of NAMES)
  test(`a sweep of ${name} gives the losses that follow from ONNX Runtime's logits, in one graph for all layers`, async () => {
    const { intact, zeroed } = saidOf(name);
    const images = dataset();
    const { losses, predictions } = await sweep(await load(name), images, { batch: 2 });
    const wanted = (rows: readonly number[][]) =>
      rows.map((row, image) =>
        name === "odd" ? -Math.log(row[images.labels[image]]) : lossOf(row, images.labels[image]),
      );
    const near = (found: Float32Array, rows: readonly number[][]) =>
      wanted(rows).forEach((loss, image) =>
        assert.ok(Math.abs(found[image] - loss) < 1e-4, `${found[image]} for ${loss}`),
      );
    near(losses!.baseline, intact);
    Object.values(zeroed).forEach((rows, index) => {
      near(losses!.ablations[index], rows);
      assert.deepEqual(
        [...predictions[index]],
        rows.map((row) => row.indexOf(Math.max(...row))),
      );
    });
  });

test("operators on kernels and on outputs, and sets of layers, work on networks from files, and leave no tensor", async () => {
  const network = await load("efficientnet");
  const images = dataset();
  const means = await expectNoLeak(async () => sweep(network, images, { operator: operators.mean, reference: images }));
  assert.ok(means.losses!.ablations.every((losses) => losses.every(Number.isFinite)));
  const other = await sweep(network, images, { operator: operators.resample, reference: images, seed: 3 });
  assert.notDeepEqual(other.losses!.ablations, means.losses!.ablations);
  for (const operator of [
    operators.zeroFilters(0.5),
    operators.zeroTap(0, 0),
    operators.zeroInput(0),
    operators.removeConstant,
  ]) {
    const { losses, unchanged } = await sweep(network, images, { operator });
    assert.ok(losses!.ablations.every((of) => of.every(Number.isFinite)));
    assert.ok(!unchanged?.some(Boolean));
  }
  const { sets } = await planSets("stages", network);
  assert.deepEqual(
    sets.map(({ name }) => name),
    ["stage1", "stage2", "stage3"],
  );
  assert.equal(rowsOf(await sweep(network, images, { sets })).length, 3);
});

for (const name of NAMES)
  test(`a sweep of ${name} in bfloat16 stays near that in float32`, async () => {
    const network = await load(name);
    const [exact, rounded] = [
      await sweep(network, dataset()),
      await sweep(network, dataset(), { precision: "bfloat16" }),
    ];
    const gaps = rounded.losses!.ablations.map((losses, row) =>
      Math.max(...losses.map((loss, image) => Math.abs(loss - exact.losses!.ablations[row][image]))),
    );
    assert.ok(Math.max(...gaps) < 0.5, gaps.join(", "));
  });

test("a sweep of a network from a file refuses branches and shortcuts, which no file says", async () => {
  const network = await load("resnext");
  await assert.rejects(
    sweep(network, dataset(), { operator: operators.zeroBranch }),
    /Cannot zero the branch at features\.0\.0/,
  );
  await assert.rejects(sweep(network, dataset(), { operator: operators.shortcutZero }), /Cannot change the shortcut/);
  await assert.rejects(openTrainer(network.spec, network.normalization, {} as never), /found a graph from a file/);
});

test("a network from an ONNX file is written as safetensors, and read again the same", async () => {
  const network = await load("shufflenetv2");
  assert.deepEqual(decodeNetwork(encodeNetwork(network)), network);
});

test("parseSpec() reads no graph with an operation, a field or an input that is not there", async () => {
  const { spec } = await load("squeezenet");
  assert.ok(isGraphSpec(spec));
  const withNode = (index: number, change: object) => ({
    ...spec,
    nodes: spec.nodes.map((node, at) => (at === index ? { ...node, ...change } : node)),
  });
  const refuses = (index: number, change: object, message: RegExp) =>
    assert.throws(() => parseSpec(JSON.parse(JSON.stringify(withNode(index, change)))), message);
  refuses(2, { op: "eval" }, /spec\.nodes\[2\] is .*expected an operation, one of image/);
  refuses(2, { op: "__proto__" }, /expected an operation/);
  refuses(2, { more: 1 }, /spec\.nodes\[2\] is "more", expected no other fields/);
  refuses(2, { inputs: [5] }, /Cannot compute node 2 \(relu\) of the network: expected inputs before it, found 5/);
  refuses(1, { groups: 2 }, /Cannot compute node 1 \(conv\)/);
  refuses(1, { strides: [0, 1] }, /spec\.nodes\[1\]\.strides is \[0,1\], expected two whole numbers above 0/);
  refuses(1, { outputs: 2 ** 30 }, /Cannot compute node/);
  refuses(1, { layer: "../x" }, /spec\.nodes\[1\]\.layer is "\.\.\/x"/);
  const second = spec.nodes.findIndex((node, at) => at > 1 && node.op === "conv");
  refuses(second, { layer: "features.0" }, /spec\.nodes is "features\.0\.kernel", expected every parameter once/);
});

/** A file with a few nodes, written as protobuf by hand. */
const bytesOfField = (id: number, content: Uint8Array): Buffer =>
  Buffer.concat([Buffer.from([(id << 3) | 2, ...varint(content.length)]), content]);
function varint(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) | 128, ...varint(Math.floor(value / 128))];
}
const textField = (id: number, text: string) => bytesOfField(id, Buffer.from(text));
const numberField = (id: number, value: number) => Buffer.from([id << 3, ...varint(value)]);
const message = (id: number, ...fields: Buffer[]) => bytesOfField(id, Buffer.concat(fields));

const valueInfo = (id: number, name: string, sizes: number[]) =>
  message(
    id,
    textField(1, name),
    message(2, message(1, numberField(1, 1), message(2, ...sizes.map((size) => message(1, numberField(1, size)))))),
  );
const nodeField = (op: string, inputs: string[], output: string) =>
  message(
    1,
    ...inputs.map((input) => textField(1, input)),
    textField(2, output),
    textField(3, `/${op}`),
    textField(4, op),
  );
const external = (name: string, location: string) =>
  message(
    5,
    numberField(1, 4),
    numberField(2, 1),
    textField(8, name),
    message(13, textField(1, "location"), textField(2, location)),
    numberField(14, 1),
  );
const model = (...fields: Buffer[]) => Buffer.concat([message(8, numberField(2, 17)), message(7, ...fields)]);
const images = valueInfo(11, "x", [1, 3, 32, 32]);

function fileWith(bytes: Uint8Array, name = "model.onnx"): string {
  const dir = mkdtempSync(path.join(tmpdir(), "nontrivial-onnx-"));
  writeFileSync(path.join(dir, name), bytes);
  return path.join(dir, name);
}

test("loadNetwork() says which operation of an ONNX file it does not support, and at which node", async () => {
  const file = fileWith(model(images, valueInfo(12, "y", [1, 10]), nodeField("GridSample", ["x"], "y")));
  await assert.rejects(
    loadNetwork(file, options),
    /GridSample at "\/GridSample": expected one of Conv, BatchNormalization, /,
  );
});

test("loadNetwork() refuses ONNX files of another opset, other images, several inputs, and options for PyTorch files", async () => {
  const out = valueInfo(12, "y", [1, 10]);
  const relu = nodeField("Relu", ["x"], "y");
  const refused = (bytes: Buffer, wanted: RegExp) => assert.rejects(loadNetwork(fileWith(bytes), options), wanted);
  await refused(
    Buffer.concat([message(8, numberField(2, 9)), message(7, images, out, relu)]),
    /expected opset 11 to 20 but found 9/,
  );
  await refused(
    model(valueInfo(11, "x", [1, 3, 224, 224]), out, relu),
    /expected one input of images \[batch, 3, 32, 32\] but found \[1, 3, 224, 224\]/,
  );
  await refused(model(images, valueInfo(11, "z", [1]), out, relu), /expected one input of images/);
  await refused(model(images, out, relu), /expected logits|expected a graph|Cannot compute/);
  await refused(
    model(images, out, nodeField("Relu", ["nowhere"], "y")),
    /Relu at "\/Relu": expected an earlier tensor but found "nowhere"/,
  );
  await assert.rejects(
    load("odd").then(() => loadNetwork(path.join(folder, "odd.onnx"), { family: "plain" })),
    /family/,
  );
});

test("loadNetwork() refuses damaged ONNX files, cut at any place, without harm", async () => {
  const whole = readFileSync(path.join(folder, "squeezenet.onnx"));
  for (let length = 0; length < whole.length; length += 509)
    await assert.rejects(loadNetwork(fileWith(whole.subarray(0, length)), options), /Cannot load a network from/);
});

test("an ONNX file of a million empty messages is refused before they become objects", async () => {
  const many = Buffer.alloc(2_000_000, Buffer.from([0x0a, 0]));
  await assert.rejects(loadNetwork(fileWith(model(images, many)), options), /more than 500000 fields/);
  const packed = model(images, message(5, bytesOfField(1, Buffer.alloc(1_000_000, 1))));
  await assert.rejects(loadNetwork(fileWith(packed), options), /more than 500000 fields/);
});

test("weights beside an ONNX file are read in its folder alone", async () => {
  const file = (location: string) => fileWith(model(images, external("w", location)));
  await assert.rejects(loadNetwork(file("../../etc/passwd"), options), /expected external data in the folder|ENOENT/);
  await assert.rejects(loadNetwork(file("/etc/passwd"), options), /expected external data in the folder|ENOENT/);
  const linked = file("link");
  symlinkSync("/etc/passwd", path.join(path.dirname(linked), "link"));
  await assert.rejects(
    loadNetwork(linked, options),
    /expected external data in the folder of the file but found "link"/,
  );
  const short = file("short");
  writeFileSync(path.join(path.dirname(short), "short"), Buffer.alloc(8));
  await assert.rejects(loadNetwork(short, options), /expected 4 numbers in "w" \[4\] but found 8 bytes/);
});

test("without a normalization the pixels' is assumed, and said", async () => {
  const { normalization, assumed } = await loadNetwork(path.join(folder, "regnet.onnx"));
  assert.deepEqual(normalization, CIFAR10_NORMALIZATION);
  assert.deepEqual(assumed, { normalization: "the statistics of CIFAR-10's pixels" });
});

for (const name of [
  "resnet8-w4",
  "resnet8-B-w4",
  "plain8-w4",
  "vgg11-w4",
  "imagenet-resnet50-w4",
  "preresnet11bn-w4",
  "wrn10-2-w4",
])
  test(`a ${name} written as ONNX is read again with the same layers and logits`, async () => {
    const network = calmNetwork(name);
    const file = fileWith(encodeOnnx(network));
    if (process.env.KEEP_ONNX) copyFileSync(file, path.join(process.env.KEEP_ONNX, `${name}.onnx`));
    const again = await loadNetwork(file);
    assert.equal(again.assumed, undefined);
    assert.deepEqual(
      layersOf(again.spec)
        .map((layer) => layer.name)
        .sort(),
      layersOf(network.spec)
        .map((layer) => layer.name)
        .sort(),
    );
    const logits: Float32Array[] = [];
    for (const each of [network, again]) {
      const predictor = await openPredictor(each);
      const batch = imageTensor(pixels());
      logits.push(predictor.logits(batch));
      batch.dispose();
      predictor.dispose();
    }
    logits[0].forEach((logit, at) => assert.ok(Math.abs(logit - logits[1][at]) < 1e-4 * (1 + Math.abs(logit))));
  });
