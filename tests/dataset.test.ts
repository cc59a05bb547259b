// Datasets that do not agree with themselves, or not with the network, are refused with the numbers wherever one enters.
import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, test } from "node:test";
import { zero } from "../lib/ablations/ablate";
import { mean } from "../lib/ablations/operators";
import { channelStatistics, firstImages, holdOut, imagesBetween } from "../lib/data/cifar";
import { checkDataset, checkFit, type Dataset, type LoadedDataset } from "../lib/data/dataset";
import { classHistogram, imageGrid } from "../lib/figures/images";
import { greedyOrder } from "../lib/sweeps/greedy";
import { take, where } from "../lib/data/select";
import { sweepLive } from "../lib/notebook/sweep-live";
import { trainLive } from "../lib/notebook/train-live";
import {
  CIFAR100_NORMALIZATION,
  CIFAR10_NORMALIZATION,
  initialParameters,
  type Network,
} from "../lib/networks/network";
import { normalizationOf } from "../lib/networks/normalization";
import { specOf } from "../lib/networks/spec";
import { checkAboveChance } from "../lib/results/baseline";
import type { Sweep } from "../lib/results/matrix";
import { rowsOf } from "../lib/results/rows";
import { verdictsOf } from "../lib/results/verdict";
import { trainRun } from "../lib/runs/train-run";
import { randomStream } from "../lib/statistics/random";
import { sweepEach } from "../lib/sweeps/each";
import { sweep, sweepSteps } from "../lib/sweeps/sweep";
import { evaluate } from "../lib/training/evaluate";
import { FAST, type TrainConfig } from "../lib/training/recipe";
import { train } from "../lib/training/train";
import { countedRow } from "./figures";
import { smallDataset, smallNetwork } from "./small";

const FOLDER = mkdtempSync(path.join(tmpdir(), "nontrivial-dataset-"));
after(() => rmSync(FOLDER, { recursive: true, force: true }));

const good = smallDataset(40);
const training: LoadedDataset = { ...good, split: "train" };
const config: TrainConfig = { ...FAST, epochs: 1, batch: 20 };

/** A network with that many outputs. */
function networkWith(classes: number): Network {
  const spec = specOf("resnet8-w4", classes);
  return { ...smallNetwork(), spec, parameters: initialParameters(spec, randomStream(1, "outputs")) };
}

/** What is wrong with a dataset, with the words that say so. */
const WRONG: readonly [string, Partial<Record<keyof Dataset, unknown>>, RegExp][] = [
  ["a count that is too high", { count: 100 }, /"cifar10": expected 100 labels, as many as its count, but found 40/],
  ["a count that is too low", { count: 4 }, /expected 4 labels, as many as its count, but found 40/],
  ["no image", { count: 0 }, /expected at least one image but found 0/],
  ["half an image", { count: 0.5 }, /expected at least one image but found 0\.5/],
  ["too few labels", { labels: good.labels.subarray(0, 7) }, /expected 40 labels, .* but found 7/],
  [
    "too few images",
    { images: good.images.subarray(0, 3072) },
    /expected 122880 numbers in its images \[40, 32, 32, 3\] but found 3072/,
  ],
  [
    "a label of an eleventh class",
    { labels: good.labels.map((label, image) => (image === 3 ? 10 : label)) },
    /expected labels below 10, the number of classes, but found 10 at image 3/,
  ],
  ["no class", { classes: [] }, /expected 1 to 65536 classes but found 0/],
  [
    "more classes than two bytes can tell apart",
    { classes: Array.from({ length: 65_537 }, String) },
    /expected 1 to 65536 classes but found 65537/,
  ],
  [
    "labels of 64 bits",
    { labels: BigInt64Array.from([...good.labels].map(BigInt)) },
    /expected labels as a Uint8Array but found BigInt64Array/,
  ],
  ["labels in a plain array", { labels: [...good.labels] }, /expected labels as a Uint8Array but found Array/],
  [
    "images as fractions",
    { images: Float32Array.from(good.images, (byte) => byte / 255) },
    /expected images as a Uint8Array but found Float32Array/,
  ],
];

for (const [what, part, message] of WRONG) {
  test(`checkDataset() refuses ${what}`, () => {
    assert.throws(() => checkDataset({ ...good, ...part } as Dataset), message);
  });
}

test("checkDataset() takes a dataset of any name, size and classes", () => {
  checkDataset(good);
  checkDataset({ ...smallDataset(1), name: "flowers", classes: ["rose"], labels: Uint8Array.of(0) });
  checkDataset({ ...good, classes: Array.from({ length: 256 }, String) });
});

const broken: Dataset = { ...training, count: 100 };
const ENTRIES: Readonly<Record<string, (dataset: Dataset, network: Network) => unknown>> = {
  evaluate: (dataset, network) => evaluate(network, dataset),
  sweep: (dataset, network) => sweep(network, dataset),
  sweepSteps: (dataset, network) => sweepSteps(network, dataset).next(),
  sweepEach: (dataset, network) => sweepEach(network, dataset, { zero }),
  sweepLive: (dataset, network) => sweepLive(network, dataset, { results: path.join(FOLDER, "live") }),
  greedyOrder: (dataset, network) => greedyOrder(network, dataset),
  "train on": (dataset, { spec }) => train(spec, dataset, config),
  "train, watching": (dataset, { spec }) => train(spec, fitting(spec.classes), config, { test: dataset }),
  "train, holding out": (dataset, { spec }) => train(spec, fitting(spec.classes), config, { heldOut: dataset }),
  "trainRun, tested at the end": (dataset, { spec }) => {
    const [images, dir] = [fitting(spec.classes), path.join(FOLDER, "run")];
    return trainRun(dir, spec, { training: images, heldOut: images, test: dataset }, config);
  },
  trainLive: (dataset, { spec }) => trainLive(spec, dataset, config, { test: dataset, dir: path.join(FOLDER, "live") }),
};

