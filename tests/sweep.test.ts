import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { ablate, ablatedNetwork, zero } from "../lib/ablations/ablate";
import { pairs, singles } from "../lib/ablations/sets";
import { batchOf } from "../lib/data/batches";
import { firstImages, loadCifar } from "../lib/data/cifar";
import { tensorOf, tf } from "../lib/engine/backend";
import { eagerWeights, eagerWords } from "../lib/engine/eager";
import { imageTensor, openPredictor, predictedClasses } from "../lib/engine/predictor";
import type { Values } from "../lib/files/values";
import { forward } from "../lib/networks/forward";
import { type Layer, layerOf, layersOf } from "../lib/networks/layers";
import { EPSILON } from "../lib/networks/network";
import type { Sweep } from "../lib/results/matrix";
import { rowsOf } from "../lib/results/rows";
import { verdictsOf } from "../lib/results/verdict";
import { loadNetwork } from "../lib/runs/run-folder";
import { type Answers, loadRows, portionsOf, recordSweep } from "../lib/sweeps/graph-program";
import { sweepBatch } from "../lib/sweeps/prepare";
import { sweepShard } from "../lib/sweeps/shard";
import { sweep, sweepSteps } from "../lib/sweeps/sweep";
import { evaluate } from "../lib/training/evaluate";
import { sumOf } from "../lib/statistics/summary";
import { bitsOf, expectNoLeak, settledNetwork, smallDataset, smallNetwork } from "./small";

const SHARED = path.resolve("..", "shared");
const withoutShared = existsSync(SHARED) ? false : "needs the public checkpoints in ../shared, which is not here";

test("ablate() changes the one kernel and shares everything else with the network, which stays as it is", () => {
  const network = smallNetwork();
  const before = bitsOf(network);
  const ablated = ablate(network, "stage2.block1.conv2", zero);
  for (const [name, values] of ablated.parameters) {
    if (name === "stage2.block1.conv2.kernel") assert.ok(values.data.every((weight) => weight === 0));
    else assert.equal(values, network.parameters.get(name));
  }
  assert.equal(bitsOf(network), before);
});

test("ablate() leaves the network bit-identical when the operator writes into its argument or throws", () => {
  const network = smallNetwork();
  const before = bitsOf(network);
  const inPlace = (kernel: Values) => (kernel.data.fill(0), kernel);
  const ablated = ablate(network, "stem.conv", inPlace);
  assert.ok(ablated.parameters.get("stem.conv.kernel")!.data.every((weight) => weight === 0));
  assert.throws(
    () => ablate(network, "stem.conv", (kernel) => (kernel.data.fill(7), assert.fail("thrown by the operator"))),
    /thrown by the operator/,
  );
  assert.equal(bitsOf(network), before);
});

test("ablate() refuses an unknown layer, and a kernel of another shape or with numbers that are not finite", () => {
  const network = smallNetwork();
  assert.throws(() => ablate(network, "stage9.block1.conv1", zero), /Cannot find the layer "stage9.block1.conv1"/);
  const transposed = ({ data }: Values) => ({ shape: [4, 3, 3, 3], data });
  assert.throws(
    () => ablate(network, "stem.conv", transposed),
    /returned a kernel of shape \[4,3,3,3\], expected \[3,3,3,4\]/,
  );
  const broken = ({ shape, data }: Values) => ({ shape, data: data.map(() => NaN) });
  assert.throws(() => ablate(network, "stem.conv", broken), /the operator returned NaN, expected finite numbers/);
});

test("a zeroed kernel makes its layer the constant beta - gamma mean / sqrt(variance + eps), by hand", () => {
  const network = ablatedNetwork(ablate(smallNetwork(), "stem.conv", zero));
  const of = (part: string, channel: number) => network.parameters.get(`stem.conv.${part}`)!.data[channel];
  const weights = eagerWeights(network.parameters);
  const words = eagerWords((name) => weights.get(name)!, network.normalization);
  const stem = layerOf(network.spec, "stem.conv");
  const { images } = batchOf(smallDataset(2), 0, 2);
  const output = tf.tidy(() =>
    words.batchNorm(words.conv(words.normalize(imageTensor(images)), stem), stem).dataSync(),
  );
  weights.forEach((tensor) => tensor.dispose());
  output.forEach((value, index) => {
    const channel = index % 4;
    const wanted =
      of("beta", channel) - (of("gamma", channel) * of("mean", channel)) / Math.sqrt(of("variance", channel) + EPSILON);
    assert.ok(Math.abs(value - wanted) < 1e-5, `channel ${channel}: ${value}, by hand ${wanted}`);
  });
});

