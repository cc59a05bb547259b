// PyTorch checkpoints in and out: names, shapes, normalization, the report, and the state_dict that comes back.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { encodeNetwork } from "../lib/checkpoints/network-file";
import { encodeTorchState, importReport, importTorch } from "../lib/checkpoints/torch";
import { decodeSafetensors, encodeSafetensors } from "../lib/files/safetensors";
import { sizeOf, type Values } from "../lib/files/values";
import { layersOf } from "../lib/networks/layers";
import { type Network, parameterShapes } from "../lib/networks/network";
import { familySpec, specName } from "../lib/networks/spec";
import { loadNetwork } from "../lib/runs/run-folder";
import { bitsOf, smallNetwork } from "./small";
import { stateDictFile } from "./torch-file";

const checkpoints = path.resolve("..", "shared", "checkpoints");
const skip = existsSync(checkpoints) ? false : "the public checkpoints (../shared/checkpoints) are not on this machine";

const spec = { family: "resnet", depth: 8, width: 2, shortcut: "B", classes: 10 } as const;
const normalization = { mean: [0.5, 0.4, 0.3], std: [0.2, 0.2, 0.3] };
type Tensors = Map<string, Values>;

/**
 * A state_dict with PyTorch's shapes for a width-2 ResNet-8, whose numbers count up from 0 in each tensor; with
 * akamaster's names and wrapped as his are, or with chenyaofo's.
 */
function torchTensors(author: "akamaster" | "akamaster-B" | "chenyaofo"): Tensors {
  const tensors: Tensors = new Map();
  const [prefix, dense] = author === "chenyaofo" ? ["", "fc"] : ["module.", "linear"];
  const shortcut = { akamaster: "", "akamaster-B": "shortcut", chenyaofo: "downsample" }[author];
  const set = (name: string, shape: number[]) =>
    tensors.set(prefix + name, { shape, data: Float32Array.from({ length: sizeOf(shape) }, (_, i) => i) });
  const unit = (conv: string, norm: string, shape: number[]) => {
    set(`${conv}.weight`, shape);
    for (const part of ["weight", "bias", "running_mean", "running_var"]) set(`${norm}.${part}`, [shape[0]]);
    set(`${norm}.num_batches_tracked`, []);
  };
  unit("conv1", "bn1", [2, 3, 3, 3]);
  for (const [stage, inputs, outputs] of [
    [1, 2, 2],
    [2, 2, 4],
    [3, 4, 8],
  ]) {
    unit(`layer${stage}.0.conv1`, `layer${stage}.0.bn1`, [outputs, inputs, 3, 3]);
    unit(`layer${stage}.0.conv2`, `layer${stage}.0.bn2`, [outputs, outputs, 3, 3]);
    if (shortcut && stage > 1)
      unit(`layer${stage}.0.${shortcut}.0`, `layer${stage}.0.${shortcut}.1`, [outputs, inputs, 1, 1]);
  }
  set(`${dense}.weight`, [10, 8]);
  set(`${dense}.bias`, [10]);
  return tensors;
}

/** The same tensors under changed names. */
const renamed = (tensors: Tensors, rename: (name: string) => string): Tensors =>
  new Map([...tensors].map(([name, values]) => [rename(name), values]));

/** What becomes of akamaster's names with shortcut B after one change. */
function imported(change: (tensors: Tensors) => void = () => {}): Network {
  const tensors = torchTensors("akamaster-B");
  change(tensors);
  return importTorch(stateDictFile(tensors));
}