/** The same images with so many classes. */
const fitting = (classes: number): Dataset => ({
  ...training,
  classes: Array.from({ length: classes }, String),
  labels: training.labels.map((label) => label % classes),
});

for (const [name, entry] of Object.entries(ENTRIES)) {
  test(`${name}: refuses images and labels that do not agree, and a network with too many or too few outputs`, async () => {
    await assert.rejects(async () => entry(broken, networkWith(10)), /expected 100 labels, .* but found 40/);
    await assert.rejects(
      async () => entry({ ...training, name: "ten" }, networkWith(100)),
      /Cannot use the network "resnet8-w4" on the dataset "ten": it has 100 outputs, but the dataset has 10 classes/,
    );
    await assert.rejects(
      async () => entry({ ...fitting(100), name: "hundred" }, networkWith(10)),
      /"hundred": it has 10 outputs, but the dataset has 100 classes/,
    );
    assert.deepEqual(readdirSync(FOLDER), [], "nothing is written before");
  });
}

test("imagesBetween() gives the images of a stretch with their labels, and refuses stretches that are not there", () => {
  const part = imagesBetween(good, 10, 13);
  assert.deepEqual([part.count, [...part.labels]], [3, [...good.labels.subarray(10, 13)]]);
  assert.deepEqual(part.images, good.images.subarray(10 * 3072, 13 * 3072));
  for (const [start, end] of [
    [0, 41],
    [-1, 3],
    [3, 3],
    [0.5, 3],
  ])
    assert.throws(() => imagesBetween(good, start, end), /expected whole numbers from 0 to 40/);
});

test("whatever reads a dataset without a network refuses one that does not agree with itself", async () => {
  const readers = [
    () => firstImages(broken, 50),
    () => take(broken, [0]),
    () => where(broken, () => true),
    () => holdOut(broken, 10),
    () => channelStatistics(broken),
    () => classHistogram(broken),
    () => imageGrid(broken, [0]),
  ];
  for (const read of readers) assert.throws(read, /expected 100 labels, .* but found 40/);
  await assert.rejects(sweep(smallNetwork(), good, { operator: mean, reference: broken }), /expected 100 labels/);
});

test("checkFit() takes a network with as many outputs as there are classes", () => {
  checkFit(networkWith(10), good);
  checkFit(networkWith(3), fitting(3));
});

test("evaluate() and sweep() count among three classes, and rows and synergies take chance from there", async () => {
  const network = networkWith(3);
  const { predictions, correct } = await evaluate(network, fitting(3));
  const swept = await sweep(network, fitting(3));
  assert.deepEqual([swept.classes, swept.baseline], [3, predictions]);
  assert.ok(predictions.every((predicted) => predicted < 3));
  assert.deepEqual(
    [...new Set(rowsOf(swept).map(({ chance, baseline }) => [chance, baseline].join()))],
    [[1 / 3, correct / 40].join()],
  );
  assert.throws(() => rowsOf({ ...swept, classes: undefined } as unknown as Sweep), /expected 1 classes or more/);
});

test("verdictsOf() calls no layer trivial where the intact network is no better than guessing, and says so", () => {
  const nothingRight = countedRow("stem.conv", 0, 0, { before: 0 });
  assert.throws(
    () => verdictsOf([nothingRight]),
    /Cannot call "stem\.conv" trivial: the intact network has 0 of 10,000 images right, no more than guessing would have \(10\.00 %\)/,
  );
  const constant = countedRow("stem.conv", 0, 0, { before: 1000 });
  assert.throws(() => verdictsOf([constant]), /has 1,000 of 10,000 images right/);
  assert.equal(verdictsOf([countedRow("stem.conv", 0, 0, { before: 1001 })])[0].verdict, "trivial");
  assert.equal(verdictsOf([{ ...constant, chance: 0.01 }])[0].verdict, "trivial", "ten times as good as guessing");
  const few = countedRow("stem.conv", 0, 0, { before: 0, images: 50 });
  assert.equal(verdictsOf([few])[0].verdict, "undecided", "early images of a good network may all be wrong");
  assert.equal(verdictsOf([countedRow("stem.conv", 900, 0, { before: 1100 })])[0].verdict, "non-trivial");
  checkAboveChance(countedRow("stem.conv", 0, 0));
});

test("normalizationOf() is the published one of CIFAR-10 and CIFAR-100, and the images' own for any other dataset", () => {
  assert.equal(normalizationOf(training), CIFAR10_NORMALIZATION);
  assert.equal(normalizationOf({ ...training, name: "cifar100" }), CIFAR100_NORMALIZATION);
  const own = { ...training, name: "own" };
  assert.deepEqual(normalizationOf(own), channelStatistics(own));
  const flat = { ...own, images: training.images.map((byte, at) => (at % 3 === 1 ? 7 : byte)) };
  assert.throws(() => normalizationOf(flat), /"own": expected channels that vary but green is the same everywhere/);
});

test("train() normalizes by the statistics of the images that it trains on, and the network carries them", async () => {
  const own = { ...fitting(3), name: "own" };
  const { network } = await train(specOf("resnet8-w4", 3), own, config);
  assert.deepEqual(network.normalization, channelStatistics(own));
  assert.deepEqual((await train(specOf("resnet8-w4"), training, config)).network.normalization, CIFAR10_NORMALIZATION);
});