test("a residual block with either kernel zeroed is its shortcut plus a constant, but for the border (claim C5)", () => {
  const intact = smallNetwork("resnet14-w4");
  for (const conv of ["conv1", "conv2"]) {
    const network = ablatedNetwork(ablate(intact, `stage1.block2.${conv}`, zero));
    const branch = branchOf(network, "stage1.block2");
    // Channels of one pixel away from the border, for both images: the same numbers everywhere.
    const inner = (image: number, row: number, column: number) =>
      branch.slice(((image * 32 + row) * 32 + column) * 4).slice(0, 4);
    assert.deepEqual(inner(0, 10, 10), inner(1, 20, 5));
  }
});

/** The branch of a block, before it is added to the shortcut, for two images. */
function branchOf(network: ReturnType<typeof smallNetwork>, block: string): number[] {
  const weights = eagerWeights(network.parameters);
  const words = eagerWords((name) => weights.get(name)!, network.normalization);
  let branch: number[] = [];
  const spying = {
    ...words,
    batchNorm(x: Parameters<typeof words.batchNorm>[0], layer: Layer) {
      const y = words.batchNorm(x, layer);
      if (layer.name === `${block}.conv2`) branch = [...y.dataSync()];
      return y;
    },
  };
  const { images } = batchOf(smallDataset(2), 0, 2);
  tf.tidy(() => void forward(network.spec, spying, imageTensor(images)));
  weights.forEach((tensor) => tensor.dispose());
  return branch;
}

test("sweep() predicts for each layer what evaluating the ablated network predicts, and leaves no tensor behind", () =>
  expectNoLeak(async () => {
    const [network, dataset] = [smallNetwork("resnet8-w4", 5), smallDataset(33)];
    const before = bitsOf(network);
    const result = await sweep(network, dataset, { batch: 10 });
    assert.deepEqual(result.sets, singles(layersOf(network.spec)));
    assert.deepEqual(result.baseline, (await evaluate(network, dataset)).predictions);
    assert.ok(new Set(result.baseline).size > 1, "a network that predicts one class only would not show a difference");
    for (const [index, layer] of result.sets.entries()) {
      const wanted = await evaluate(ablatedNetwork(ablate(network, layer.name, zero)), dataset);
      assert.deepEqual(result.predictions[index], wanted.predictions, layer.name);
    }
    assert.equal(bitsOf(network), before);
  }));

for (const [name, seed] of [
  ["plain8-w4", 5],
  ["resnet8-B-w4", 4],
] as const) {
  test(`sweep() of ${name} agrees with evaluating each ablated network`, async () => {
    const [network, dataset] = [smallNetwork(name, seed), smallDataset(40)];
    const result = await sweep(network, dataset);
    for (const [index, layer] of result.sets.entries()) {
      const wanted = await evaluate(ablatedNetwork(ablate(network, layer.name, zero)), dataset);
      assert.deepEqual(result.predictions[index], wanted.predictions, layer.name);
    }
  });
}

for (const name of [
  "imagenet-resnet18-w2",
  "imagenet-resnet50-w2",
  "vgg11-w4",
  "preresnet14-w8",
  "preresnet11bn-w4",
  "wrn16-2-w4",
])
  test(`sweep() of ${name}, as if trained, agrees with evaluating each ablated network`, () =>
    expectNoLeak(async () => {
      const [network, dataset] = [await settledNetwork(name), smallDataset(30)];
      const result = await sweep(network, dataset, { batch: 15 });
      assert.ok(new Set(result.baseline).size > 2, "it predicts too few classes to show a difference");
      assert.equal(result.predictions.length, layersOf(network.spec).length);
      const images = imageTensor(batchOf(dataset, 0, 30).images);
      for (const [index, layer] of layersOf(network.spec).entries()) {
        const predictor = await openPredictor(ablatedNetwork(ablate(network, layer.name, zero)));
        const wanted = predictedClasses(predictor.logits(images), 10);
        predictor.dispose();
        assert.deepEqual(result.predictions[index], wanted, layer.name);
      }
      images.dispose();
    }));

test("without shortcuts, every zeroed kernel of a VGG leaves one constant prediction for all images (claim C4)", async () => {
  const network = await settledNetwork("vgg16-w4");
  const result = await sweep(network, smallDataset(40));
  assert.ok(new Set(result.baseline).size > 2, `the intact network predicts ${result.baseline}`);
  assert.equal(result.predictions.length, 13);
  for (const [index, predicted] of result.predictions.entries())
    assert.equal(new Set(predicted).size, 1, layersOf(network.spec)[index].name);
});

