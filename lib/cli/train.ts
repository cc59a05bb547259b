// npm run train: trains one network and leaves a run folder; a killed training goes on from its last epoch.
import { basename } from "node:path";
import { type Command, type Given, positiveNumber, progressBar, runCommand, UsageError, wholeNumber } from "./command";
import { startEngine } from "../backend";
import { saveRun } from "../checkpoint";
import { firstImages, loadCifar } from "../cifar";
import { percent } from "../format";
import { specOf } from "../network";
import { provenanceOf } from "../provenance";
import { loadProgress, removeProgress, saveProgress } from "./resume";
import { type Epoch, FAST, train, type TrainConfig } from "../train";

type Names =
  "network" | "epochs" | "seed" | "out" | "precision" | "batch" | "rate" | "weight-decay" | "images" | "data" | "fresh";

const COMMAND: Command<Names> = {
  name: "train",
  summary: "Trains a network on CIFAR-10 and writes its weights, history and provenance into a run folder.",
  options: {
    network: {
      value: "NAME",
      help: "resnet20, plain20, resnet56, resnet20-B (1x1 shortcuts), resnet20-w32 (width 32), ...",
      preset: "resnet20",
    },
    epochs: { value: "N", help: "passes over the training images", preset: String(FAST.epochs) },
    seed: { value: "N", help: "decides initial weights, order and augmentation", preset: String(FAST.seed) },
    out: { value: "DIR", help: "run folder (data/runs/NETWORK-seedN)" },
    precision: { value: "TYPE", help: "float32 or bfloat16", preset: FAST.precision },
    batch: { value: "N", help: "images per step", preset: String(FAST.batch) },
    rate: { value: "X", help: "highest learning rate of the one-cycle schedule", preset: String(FAST.rate) },
    "weight-decay": { value: "X", help: "L2 on kernels", preset: String(FAST.weightDecay) },
    images: { value: "N", help: "train on the first N images only", preset: "50000" },
    data: { value: "DIR", help: "folder of CIFAR-10's binary files", preset: "data/cifar-10" },
    fresh: { help: "start again even if the folder has a checkpoint of this training" },
  },
};

function configOf(given: Given<Names>): TrainConfig {
  const { precision } = given;
  if (precision !== "float32" && precision !== "bfloat16") {
    throw new UsageError(`Cannot train in "${precision}": expected float32 or bfloat16`);
  }
  return {
    ...FAST,
    precision,
    seed: wholeNumber("seed", given.seed!, 0),
    epochs: wholeNumber("epochs", given.epochs!),
    batch: wholeNumber("batch", given.batch!),
    rate: positiveNumber("rate", given.rate!),
    weightDecay: positiveNumber("weight-decay", given["weight-decay"]!),
  };
}

function describe(epoch: Epoch): string {
  const { trainLoss, trainAccuracy, testAccuracy, imagesPerSecond } = epoch;
  return `epoch ${epoch.epoch}: loss ${trainLoss.toFixed(4)}, training ${percent(trainAccuracy)} %, test ${percent(testAccuracy ?? 0)} %, ${imagesPerSecond.toFixed(0)} images/s`;
}

async function trainCommand(given: Given<Names>, signal: AbortSignal): Promise<void> {
  const spec = specOf(given.network!);
  const config = configOf(given);
  const dir = given.out ?? `data/runs/${given.network}-seed${config.seed}`;
  const images = wholeNumber("images", given.images!);
  const dataset = firstImages(await loadCifar("cifar10", "train", { dir: given.data }), images);
  const test = await loadCifar("cifar10", "test", { dir: given.data });
  const purpose = { spec, config, data: `${dataset.sha256}, first ${dataset.count} images` };
  if (given.fresh) await removeProgress(dir);
  const resume = loadProgress(dir, purpose);
  if (resume) console.log(`Going on after epoch ${resume.history.length} from the checkpoint in ${dir}`);

  // Taken now: the files may change while it trains.
  const origin = provenanceOf(await startEngine());
  const began = performance.now();
  const bar = progressBar(given.network!, "steps");
  const { network, start, history } = await train(spec, dataset, config, {
    test,
    resume,
    signal,
    onStep: ({ step, steps, loss }) => bar.update(step, steps, `loss ${loss.toFixed(3)}`),
    onEpoch: async (epoch, progress) => {
      await saveProgress(dir, purpose, progress);
      console.error(`\n${describe(epoch)}`);
    },
  }).finally(() => bar.stop());

  const seconds = history.reduce((sum, epoch) => sum + epoch.seconds, 0);
  const provenance = { ...origin, trainingSeconds: Math.round(seconds), images: dataset.count };
  const accuracy = history[history.length - 1].testAccuracy!;
  const record = { seed: config.seed, data: dataset, accuracy, history, config, provenance };
  await saveRun(dir, { network: { ...network, name: basename(dir) }, start, ...record });
  await removeProgress(dir);
  const minutes = ((performance.now() - began) / 60_000).toFixed(1);
  const result = `${percent(accuracy)} % of ${test.count} test images right`;
  console.log(`${dir}: ${result} after ${config.epochs} epochs, ${minutes} min`);
}

void runCommand(COMMAND, trainCommand);
