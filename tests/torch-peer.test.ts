// Against real PyTorch, where it is installed: set TORCH_PYTHON to a Python that has torch, numpy and safetensors.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { encodeTorchState, importReport, importTorch } from "../lib/checkpoints/torch";
import { batchOf } from "../lib/data/batches";
import { firstImages, loadCifar } from "../lib/data/cifar";
import { pixelsBetween } from "../lib/data/pixels";
import type { Dataset } from "../lib/data/dataset";
import { imageTensor, openPredictor, predictedClasses } from "../lib/engine/predictor";
import { decodeSafetensors } from "../lib/files/safetensors";
import type { Values } from "../lib/files/values";
import { layersOf } from "../lib/networks/layers";
import { multiplications, type Network, parameterCount } from "../lib/networks/network";
import { type CifarSpec, type Spec, specOf } from "../lib/networks/spec";
import { evaluate } from "../lib/training/evaluate";
import { calmNetwork, expectNoLeak, smallDataset } from "./small";
import { torchTensors } from "./torch-file";

const named = process.env.TORCH_PYTHON;
const python = named ?? "python3";
const wanted = ["torch", "numpy", "safetensors"];
const script = `import importlib.util as u, sys; sys.exit(not all(map(u.find_spec, sys.argv[1:])))`;
const present = spawnSync(python, ["-c", script, ...wanted]).status === 0;
// Where a Python was named, its tests run, and fail if it is the wrong one.
const skip = present || named ? false : "PyTorch is not installed here: set TORCH_PYTHON to a Python that has it";

const peer = (...words: string[]) => execFileSync(python, [path.join("tests", "torch-peer.py"), ...words]);