test("sweep() takes some layers and a user's own operator", async () => {
  const [network, dataset] = [smallNetwork("resnet8-w4", 5), smallDataset(20)];
  const negate = ({ shape, data }: Values): Values => ({ shape, data: data.map((weight) => -weight) });
  const layers = [layerOf(network.spec, "stage1.block1.conv1")];
  const result = await sweep(network, dataset, { layers, operator: negate, operatorName: "negate" });
  assert.equal(result.operator, "negate");
  assert.deepEqual(result.predictions, [
    (await evaluate(ablatedNetwork(ablate(network, layers[0].name, negate)), dataset)).predictions,
  ]);
});

test("sweepSteps() has every row after the first batch, and can be left without leaving a tensor behind", () =>
  expectNoLeak(async () => {
    const [network, dataset] = [smallNetwork("resnet8-w4", 5), smallDataset(40)];
    const whole = await sweep(network, dataset);
    for await (const step of sweepSteps(network, dataset, { batch: 10 })) {
      assert.equal(rowsOf(step).length, 7);
      assert.deepEqual(
        step.predictions,
        whole.predictions.map((row) => row.subarray(0, 10)),
      );
      break;
    }
  }));

test("sweep() stops between two batches when its signal is aborted, and leaves no tensor behind", () =>
  expectNoLeak(async () => {
    const stop = new AbortController();
    let calls = 0;
    const onProgress = () => void (++calls === 2 && stop.abort(new Error("enough")));
    await assert.rejects(
      sweep(smallNetwork(), smallDataset(40), { batch: 10, onProgress, signal: stop.signal }),
      /enough/,
    );
    assert.equal(calls, 2);
  }));

test("a plain network with any kernel zeroed gives every image the same class: exactly 10.00 % of the balanced test set", async () => {
  const test = await loadCifar("cifar10", "test");
  // The share needs all images; that all of them get one class shows on any: 600 here, counted against all 10,000 labels.
  const result = await sweep(smallNetwork("plain14-w4", 4), firstImages(test, 600));
  assert.ok(new Set(result.baseline).size > 1, "the intact network tells images apart");
  for (const [index, layer] of result.sets.entries()) {
    const classes = new Set(result.predictions[index]);
    assert.equal(classes.size, 1, `${layer.name} predicts ${[...classes]}`);
    const [only] = classes;
    assert.equal(test.labels.filter((label) => label === only).length / test.count, 0.1);
  }
});

interface Reference {
  readonly baseline: number;
  readonly layers: Record<string, { correct: number; b: number; c: number; flips: number }>;
}

/** PyTorch's name of a layer in the public checkpoints. */
const torchName = ({ name, stage, block }: Layer) =>
  stage ? `layer${stage}.${block - 1}.${name.split(".")[2]}` : "conv1";

test(
  "the zero sweep of the public ResNet-20 has PyTorch's counts, within 3 images for every layer",
  { skip: withoutShared },
  async () => {
    const reference = JSON.parse(
      readFileSync(path.join(SHARED, "reference", "resnet20-zero-kernel.json"), "utf8"),
    ) as Reference;
    const network = await loadNetwork(path.join(SHARED, "checkpoints", "resnet20-12fca82f.th"));
    const dataset = await loadCifar("cifar10", "test");
    const result = await sweep(network, dataset);
    const rows = rowsOf(result);
    assert.equal(rows.length, Object.keys(reference.layers).length);
    rows.forEach(({ correct, lost, gained, flips }, index) => {
      const wanted = reference.layers[torchName(result.sets[index].layers[0])];
      const found = { correct, b: lost, c: gained, flips };
      for (const key of ["correct", "b", "c", "flips"] as const) {
        assert.ok(
          Math.abs(found[key] - wanted[key]) <= 3,
          `${rows[index].layer} ${key}: ${found[key]}, PyTorch ${wanted[key]}`,
        );
      }
    });
    assert.ok(Math.abs(rows[0].baseline * 10_000 - reference.baseline) <= 2);
    assert.deepEqual((await evaluate(network, dataset)).predictions, result.baseline);
  },
);

test("sweep() refuses an ablation whose logits are no longer finite, and leaves no tensor behind", () =>
  expectNoLeak(async () => {
    const huge = ({ shape, data }: Values): Values => ({ shape, data: data.map((weight) => weight * 1e37) });
    await assert.rejects(
      sweep(smallNetwork(), smallDataset(10), { operator: huge, operatorName: "huge" }),
      /Cannot read predictions of ablation \d+ of 7: its logits hold NaN or an infinity, expected finite numbers/,
    );
  }));

