// npm run train: trains one network and leaves a run folder; a killed training goes on from its last epoch.
import { basename, dirname } from "node:path";
import { asked, defineCommand, type GivenTo, oneOf, positiveNumber, runCommand, wholeNumber, print } from "./command";
import { progressBar } from "./progress";
import { readPrecision, warnOfSlow } from "./precision";
import { firstImages, holdOut } from "../data/cifar";
import type { Dataset } from "../data/dataset";
import { DATASET_OPTIONS, loadAsked } from "./datasets";
import { grouped, percent } from "../text/format";
import { specName, specOf } from "../networks/spec";
import type { Run } from "../runs/run-file";
import type { Epoch } from "../training/history";
import { PRESETS, type TrainConfig } from "../training/recipe";
import type { TrainingData } from "../runs/train-run";

type Given = GivenTo<typeof COMMAND>;

const COMMAND = defineCommand({
  name: "train",
  summary:
    "Trains a network on CIFAR-10 or CIFAR-100 and writes its weights, history and provenance into a run folder.",
  options: {
    network: {
      value: "NAME",
      help: "resnet20, plain20, resnet20-B (1x1 shortcuts), resnet20-w32 (width 32), preresnet20, wrn16-4, vgg16, imagenet-resnet18, ...",
      preset: "resnet20",
    },
    preset: {
      value: "NAME",
      help: "recipe: quick (10 epochs), fast (30), he (He et al. 2015: 164)",
      preset: "fast",
      read: oneOf<TrainConfig>(PRESETS, "Cannot find the preset"),
    },
    seed: { value: "N", help: "decides initial weights, order and augmentation", preset: "1", read: wholeNumber(0) },
    out: {
      value: "DIR",
      help: "run folder (data/local/NETWORK-seedN, with the name of another data set than CIFAR-10)",
      isPath: true,
    },
    epochs: { value: "N", help: "passes over the training images (the preset's)", read: wholeNumber(1, 100_000) },
    precision: { value: "TYPE", help: "float32 or bfloat16 (the preset's: float32)", read: readPrecision },
    batch: { value: "N", help: "images per step (the preset's)", read: wholeNumber() },
    rate: { value: "X", help: "highest learning rate (the preset's)", read: positiveNumber },
    "weight-decay": { value: "X", help: "L2 (the preset's)", read: positiveNumber },
    images: {
      value: "N",
      help: "train on the first N images only (all that are not held out)",
      read: wholeNumber(),
    },
    "held-out": {
      value: "N",
      help: "keep N training images apart and watch them; the test set is used once, at the end",
      read: wholeNumber(),
    },
    half: { help: "save kernels as float16: files of half the size, and the accuracy of those" },
    ...DATASET_OPTIONS,
    json: {
      value: "FILE",
      help: "write what came out to this file: accuracy, recipe, and the digest of the weights",
      isPath: true,
    },
    fresh: { help: "start again, whatever checkpoint or run is in the folder" },
  },
});

/** The preset, with what was given beside it in place of its own values. */
function configOf(given: Given): TrainConfig {
  const { preset, seed } = given;
  return {
    ...{ ...preset, seed },
    epochs: given.epochs ?? preset.epochs,
    precision: given.precision ?? preset.precision,
    batch: given.batch ?? preset.batch,
    rate: given.rate ?? preset.rate,
    weightDecay: given["weight-decay"] ?? preset.weightDecay,
  };
}

/** Held-out images are taken from the whole training set, so that they are the same ones whatever --images says. */
async function loadData(given: Given): Promise<TrainingData> {
  const all = await loadAsked(given, "train");
  const test = await loadAsked(given, "test");
  const { images, "held-out": apart } = given;
  const firstOf = (dataset: Dataset) => (images === undefined ? dataset : asked(() => firstImages(dataset, images)));
  if (apart === undefined) return { training: firstOf(all), test };
  const { training, heldOut } = asked(() => holdOut(all, apart));
  return { training: firstOf(training), heldOut, test };
}

function describe(epoch: Epoch): string {
  const { trainLoss, trainAccuracy, testAccuracy, heldOutAccuracy, imagesPerSecond } = epoch;
  const watched =
    heldOutAccuracy === undefined ? `test ${percent(testAccuracy!)}` : `held-out ${percent(heldOutAccuracy)}`;
  return `epoch ${epoch.epoch}: loss ${trainLoss.toFixed(4)}, training ${percent(trainAccuracy)} %, ${watched} %, ${imagesPerSecond.toFixed(0)} images/s`;
}

function conclude(dir: string, { accuracy, testImages, config, provenance }: Run): string {
  const { epochs } = config;
  const minutes = (Number(provenance.trainingSeconds) / 60).toFixed(1);
  return `${dir}: ${percent(accuracy)} % of ${testImages} test images right after ${epochs} epochs, ${minutes} min of training`;
}

/** Nothing in it but what equal trainings share: no time, no place. */
async function writeOutcome(file: string, dir: string, { network, seed, data, config, accuracy, testImages }: Run) {
  const { weightsDigest } = await import("../runs/run-folder");
  const { writeTogether } = await import("../files/disk");
  const name = specName(network.spec);
  const outcome = { network: name, seed, data, config, accuracy, testImages, weights: weightsDigest(dir) };
  const bytes = new TextEncoder().encode(`${JSON.stringify(outcome, null, 1)}\n`);
  await writeTogether(dirname(file), new Map([[basename(file), bytes]]));
}

async function trainCommand(given: Given, signal: AbortSignal): Promise<void> {
  const { network, fresh, half } = given;
  const { name, classes } = given.dataset;
  const spec = specOf(network, classes.length);
  const config = configOf(given);
  await warnOfSlow(config.precision);
  const other = name === "cifar10" ? "" : `-${name}`;
  const dir = given.out ?? `data/local/${network}${other}-seed${config.seed}`; // data/runs holds what is committed
  const data = await loadData(given);
  const bar = progressBar(network, "steps");
  const planned = `${config.epochs} epochs of ${network} on ${grouped(data.training.count)} images of ${name}, into ${dir}`;
  let began = false;
  const { trainRun } = await import("../runs/train-run");
  const run = await trainRun(dir, spec, data, config, {
    ...{ keep: true, fresh, half, signal },
    onBegin: ({ length }) => {
      began = true;
      print(length ? `Going on after epoch ${length} from the checkpoint in ${dir}` : planned);
    },
    onStep: ({ step, steps, loss }) => bar.update(step, steps, `loss ${loss.toFixed(3)}`),
    onEpoch: (history) => bar.say(describe(history[history.length - 1])),
  }).finally(() => bar.finish());
  if (given.json) await writeOutcome(given.json, dir, run);
  print(conclude(dir, run) + (began ? "" : "; it was there already: --out names another folder"));
}

void runCommand(COMMAND, trainCommand);