/** A new empty folder, removed after the test. */
function folder(t: { after: (done: () => void) => void }): string {
  const dir = mkdtempSync(path.join(tmpdir(), "nontrivial-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

interface Compared {
  readonly network: Network;
  /** The checkpoint from which it was imported; without one, PyTorch gets the exported network. */
  readonly weights?: string;
}

/** The logits [count, classes] that PyTorch computes with the exported network, or with the file that it came from. */
function torchLogits(dir: string, { network, weights }: Compared, dataset: Dataset): Float32Array {
  const at = (name: string) => path.join(dir, name);
  if (!weights) writeFileSync(at("weights.safetensors"), encodeTorchState(network));
  writeFileSync(at("images.bin"), pixelsBetween(dataset, 0, dataset.count));
  const about = JSON.stringify({ spec: network.spec, ...network.normalization });
  peer("logits", weights ?? at("weights.safetensors"), at("images.bin"), about, at("logits.bin"));
  return new Float32Array(new Uint8Array(readFileSync(at("logits.bin"))).buffer);
}

/** The logits [count, classes] that this project computes. */
async function ourLogits(network: Network, dataset: Dataset): Promise<Float32Array> {
  const predictor = await openPredictor(network);
  const found: number[] = [];
  for (let start = 0; start < dataset.count; start += 250) {
    const tensor = imageTensor(batchOf(dataset, start, Math.min(start + 250, dataset.count)).images);
    found.push(...predictor.logits(tensor));
    tensor.dispose();
  }
  predictor.dispose();
  return Float32Array.from(found);
}

/** Checks that both give the same logits, and the same predictions as evaluate(). */
async function compare(dir: string, compared: Compared, dataset: Dataset): Promise<void> {
  const { network } = compared;
  const [ours, theirs] = [await ourLogits(network, dataset), torchLogits(dir, compared, dataset)];
  assert.equal(theirs.length, dataset.count * network.spec.classes);
  const furthest = theirs.reduce((most, logit, index) => Math.max(most, Math.abs(logit - ours[index])), 0);
  assert.ok(furthest < 1e-4, `the logits differ by ${furthest}`);
  const { predictions } = await evaluate(network, dataset);
  assert.deepEqual(predictions, predictedClasses(theirs, network.spec.classes));
}

const narrow = ["resnet8-w4", "resnet20-B", "plain14-w4", "vgg11-w8", "vgg16-w4"];
for (const name of [...narrow, "imagenet-resnet18-w4", "imagenet-resnet34-w4", "imagenet-resnet50-w4"])
  test(`PyTorch loads an exported random ${name} and gives the same logits`, { skip }, async (t) => {
    await expectNoLeak(() => compare(folder(t), { network: calmNetwork(name) }, smallDataset(60)));
  });

for (const name of ["vgg13-w4", "imagenet-resnet18-w4", "imagenet-resnet50-w4"])
  test(
    `a ${name} that PyTorch saved as kuangliu does, wrapped and with biases, gives the same logits here`,
    { skip },
    async (t) => {
      const weights = path.join(folder(t), "ckpt.pth");
      peer("trained", JSON.stringify(specOf(name)), weights);
      const { network, normalizedBy } = importReport(weights);
      assert.deepEqual([network.spec, normalizedBy], [specOf(name), "kuangliu"]);
      await compare(folder(t), { network, weights }, smallDataset(60));
    },
  );

test("PyTorch counts the parameters and multiply-adds that this project counts", { skip }, () => {
  const names = ["resnet20", "resnet20-B", "plain20", "vgg11", "vgg13", "vgg16"];
  const specs = [...names, "imagenet-resnet18", "imagenet-resnet34", "imagenet-resnet50"].map((name) => specOf(name));
  const biases = (spec: Spec) => layersOf(spec).reduce((sum, { outputs }) => sum + outputs, 0);
  const found = specs.map((spec) => ({
    parameters: parameterCount(spec) + (spec.family === "vgg" ? biases(spec) : 0),
    multiplications: multiplications(spec),
  }));
  assert.deepEqual(found, JSON.parse(String(peer("counts", JSON.stringify(specs)))));
});

const file = path.resolve("..", "shared", "checkpoints", "resnet20-12fca82f.th");
const images = path.join("data", "cifar-10", "test_batch.bin");
const missing = (...places: string[]) => {
  const place = places.find((candidate) => !existsSync(candidate));
  return skip || (place ? `${path.basename(place)} is not on this machine` : false);
};
test(
  "PyTorch gives the public ResNet-20's logits on 1,000 test images after import and export",
  { skip: missing(file, images) },
  async (t) => {
    await compare(folder(t), { network: importTorch(file) }, firstImages(await loadCifar("cifar10", "test"), 1000));
  },
);

test(
  "PyTorch gives a random ResNet-20's logits on 1,000 test images with shortcut B",
  { skip: missing(images) },
  async (t) => {
    await compare(
      folder(t),
      { network: calmNetwork("resnet20-B") },
      firstImages(await loadCifar("cifar10", "test"), 1000),
    );
  },
);

test("PyTorch and this project read the same numbers from every format and number format", { skip }, (t) => {
  const dir = folder(t);
  peer("files", dir);
  const sorted = (tensors: ReadonlyMap<string, Values>) => [...tensors].sort(([a], [b]) => (a < b ? -1 : 1));
  for (const dtype of ["float16", "bfloat16", "float32", "float64"]) {
    const read = (name: string) => readFileSync(path.join(dir, name));
    const expected = sorted(decodeSafetensors(read(`${dtype}.safetensors`)).tensors);
    assert.equal(expected.length, 56);
    for (const format of ["zip", "legacy"])
      assert.deepEqual(sorted(torchTensors(read(`${format}-${dtype}.pt`))), expected, `${format} ${dtype}`);
    assert.deepEqual(sorted(decodeSafetensors(read(`safetensors-${dtype}.safetensors`)).tensors), expected, dtype);
    for (const name of [`zip-${dtype}.pt`, `legacy-${dtype}.pt`, `safetensors-${dtype}.safetensors`])
      assert.equal((importTorch(path.join(dir, name)).spec as CifarSpec).shortcut, "B", name);
  }
});