test("a sweep with results goes on where it was left, and is read back without the engine once it is finished", () =>
  expectNoLeak(async () => {
    const results = mkdtempSync(path.join(tmpdir(), "nontrivial-sweep-"));
    const [network, dataset] = [smallNetwork("resnet8-w4", 5), smallDataset(40)];
    const whole = await sweep(network, dataset);
    const seen: number[] = [];
    const options = { results, batch: 10, onProgress: (done: number) => void seen.push(done) };
    for await (const step of sweepSteps(network, dataset, options)) if (step.labels.length === 20) break;
    assert.deepEqual(await sweep(network, dataset, options), whole);
    assert.deepEqual(seen, [10, 20, 30, 40], "nothing is computed twice");
    const [file] = readdirSync(results);
    const size = statSync(path.join(results, file)).size;
    assert.deepEqual(await sweep(network, dataset, options), whole);
    assert.equal(statSync(path.join(results, file)).size, size, "nothing was added");
    const other = ablatedNetwork(ablate(network, "stem.conv", zero));
    assert.notDeepEqual((await sweep(other, dataset, options)).baseline, whole.baseline);
    assert.equal(readdirSync(results).length, 2, "another network has results of its own");
    await sweep(network, dataset, { ...options, fresh: true });
    assert.deepEqual(seen.slice(-4), [10, 20, 30, 40], "asked to forget, it computes everything again");
    rmSync(results, { recursive: true });
  }));

test("a sweep that stops what is decided has the same predictions as far as it looked, and verdicts that agree", async () => {
  const results = mkdtempSync(path.join(tmpdir(), "nontrivial-sweep-"));
  const network = await loadNetwork("data/runs/resnet20-seed1");
  const dataset = firstImages(await loadCifar("cifar10", "test"), 600);
  const layers = layersOf(network.spec).filter(({ stage }) => stage === 1);
  const whole = await sweep(network, dataset, { layers });
  const options = { layers, stopWhenDecided: { margin: 0.005 }, results };
  const early = await sweep(network, dataset, options);
  const wanted = verdictsOf(rowsOf(whole));
  const found = verdictsOf(rowsOf(early));
  assert.ok(
    found.every(({ look }) => look === "stopped"),
    "every layer of stage 1 costs dozens of points",
  );
  assert.ok(early.labels.length < 600, `it looked at ${early.labels.length} images`);
  for (const [index, { layer, images, verdict }] of found.entries()) {
    assert.deepEqual(early.predictions[index], whole.predictions[index].subarray(0, images), layer);
    assert.equal(verdict, wanted[index].verdict, layer);
  }
  assert.deepEqual(await sweep(network, dataset, options), early, "read back, it stops at the same images");
  rmSync(results, { recursive: true });
});

test("every step of a sweep but the last says that it still runs, so that its p values hold whenever one leaves", async () => {
  const steps = [];
  for await (const step of sweepSteps(smallNetwork("resnet8-w4", 5), smallDataset(30), { batch: 10 })) steps.push(step);
  const marks = steps.map(({ stopping }) => stopping?.looks.every((look) => look === "running"));
  assert.deepEqual(marks, [true, true, undefined]);
});

test("a sweep that stops what is decided says of each ablation at every step whether it runs, was stopped or has seen all", async () => {
  const network = await loadNetwork("data/runs/resnet20-seed1");
  const dataset = firstImages(await loadCifar("cifar10", "test"), 150);
  const layers = layersOf(network.spec).slice(-4);
  const marks = [];
  for await (const { stopping } of sweepSteps(network, dataset, { layers, stopWhenDecided: { margin: 0.2 } }))
    marks.push(stopping!.looks);
  const [last, ...earlier] = [...marks].reverse();
  for (const looks of earlier)
    assert.ok(
      looks.every((look) => look !== "complete"),
      looks.join(),
    );
  assert.ok(earlier[0].includes("running"), "some ablation is not decided before the last batch");
  assert.ok(last.every((look) => look !== "running") && last.includes("complete"), last.join());
});

