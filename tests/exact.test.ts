// Exact verdicts: the same as those of the full sweep, on small networks under many operators and on the committed ones on CIFAR-10.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, afterEach, test } from "node:test";
import { type Operator, zero } from "../lib/ablations/ablate";
import { operatorNamed } from "../lib/ablations/named";
import { blockSets } from "../lib/ablations/sets";
import { firstImages, loadCifar } from "../lib/data/cifar";
import type { Dataset } from "../lib/data/dataset";
import type { Values } from "../lib/files/values";
import { layersOf } from "../lib/networks/layers";
import type { Network } from "../lib/networks/network";
import { specOf } from "../lib/networks/spec";
import { exactLive } from "../lib/notebook/exact-live";
import { type ExactVerdicts, exactVerdictOf, settledOf } from "../lib/results/exact";
import type { EvenSweep } from "../lib/results/matrix";
import { rowsOf } from "../lib/results/rows";
import { MARGINS, verdictsOf } from "../lib/results/verdict";
import { loadCollection } from "../lib/runs/collection";
import { isKept, loadSweep } from "../lib/runs/kept-sweep";
import { loadNetwork } from "../lib/runs/run-folder";
import { type ExactOptions, exactSteps, exactVerdicts, testOrder } from "../lib/sweeps/exact";
import { sweep } from "../lib/sweeps/sweep";
import { evaluate } from "../lib/training/evaluate";
import { pretendKernel, slowClock, textsOf } from "./cell";
import { expectNoLeak, settledNetwork, smallDataset } from "./small";

const FOLDER = mkdtempSync(path.join(tmpdir(), "nontrivial-exact-"));
let kernel: ReturnType<typeof pretendKernel> | undefined;
afterEach(() => kernel?.end());
after(() => rmSync(FOLDER, { recursive: true, force: true }));

/** Images that a network of random weights has mostly right, as their labels are what it says of nine in ten of them. */
async function answeredDataset(network: Network, count: number): Promise<Dataset> {
  const dataset = smallDataset(count);
  const { predictions } = await evaluate(network, dataset);
  const labels = predictions.map((predicted, image) => (image % 10 === 3 ? (predicted + 1) % 10 : predicted));
  return { ...dataset, labels };
}

/** Checks exact verdicts against the full sweep's, and returns them. */
async function expectFull(network: Network, dataset: Dataset, options: ExactOptions): Promise<ExactVerdicts> {
  const found = await exactVerdicts(network, dataset, options);
  const full = verdictsOf(rowsOf(await sweep(network, dataset, options)), options);
  found.verdicts.forEach((line, index) => {
    const { layer, verdict, harm, lost, gained, drop, baseline, images } = full[index];
    assert.deepEqual([line.layer, line.verdict, line.harm], [layer, verdict, harm]);
    assert.deepEqual([line.baseline, line.images], [baseline, images]);
    assert.ok(line.lost <= lost && lost <= line.lost + line.missingRight, `${layer}: lost`);
    assert.ok(line.gained <= gained && gained <= line.gained + line.missingWrong, `${layer}: gained`);
    assert.ok(line.dropAtLeast <= drop && drop <= line.dropAtMost, `${layer}: drop`);
  });
  return found;
}

const weaker = (factor: number): Operator =>
  Object.defineProperty(({ shape, data }: Values) => ({ shape, data: data.map((weight) => weight * factor) }), "name", {
    value: `times ${factor}`,
  });

test("exactVerdicts() says of every layer what the full sweep says, at any margin, whatever is done", async () => {
  const network = await settledNetwork("resnet8-w4");
  const dataset = await answeredDataset(network, 600);
  const reference = smallDataset(40);
  const operators = [
    zero,
    weaker(0.9),
    weaker(0.999),
    operatorNamed("mean").operator,
    operatorNamed("resample").operator,
  ];
  const calls = new Set<string>();
  for (const operator of operators)
    for (const margin of [0.005, 0.05, 0.3]) {
      const results = path.join(FOLDER, "operators");
      const options = { operator, margin, reference, layers: layersOf(network.spec).slice(0, 5), results };
      const { verdicts } = await expectFull(network, dataset, options);
      verdicts.forEach(({ verdict }) => calls.add(String(verdict)));
    }
  assert.deepEqual([...calls].sort(), ["non-trivial", "trivial", "undecided"]);
});