/** A new empty folder, removed after the test. */
function folder(t: { after: (done: () => void) => void }): string {
  const dir = mkdtempSync(path.join(tmpdir(), "nontrivial-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

test("importTorch() infers the spec from names and shapes", () => {
  assert.deepEqual(imported().spec, spec);
  assert.deepEqual(importTorch(stateDictFile(torchTensors("chenyaofo"))).spec, spec);
  assert.deepEqual(importTorch(stateDictFile(torchTensors("akamaster"))).spec, { ...spec, shortcut: "A" });
  const plain = importTorch(stateDictFile(torchTensors("akamaster")), { family: "plain" });
  assert.deepEqual(plain.spec, { ...spec, shortcut: "A", family: "plain" });
  assert.deepEqual([imported().name, plain.name], ["resnet8-B-w2", "plain8-w2"]);
});

test("importTorch() gives the same parameters whichever names and wrappers the tensors have", () => {
  const wanted = imported().parameters;
  const plain = torchTensors("chenyaofo");
  assert.deepEqual(importTorch(stateDictFile(plain)).parameters, wanted);
  for (const wrapper of ["module.", "_orig_mod.", "module._orig_mod.", "model.", "model.backbone."])
    assert.deepEqual(importTorch(stateDictFile(renamed(plain, (name) => wrapper + name))).parameters, wanted, wrapper);
});

test("importTorch() reads a state_dict in safetensors", () => {
  const { parameters, normalization } = importTorch(encodeSafetensors(torchTensors("chenyaofo"), { format: "pt" }));
  assert.deepEqual(parameters, imported().parameters);
  assert.deepEqual(normalization.std, [0.2023, 0.1994, 0.201]);
});

test("importTorch() moves kernels from [out, in, h, w] to [h, w, in, out]", () => {
  const { parameters } = imported();
  const kernel = parameters.get("stage2.block1.conv1.kernel")!;
  assert.deepEqual(kernel.shape, [3, 3, 2, 4]);
  const at = (h: number, w: number, input: number, output: number) =>
    kernel.data[((h * 3 + w) * 2 + input) * 4 + output];
  assert.equal(at(2, 1, 1, 3), ((3 * 2 + 1) * 3 + 2) * 3 + 1);
  assert.equal(at(0, 2, 0, 1), ((1 * 2 + 0) * 3 + 0) * 3 + 2);
  assert.deepEqual([...parameters.get("dense.kernel")!.data].slice(0, 11), [0, 8, 16, 24, 32, 40, 48, 56, 64, 72, 1]);
  assert.deepEqual([...parameters.keys()], [...parameterShapes(spec).keys()]);
});

test("importTorch() takes the normalization from the options, else from the names' author", () => {
  const report = (tensors: Tensors, options = {}) => {
    const { network, normalizedBy } = importReport(stateDictFile(tensors), options);
    return [normalizedBy, network.normalization.mean[0], network.normalization.std[0]];
  };
  assert.deepEqual(report(torchTensors("akamaster")), ["akamaster", 0.485, 0.229]);
  assert.deepEqual(report(torchTensors("akamaster-B")), ["akamaster", 0.485, 0.229]);
  assert.deepEqual(report(torchTensors("chenyaofo")), ["chenyaofo", 0.4914, 0.2023]);
  assert.deepEqual(report(torchTensors("chenyaofo"), { normalization }), ["options", 0.5, 0.2]);
  const hundred = torchTensors("chenyaofo");
  hundred.set("fc.weight", { shape: [100, 8], data: new Float32Array(800) });
  hundred.set("fc.bias", { shape: [100], data: new Float32Array(100) });
  assert.deepEqual(report(hundred), ["chenyaofo", 0.507, 0.2673]);
});

test("importTorch() asks for the normalization where the names are nobody's", () => {
  const mixtures: Tensors[] = [
    renamed(torchTensors("akamaster"), (name) => name.replace("linear", "fc")),
    renamed(torchTensors("akamaster-B"), (name) => name.replace("shortcut", "downsample")),
  ];
  const seven = torchTensors("chenyaofo");
  seven.set("fc.weight", { shape: [7, 8], data: new Float32Array(56) });
  seven.set("fc.bias", { shape: [7], data: new Float32Array(7) });
  for (const tensors of [...mixtures, seven]) {
    assert.throws(() => importTorch(stateDictFile(tensors)), /give the normalization$/);
    assert.deepEqual(importTorch(stateDictFile(tensors), { normalization }).normalization, normalization);
  }
  assert.throws(
    () => importTorch(stateDictFile(mixtures[0]), { normalization: { mean: [0, 0, 0], std: [1, 0, 1] } }),
    /normalization.std is \[1,0,1\], expected three numbers above 0/,
  );
});

test("importReport() says of every tensor what became of it, in the order of the file", () => {
  const tensors = torchTensors("chenyaofo");
  const { rows } = importReport(stateDictFile(tensors));
  assert.deepEqual(
    rows.map(({ from }) => from),
    [...tensors.keys()],
  );
  assert.deepEqual(rows.slice(0, 6), [
    { from: "conv1.weight", to: "stem.conv.kernel", shape: "[2, 3, 3, 3]" },
    { from: "bn1.weight", to: "stem.conv.gamma", shape: "[2]" },
    { from: "bn1.bias", to: "stem.conv.beta", shape: "[2]" },
    { from: "bn1.running_mean", to: "stem.conv.mean", shape: "[2]" },
    { from: "bn1.running_var", to: "stem.conv.variance", shape: "[2]" },
    { from: "bn1.num_batches_tracked", to: "", shape: "[]" },
  ]);
  const of = (from: string) => rows.find((row) => row.from === from)?.to;
  assert.equal(of("layer2.0.downsample.0.weight"), "stage2.block1.shortcut.kernel");
  assert.equal(of("layer3.0.downsample.1.running_var"), "stage3.block1.shortcut.variance");
  assert.equal(of("layer3.0.bn2.bias"), "stage3.block1.conv2.beta");
  assert.deepEqual(
    rows
      .map(({ to }) => to)
      .filter((to) => to !== "")
      .sort(),
    [...parameterShapes(spec).keys()].sort(),
  );
});

const scalar: Values = { shape: [], data: Float32Array.of(1) };
const misfits: [string, (tensors: Tensors) => void, RegExp][] = [
  [
    "a parameter is missing",
    (t) => t.delete("module.layer3.0.bn2.bias"),
    /as resnet8-B-w2 with 10 classes: layer3.0.bn2.bias \[8\] is missing$/,
  ],
  [
    "a parameter has another shape",
    (t) => t.set("module.bn1.bias", scalar),
    /bn1.bias has the shape \[\] instead of \[2\]$/,
  ],
  ["a parameter is unknown", (t) => t.set("module.layer3.0.se", scalar), /"layer3.0.se" \[\] is unknown$/],
  ["a name comes twice", (t) => t.set("conv1.weight", scalar), /"conv1.weight" under two names/],
  [
    "the stem is missing",
    (t) => t.delete("module.conv1.weight"),
    /expected a CIFAR ResNet of depth 6n\+2 \(conv1.weight.* but found bn1.weight/,
  ],
  ["the width is odd", (t) => t.set("module.conv1.weight", { shape: [1], data: Float32Array.of(1) }), /width/],
  [
    "a number is NaN",
    (t) => t.get("module.bn1.bias")!.data.fill(NaN, 1),
    /stem.conv.beta holds NaN, expected finite numbers$/,
  ],
  [
    "a variance is negative",
    (t) => t.get("module.bn1.running_var")!.data.fill(-1),
    /stem.conv.variance holds -1, expected finite numbers of at least 0/,
  ],
  [
    "there are four stages of one block",
    (t) => t.set("module.layer4.0.conv1.weight", scalar),
    /found stages of 1, 1, 1, 1 blocks$/,
  ],
  [
    "three stages have bottlenecks",
    (t) => t.set("layer1.0.conv3.weight", scalar),
    /found blocks of three convolutions in fewer than four stages$/,
  ],
];
for (const [title, change, message] of misfits)
  test(`importTorch() refuses a checkpoint where ${title}`, () => {
    assert.throws(
      () => imported(change),
      (error: Error) => message.test(error.message) && !error.message.includes("\n"),
    );
  });

test("importTorch() says of another architecture what did not fit, in one line", () => {
  const deeper = (tensors: Tensors) =>
    tensors.set("module.layer1.1.conv1.weight", { shape: [2, 2, 3, 3], data: new Float32Array(36) });
  assert.throws(
    () => imported(deeper),
    /as resnet14-B-w2 with 10 classes: layer1.1.bn1.weight \[2\] is missing, .*, and \d+ more$/,
  );
  assert.throws(
    () => importTorch(stateDictFile(torchTensors("akamaster-B")), { family: "plain" }),
    /as plain8-w2 with 10 classes: "layer2.0.shortcut.0.weight" \[4, 2, 1, 1\] is unknown/,
  );
});

for (const name of [
  "resnet14-w4",
  "resnet14-B-w4",
  "plain14-w4",
  "vgg13-w2",
  "imagenet-resnet34-w2",
  "imagenet-resnet50-w2",
])
  test(`importTorch() gives back, bit for bit, the ${name} that encodeTorchState() took`, () => {
    const network = { ...smallNetwork(name), name: "mine", normalization };
    const found = importReport(encodeTorchState(network));
    assert.equal(bitsOf(found.network), bitsOf(network));
    assert.deepEqual({ ...found.network, parameters: 0 }, { ...network, parameters: 0 });
    assert.equal(found.normalizedBy, "file");
  });

/** Random tensors of an exported network by the names of kuangliu/pytorch-cifar, without the description that goes along. */
const kuangliu = (name: string): Tensors => decodeSafetensors(encodeTorchState(smallNetwork(name))).tensors;

test("importReport() maps kuangliu's VGG, and folds the biases of its convolutions into the batch norms' means", () => {
  const tensors = kuangliu("vgg11-w2");
  const mean = Float32Array.from(tensors.get("features.1.running_mean")!.data);
  tensors.set("features.0.bias", { shape: [2], data: Float32Array.of(0.5, -0.25) });
  const { network, normalizedBy, rows } = importReport(stateDictFile(tensors));
  assert.deepEqual(network.spec, { family: "vgg", depth: 11, width: 2, classes: 10 });
  assert.deepEqual([normalizedBy, network.normalization.std[0]], ["kuangliu", 0.2023]);
  assert.deepEqual(
    [...network.parameters.get("stage1.conv1.mean")!.data],
    [Math.fround(mean[0] - 0.5), Math.fround(mean[1] + 0.25)],
  );
  const of = (from: string) => rows.find((row) => row.from === from)?.to;
  assert.equal(of("features.0.bias"), "stage1.conv1.mean");
  assert.equal(of("features.1.running_mean"), "stage1.conv1.mean");
  assert.equal(of("features.4.weight"), "stage2.conv1.kernel"); // 0 conv, 1 norm, 2 relu, 3 pool
  assert.equal(of("features.26.running_var"), "stage5.conv2.variance");
  assert.equal(of("classifier.weight"), "dense.kernel");
});

test("importTorch() takes a VGG whose convolutions have no biases, and asks for its normalization", () => {
  const biased = kuangliu("vgg16-w2");
  const bare = new Map([...biased].filter(([name]) => !isConvolutionsBias(biased, name)));
  assert.equal(biased.size - bare.size, 13);
  assert.throws(() => importTorch(stateDictFile(bare)), /give the normalization$/);
  const found = importTorch(stateDictFile(bare), { normalization });
  assert.deepEqual(found.parameters, importTorch(stateDictFile(biased)).parameters);
});

/** A bias beside a weight of four axes. */
const isConvolutionsBias = (tensors: Tensors, name: string): boolean =>
  name.endsWith(".bias") && tensors.get(name.replace(".bias", ".weight"))!.shape.length === 4;

for (const name of ["imagenet-resnet18-w2", "imagenet-resnet34-w2", "imagenet-resnet50-w2"])
  test(`importReport() knows ${name} by kuangliu's names, and by torchvision's and timm's, which leave the normalization open`, () => {
    const tensors = kuangliu(name);
    const report = importReport(stateDictFile(tensors));
    assert.deepEqual([specName(report.network.spec), report.normalizedBy], [name, "kuangliu"]);
    const torchvision = renamed(tensors, (from) => from.replace(".shortcut.", ".downsample.").replace("linear", "fc"));
    assert.throws(() => importTorch(stateDictFile(torchvision)), /give the normalization$/);
    const other = importReport(stateDictFile(torchvision), { normalization });
    assert.deepEqual(other.network.parameters, report.network.parameters);
    const of = (from: string) => other.rows.find((row) => row.from === from)?.to;
    assert.equal(of("layer4.0.downsample.1.weight"), "stage4.block1.shortcut.gamma");
    assert.equal(of("layer2.1.bn2.running_mean"), "stage2.block2.conv2.mean");
  });

const tensor = (...shape: number[]): Values => ({ shape, data: new Float32Array(sizeOf(shape)) });
const strangers: [string, string, (tensors: Tensors) => void, RegExp][] = [
  [
    "a 5x5 stem",
    "imagenet-resnet18-w2",
    (t) => t.set("conv1.weight", tensor(2, 3, 5, 5)),
    /conv1.weight has the shape \[2, 3, 5, 5\] instead of \[2, 3, 3, 3\]$/,
  ],
  [
    "another number of blocks",
    "imagenet-resnet18-w2",
    (t) => t.set("layer4.2.bn1.bias", tensor(16)),
    /found stages of 2, 2, 2, 3 blocks$/,
  ],
  [
    "five stages",
    "imagenet-resnet50-w2",
    (t) => t.set("layer5.0.bn1.bias", tensor(16)),
    /found stages of 3, 4, 6, 3, 1 bottlenecks$/,
  ],
  [
    "several dense layers",
    "vgg16-w2",
    (t) => (t.delete("classifier.weight"), t.set("classifier.0.weight", tensor(10, 16))),
    /found a VGG with the dense layers classifier.0.weight$/,
  ],
  ["no batch norms", "vgg16-w2", (t) => t.delete("features.1.running_mean"), /found a VGG without batch norms$/],
  [
    "another number of convolutions",
    "vgg16-w2",
    (t) => t.set("features.50.weight", tensor(2, 2, 3, 3)),
    /found a VGG of 14 convolutions$/,
  ],
  [
    "a bias of another length",
    "vgg11-w2",
    (t) => t.set("features.0.bias", tensor(3)),
    /features.0.bias has the shape \[3\] instead of \[2\]$/,
  ],
  [
    "NaN in a bias",
    "vgg11-w2",
    (t) => t.get("features.0.bias")!.data.fill(NaN),
    /stage1.conv1.mean holds NaN, expected finite numbers$/,
  ],
];
for (const [title, name, change, message] of strangers)
  test(`importTorch() refuses a ${name} with ${title}`, () => {
    const tensors = kuangliu(name);
    change(tensors);
    assert.throws(() => importTorch(stateDictFile(tensors)), { message });
  });

test("importTorch() refuses four stages without shortcuts", () => {
  const file = stateDictFile(kuangliu("imagenet-resnet18-w2"));
  assert.throws(() => importTorch(file, { family: "plain" }), /found four stages, which no plain network has$/);
});

test("encodeTorchState() names and turns tensors as PyTorch wants them", () => {
  const network = smallNetwork("resnet8-B-w4");
  const { tensors, metadata } = decodeSafetensors(encodeTorchState(network));
  assert.equal(metadata.format, "pt");
  assert.ok(tensors.has("layer3.0.shortcut.1.running_var") && tensors.has("linear.bias"));
  const { shape, data } = tensors.get("layer2.0.conv1.weight")!;
  assert.deepEqual(shape, [8, 4, 3, 3]);
  const ours = network.parameters.get("stage2.block1.conv1.kernel")!.data;
  assert.equal(data[((5 * 4 + 2) * 3 + 1) * 3 + 0], ours[((1 * 3 + 0) * 4 + 2) * 8 + 5]);
});

test("encodeTorchState() refuses NaN", () => {
  const network = smallNetwork();
  network.parameters.get("dense.bias")!.data[3] = NaN;
  assert.throws(() => encodeTorchState(network), /dense.bias holds NaN/);
});

const stated: [string, string, RegExp][] = [
  ["is not JSON", "{", /nontrivial is not JSON/],
  ["is null", "null", /nontrivial.name is undefined, expected a string/],
  [
    "asks for endless layers",
    JSON.stringify({ name: "x", spec: { ...spec, depth: 1e9 + 1 } }),
    /spec.depth is 1000000001/,
  ],
  ["has no normalization", JSON.stringify({ name: "x", spec }), /normalization.mean is undefined/],
  [
    "describes another network",
    JSON.stringify({ name: "x", spec: { ...spec, depth: 14 }, normalization }),
    /Cannot import "x" as resnet14-B-w2 with 10 classes: .*is missing/,
  ],
];
for (const [title, text, message] of stated)
  test(`importTorch() refuses an exported file whose description ${title}`, () => {
    const bytes = encodeSafetensors(torchTensors("akamaster-B"), { format: "pt", nontrivial: text });
    assert.throws(() => importTorch(bytes), { message });
  });

test("loadNetwork() tells our own safetensors from PyTorch's, and passes the options on", async (t) => {
  const dir = folder(t);
  const network = { ...smallNetwork(), name: "mine" };
  const place = (name: string, bytes: Uint8Array) => {
    writeFileSync(path.join(dir, name), bytes);
    return path.join(dir, name);
  };
  const own = await loadNetwork(place("own.safetensors", encodeNetwork(network)));
  const back = await loadNetwork(place("torch.safetensors", encodeTorchState(network)));
  assert.deepEqual([own.name, back.name], ["mine", "mine"]);
  assert.equal(bitsOf(back), bitsOf(network));
  const foreign = place("their.v1.safetensors", encodeSafetensors(torchTensors("akamaster")));
  const found = await loadNetwork(foreign, { normalization, family: "plain" });
  assert.deepEqual([found.name, found.spec.family, found.normalization], ["their.v1", "plain", normalization]);
  const odd = place("odd.safetensors", encodeSafetensors(new Map([["w", scalar]])));
  await assert.rejects(
    loadNetwork(odd),
    /Cannot load a network from ".*odd.safetensors": Cannot import the checkpoint/,
  );
});

// [layer, SHA-256 over the float32 bytes of .permute(2, 3, 1, 0) or .T, computed with PyTorch 2.13.0]
test("importTorch() turns the public ResNet-20's kernels as PyTorch does", { skip }, () => {
  const { parameters, spec: found, name } = importTorch(path.join(checkpoints, "resnet20-12fca82f.th"));
  const digest = (parameter: string) =>
    createHash("sha256")
      .update(new Uint8Array(parameters.get(parameter)!.data.buffer))
      .digest("hex");
  assert.deepEqual(found, { family: "resnet", depth: 20, width: 16, shortcut: "A", classes: 10 });
  assert.equal(name, "resnet20-12fca82f");
  assert.equal(
    digest("stage2.block1.conv1.kernel"),
    "1734542b2f85681eef098c2d8ce19da8fd3279e1b53d1534dfea2ddb69003145",
  );
  assert.equal(digest("dense.kernel"), "342a3e31e974f322804d9d8b847796e3b9c23a0b21c7cbba6f9634458389e25f");
});

for (const [file, depth] of [
  ["resnet32-d509ac18.th", 32],
  ["resnet44-014dd654.th", 44],
  ["resnet56-4bfd9763.th", 56],
] as const)
  test(`loadNetwork() imports the public ResNet-${depth}`, { skip }, async () => {
    const found = await loadNetwork(path.join(checkpoints, file));
    assert.equal(familySpec(found.spec).depth, depth);
    assert.equal(layersOf(found.spec).length, depth - 1);
  });