test("ablations that fill several graphs are answered as in one, in their order", () =>
  expectNoLeak(async () => {
    const [network, dataset] = [smallNetwork("resnet14-w4"), smallDataset(8)];
    const sets = [...singles(layersOf(network.spec)), ...pairs(layersOf(network.spec))];
    const ablations = sets.map(({ layers }) => ablate(network, layers.map(({ name }) => name), zero)); // prettier-ignore
    const graph = recordSweep(network, ablations, { precision: "float32", means: new Map() });
    const rows = ablations.map((_, index) => index + 1);
    const [first, ...others] = portionsOf(graph, rows, { memory: Infinity, largest: 500 });
    assert.deepEqual([first.flat(), others], [rows, []]);
    assert.ok(first.length > 3 && first.every((part) => part.length > 0), `${first.length} graphs`);
    const { images, labels } = batchOf(dataset, 0, dataset.count);
    const batch = { images: imageTensor(images), labels: tensorOf(labels, [dataset.count]) };
    const answersOf = async (some: readonly number[], stacks = false): Promise<Answers> => {
      const program = await loadRows(graph, some, { stacks });
      const answers = program.run({ ...batch, others: batch.images });
      program.dispose();
      return answers;
    };
    const whole = await answersOf([0, ...rows]);
    assert.ok(new Set(whole.predictions.map(String)).size > 3, "rows that could be mixed up");
    assert.deepEqual(await answersOf([0, ...rows], true), whole, "as stacks: the same to the last bit");
    for (const part of first) {
      const { predictions, losses } = await answersOf([0, ...part]);
      assert.deepEqual(predictions, [0, ...part].map((row) => whole.predictions[row])); // prettier-ignore
      assert.deepEqual(losses, [0, ...part].map((row) => whole.losses[row])); // prettier-ignore
    }
    tf.dispose(Object.values(batch));
  }));

test("a sweep of more ablations than fit the memory is computed in portions, and goes on from where it was stopped", () =>
  expectNoLeak(async () => {
    const dir = mkdtempSync(path.join(tmpdir(), "nontrivial-portions-"));
    const [network, dataset] = [smallNetwork("resnet8-w4"), smallDataset(300)];
    const sets = [...singles(layersOf(network.spec)), ...pairs(layersOf(network.spec))];
    const whole = await sweep(network, dataset, { sets });
    const stop = new AbortController();
    const progress: number[] = [];
    const onProgress = (done: number) => {
      progress.push(done);
      if (done > 200) stop.abort();
    };
    const options = { sets, memory: 3e6, results: dir };
    await assert.rejects(sweep(network, dataset, { ...options, onProgress, signal: stop.signal }), /abort/);
    assert.deepEqual(progress, [...progress].sort((a, b) => a - b)); // prettier-ignore
    assert.ok(progress[0] < sweepBatch({ gpu: false }), "a portion of the ablations has seen the first batch");
    const before = readdirSync(dir).map((name) => statSync(path.join(dir, name)).size);
    const steps: Sweep[] = [];
    for await (const step of sweepSteps(network, dataset, { ...options, resume: true })) steps.push(step);
    assert.deepEqual(steps.map(({ labels }) => labels.length), [250, 300]); // prettier-ignore
    assert.deepEqual(steps[1], whole);
    const after = readdirSync(dir).map((name) => statSync(path.join(dir, name)).size);
    assert.ok(sumOf(after) > sumOf(before));
    const margin = 0.02;
    const stopped = await sweep(network, dataset, { sets, stopWhenDecided: { margin } });
    const inPortions = await sweep(network, dataset, { sets, stopWhenDecided: { margin }, memory: 3e6 });
    assert.deepEqual(inPortions.predictions, stopped.predictions);
    rmSync(dir, { recursive: true, force: true });
  }));

test("the parts of a sweep are read back as one, with the same bits, and no part is computed twice", async () => {
  await expectNoLeak(async () => {
    const dir = mkdtempSync(path.join(tmpdir(), "nontrivial-shards-"));
    const [network, test] = [smallNetwork(), smallDataset(70)];
    const sets = [...singles(layersOf(network.spec)), ...pairs(layersOf(network.spec))];
    const whole = await sweep(network, test, { sets });
    const options = { sets, results: dir };
    const counts = [];
    for (const part of [3, 1, 2]) counts.push(await sweepShard(network, test, options, { part, parts: 3 }));
    assert.equal(sumOf(counts), sets.length);
    assert.ok(Math.max(...counts) - Math.min(...counts) <= 1);
    const sizes = () => readdirSync(dir).map((name) => statSync(path.join(dir, name)).size);
    const before = sizes();
    assert.deepEqual(await sweep(network, test, options), whole);
    await sweepShard(network, test, options, { part: 2, parts: 3 });
    assert.deepEqual(sizes(), before, "all was there");
    await assert.rejects(sweepShard(network, test, options, { part: 4, parts: 3 }), /Cannot sweep part 4 of 3/);
    rmSync(dir, { recursive: true, force: true });
  });
});