test("exactVerdicts() needs no image for a layer that its operator leaves as it is, and counts it in the adjustment", async () => {
  const network = await settledNetwork("resnet8-w4");
  const dataset = await answeredDataset(network, 300);
  const same: Operator = (kernel, { name }) =>
    name === "stem.conv" ? kernel : { shape: kernel.shape, data: kernel.data.map(() => 0) };
  const layers = layersOf(network.spec).slice(0, 2);
  const [stem] = (await expectFull(network, dataset, { operator: same, layers })).verdicts;
  assert.deepEqual([stem.verdict, stem.seen, stem.harm], ["unchanged", 0, false]);
});

test("exactVerdicts() takes sets of layers, and is refused where a layer would be trivial in a network that only guesses", async () => {
  const network = await settledNetwork("resnet8-w4");
  const dataset = await answeredDataset(network, 300);
  await expectFull(network, dataset, { sets: blockSets(network.spec), margin: 0.05 });
  const wrong = { ...dataset, labels: dataset.labels.map((label) => (label + 1) % 10) };
  await assert.rejects(
    exactVerdicts(network, wrong, { operator: weaker(0.9999), margin: 0.2 }),
    /Cannot call ".*" trivial: the intact network has .* of 300 images right/,
  );
});

test("the images come in this order: wrong ones, then right ones from the largest cross-entropy to the smallest", () => {
  const labels = Uint8Array.of(0, 1, 2, 3, 4, 5);
  const intact = { predictions: Uint8Array.of(0, 1, 9, 3, 9, 5), losses: Float32Array.of(0.1, 2, 7, 0.5, 3, 0.5) };
  assert.deepEqual([...testOrder(labels, intact)], [2, 4, 1, 3, 5, 0]);
});

test("exactSteps() never takes back what is settled, and says how far both passes are", async () => {
  const network = await settledNetwork("resnet8-w4");
  const dataset = await answeredDataset(network, 600);
  const progress: string[] = [];
  const options = { margin: 0.02, onProgress: (done: number, total: number) => void progress.push(`${done}/${total}`) };
  const full = verdictsOf(rowsOf(await sweep(network, dataset)), options);
  let open = Infinity;
  for await (const { verdicts } of exactSteps(network, dataset, options)) {
    verdicts.forEach(({ verdict, harm }, index) => {
      assert.ok(verdict === undefined || verdict === full[index].verdict);
      assert.ok(harm === undefined || harm === full[index].harm);
    });
    const now = verdicts.filter(({ verdict }) => verdict === undefined).length;
    assert.ok(now <= open);
    open = now;
  }
  assert.equal(open, 0);
  assert.equal(progress[0], "250/1200");
  const [done, total] = progress.at(-1)!.split("/");
  assert.equal(done, total, "at the end, what was done is all that there was to do");
  assert.ok(Number(done) < 1200, "no more images are claimed than were seen");
});

test("exactVerdicts() goes on with what is kept after it was stopped, and leaves no tensor behind either way", () =>
  expectNoLeak(async () => {
    const network = await settledNetwork("resnet8-w4");
    const dataset = await answeredDataset(network, 400);
    const options = { operator: weaker(0.9), margin: 0.005, results: path.join(FOLDER, "kept") };
    const whole = await exactVerdicts(network, dataset, { ...options, results: undefined });
    const stop = new AbortController();
    const onProgress = (done: number) => void (done === 500 && stop.abort(new Error("stopped here")));
    await assert.rejects(
      exactVerdicts(network, dataset, { ...options, onProgress, signal: stop.signal }),
      /stopped here/,
    );
    assert.deepEqual(await exactVerdicts(network, dataset, { ...options, resume: true }), whole);
  }));

test("a verdict stays open as long as its own or another layer's missing images can change it", () => {
  const seen = { images: 10_000, seen: 1000, unchanged: false, missingWrong: 0 };
  const sure = { ...seen, lost: 900, gained: 10, missingRight: 9000 };
  const open = { ...seen, lost: 60, gained: 55, missingRight: 9000 };
  const done = { ...seen, seen: 10_000, lost: 60, gained: 55, missingRight: 0 };
  assert.deepEqual(
    settledOf([sure, open]).map(({ verdict }) => verdict),
    ["non-trivial", undefined],
  );
  assert.deepEqual(
    settledOf([sure, done]).map(({ verdict }) => verdict),
    ["non-trivial", "trivial"],
  );
  const layer = { name: "stem.conv", layers: layersOf(specOf("resnet8")).slice(0, 1) };
  const line = exactVerdictOf(layer, { ...open, settled: false }, { operator: "zero", right: 9100, classes: 10 });
  assert.deepEqual([line.dropAtLeast, line.dropAtMost, line.baseline], [0.0005, 0.9005, 0.91]);
});

