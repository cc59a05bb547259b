// npm run train: trains one network and leaves a run folder; a killed training goes on from its last epoch.
import { firstImages, holdOut } from "../data/cifar";
import type { Dataset } from "../data/dataset";
import { specOf } from "../networks/spec";
import type { Run } from "../runs/run-file";
import { type TrainingData, trainRun } from "../runs/train-run";
import { percent } from "../text/format";
import type { Epoch } from "../training/history";
import { PRESETS, type TrainConfig } from "../training/recipe";
import { type Command, type Given, positiveNumber, progressBar, runCommand, UsageError, wholeNumber } from "./command";
import { DATASET_OPTIONS, type DatasetNames, layoutNamed, loadAsked } from "./datasets";
import { precisionNamed } from "./precision";

type Names =
  | "network"
  | "preset"
  | "seed"
  | "out"
  | "epochs"
  | "precision"
  | "batch"
  | "rate"
  | "weight-decay"
  | "images"
  | "held-out"
  | "half"
  | DatasetNames
  | "fresh";

const COMMAND: Command<Names> = {
  name: "train",
  summary:
    "Trains a network on CIFAR-10 or CIFAR-100 and writes its weights, history and provenance into a run folder.",
  options: {
    network: {
      value: "NAME",
      help: "resnet20, plain20, resnet20-B (1x1 shortcuts), resnet20-w32 (width 32), vgg16, imagenet-resnet18, ...",
      preset: "resnet20",
    },
    preset: { value: "NAME", help: "recipe: quick (10 epochs), fast (30), he (He et al. 2015: 164)", preset: "fast" },
    seed: { value: "N", help: "decides initial weights, order and augmentation", preset: "1" },
    out: {
      value: "DIR",
      help: "run folder (data/runs/NETWORK-seedN, with the name of another data set than CIFAR-10)",
    },
    epochs: { value: "N", help: "passes over the training images (the preset's)" },
    precision: { value: "TYPE", help: "float32 or bfloat16 (the preset's: float32)" },
    batch: { value: "N", help: "images per step (the preset's)" },
    rate: { value: "X", help: "highest learning rate (the preset's)" },
    "weight-decay": { value: "X", help: "L2 (the preset's)" },
    images: { value: "N", help: "train on the first N images only (all that are not held out)" },
    "held-out": {
      value: "N",
      help: "keep N training images apart and watch them; the test set is used once, at the end",
    },
    half: { help: "save kernels as float16: files of half the size, and the accuracy of those" },
    ...DATASET_OPTIONS,
    fresh: { help: "start again, whatever checkpoint or run is in the folder" },
  },
};

/** The preset, with what was given beside it in place of its own values. */
async function configOf(given: Given<Names>): Promise<TrainConfig> {
  const preset = PRESETS[given.preset as keyof typeof PRESETS];
  if (!Object.hasOwn(PRESETS, given.preset!)) {
    throw new UsageError(`Cannot find the preset "${given.preset}": expected ${Object.keys(PRESETS).join(", ")}`);
  }
  const own = <T>(name: Names, read: (name: string, text: string) => T, otherwise: T) =>
    given[name] === undefined ? otherwise : read(name, given[name]!);
  return {
    ...preset,
    seed: wholeNumber("seed", given.seed!, 0),
    epochs: own("epochs", wholeNumber, preset.epochs),
    precision: await precisionNamed(given.precision ?? preset.precision),
    batch: own("batch", wholeNumber, preset.batch),
    rate: own("rate", positiveNumber, preset.rate),
    weightDecay: own("weight-decay", positiveNumber, preset.weightDecay),
  };
}

/** Held-out images are taken from the whole training set, so that they are the same ones whatever --images says. */
async function loadData(given: Given<Names>): Promise<TrainingData> {
  const all = await loadAsked(given, "train");
  const test = await loadAsked(given, "test");
  const firstOf = (dataset: Dataset) =>
    given.images === undefined ? dataset : firstImages(dataset, wholeNumber("images", given.images));
  if (given["held-out"] === undefined) return { training: firstOf(all), test };
  const { training, heldOut } = holdOut(all, wholeNumber("held-out", given["held-out"]));
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

async function trainCommand(given: Given<Names>, signal: AbortSignal): Promise<void> {
  const { name, classes } = layoutNamed(given.dataset!);
  const spec = specOf(given.network!, classes.length);
  const config = await configOf(given);
  const other = name === "cifar10" ? "" : `-${name}`;
  const dir = given.out ?? `data/runs/${given.network}${other}-seed${config.seed}`;
  const data = await loadData(given);
  const bar = progressBar(given.network!, "steps");
  let began = false;
  const run = await trainRun(dir, spec, data, config, {
    keep: true,
    fresh: given.fresh !== undefined,
    half: given.half !== undefined,
    signal,
    onBegin: ({ length }) => {
      began = true;
      if (length) console.log(`Going on after epoch ${length} from the checkpoint in ${dir}`);
    },
    onStep: ({ step, steps, loss }) => bar.update(step, steps, `loss ${loss.toFixed(3)}`),
    onEpoch: (history) => console.error(`\n${describe(history[history.length - 1])}`),
  }).finally(() => bar.stop());
  console.log(conclude(dir, run) + (began ? "" : "; it was there already, and --fresh trains it again"));
}

void runCommand(COMMAND, trainCommand);