for (const [run, count, operators] of [
  ["resnet20-seed1", 1000, ["zero"]],
  ["resnet8-seed1", 1000, ["zero", "mean", "noise:0.5"]],
] as const)
  test(`exact verdicts of ${run} are those of the full sweep over ${count} images of CIFAR-10: ${operators.join(", ")}`, async () => {
    const network = await loadNetwork(`data/runs/${run}`);
    const dataset = firstImages(await loadCifar("cifar10", "test"), count);
    const reference = firstImages(await loadCifar("cifar10", "train"), 200);
    for (const name of operators)
      for (const margin of [0.005, 0.01, 0.02])
        await expectFull(network, dataset, {
          operator: operatorNamed(name).operator,
          margin,
          reference,
          results: FOLDER,
        });
  });

const KEPT = ["zero", "mean", "noise:0.5", "zeroFilters:0.25", "zeroFilters:0.5", "zeroFilters:0.75"];

test("on every committed run's full sweep, what is settled on the way is what all images say, at three margins", async () => {
  const cifar = await loadCifar("cifar10", "test");
  const early: number[] = [];
  const operators = new Set<string>();
  for (const { run } of await loadCollection("data/runs")) {
    for (const operator of KEPT.filter((name) => isKept(path.join("data", "runs", run), name))) {
      operators.add(operator);
      const kept = await loadSweep(path.join("data", "runs", run), cifar, operator);
      const order = testOrder(kept.labels, { predictions: kept.baseline, losses: new Float32Array(cifar.count) });
      const rows = rowsOf(kept);
      for (const margin of MARGINS) {
        const full = verdictsOf(rows, { margin });
        for (let seen = 1000; seen <= cifar.count; seen += 1500) {
          const found = settledOf(
            kept.predictions.map((after) => countsAfter(kept, after, order.subarray(0, seen))),
            { margin },
          );
          found.forEach(({ verdict, harm }, index) => {
            assert.ok(verdict === undefined || verdict === full[index].verdict, `${run}: ${full[index].layer}`);
            assert.ok(harm === undefined || harm === full[index].harm, `${run}: ${full[index].layer}`);
          });
          if (seen === 4000) early.push(...found.map(({ verdict }) => Number(verdict !== undefined)));
        }
      }
    }
  }
  assert.deepEqual([...operators].sort(), [...KEPT].sort());
  const settledEarly = early.filter(Boolean).length / early.length;
  assert.ok(settledEarly > 0.3, `${settledEarly} of the verdicts are settled after 4,000 images in any order`);
});

/** What an ablation's answers to some images, in that order, leave open. */
function countsAfter({ labels, baseline }: EvenSweep, after: ArrayLike<number>, order: Uint32Array) {
  const isRight = (image: number) => baseline[image] === labels[image];
  const right = [...labels.keys()].filter(isRight).length;
  const seenRight = order.filter(isRight);
  const seenWrong = order.filter((image) => !isRight(image));
  return {
    ...{ images: labels.length, seen: order.length, unchanged: false },
    lost: seenRight.filter((image) => after[image] !== labels[image]).length,
    gained: seenWrong.filter((image) => after[image] === labels[image]).length,
    missingRight: right - seenRight.length,
    missingWrong: labels.length - right - seenWrong.length,
  };
}

test("exactLive() shows a line and a table, stops at an interrupt with what is settled, and goes on when run again", async () => {
  const network = await settledNetwork("resnet8-w4");
  const dataset = await answeredDataset(network, 400);
  const options = { operator: weaker(0.9), name: "weaker", results: path.join(FOLDER, "live"), clock: slowClock() };
  let tables = 0;
  kernel = pretendKernel((text) => text.includes("images seen") && ++tables === 1);
  const first = await exactLive(network, dataset, options);
  assert.ok(first.verdicts.some(({ verdict }) => verdict === undefined));
  assert.ok(textsOf(kernel.messages).some((text) => /^■ .* stopped, .* open; run again, it goes on$/.test(text)));
  kernel.end();
  kernel = pretendKernel();
  const second = await exactLive(network, dataset, options);
  assert.deepEqual(second, await exactVerdicts(network, dataset, { operator: weaker(0.9), operatorName: "weaker" }));
  const texts = textsOf(kernel.messages);
  assert.ok(
    texts.some((text) => /^✓ resnet8-w4, verdicts: .* every verdict is settled$/.test(text)),
    texts.join("\n"),
  );
  assert.match(
    texts.at(-1)!,
    /^resnet8-w4, one layer changed by weaker, verdicts as with 400 images, from \d+ a layer\n/,
  );
});
