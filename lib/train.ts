// Training: the recipe as plain values, the loop over epochs, and the history that it leaves.
import { setImmediate } from "node:timers/promises";
import { type Augmentation, stepsPerEpoch, trainingBatches } from "./batches";
import type { Dataset } from "./cifar";
import { evaluate } from "./evaluate";
import {
  CIFAR10_NORMALIZATION,
  initialParameters,
  type Network,
  type Normalization,
  type Parameters,
  type Spec,
  specName,
} from "./network";
import { randomStream } from "./random";
import { atRest, openTrainer, type StepOptions, type StepResult, type Trainer, type TrainingState } from "./trainer";

/** Everything that decides how a network is trained, apart from its spec and the data. */
export interface TrainConfig extends StepOptions, Augmentation {
  readonly seed: number;
  readonly epochs: number;
  /** The highest learning rate: reached after the warm-up, from and to zero in straight lines (one cycle). */
  readonly rate: number;
  /** The share of all steps in which the rate rises. */
  readonly warmup: number;
}

/** Thirty epochs: 90.83 % for ResNet-20 with seed 1. Values usual in the field, taken once and never tuned on the test set. */
export const FAST: TrainConfig = {
  seed: 1,
  epochs: 30,
  batch: 128,
  rate: 0.2,
  warmup: 0.2,
  momentum: 0.9,
  weightDecay: 5e-4,
  precision: "float32",
  shift: 4,
  flip: true,
};

/** What is known after an epoch. */
export interface Epoch {
  /** 1 for the first. */
  readonly epoch: number;
  /** The learning rate of its last step. */
  readonly rate: number;
  /** Means over the epoch's batches, each measured before its update, on augmented images. */
  readonly trainLoss: number;
  readonly trainAccuracy: number;
  /** On the test images, where they were given. They are watched, never used for a choice. */
  readonly testLoss?: number;
  readonly testAccuracy?: number;
  /** Time for the steps, the evaluation left out. */
  readonly seconds: number;
  readonly imagesPerSecond: number;
}

/** A training between two epochs: what is needed to go on exactly as if it had not stopped. */
export interface Progress extends TrainingState {
  readonly history: readonly Epoch[];
}

/** Reports of a training, and the ways to influence it. */
export interface TrainOptions {
  readonly normalization?: Normalization;
  /** Evaluated after each epoch. */
  readonly test?: Dataset;
  /** Goes on from here instead of from the initial parameters. */
  readonly resume?: Progress;
  /** Called after every step; `step` and `steps` count over all epochs. */
  readonly onStep?: (
    report: StepResult & { readonly step: number; readonly steps: number; readonly epoch: number },
  ) => void;
  /** Called and waited for after every epoch; `progress` can be saved and resumed from. */
  readonly onEpoch?: (epoch: Epoch, progress: Progress) => void | Promise<void>;
  /** Stops between two steps. */
  readonly signal?: AbortSignal;
  /** Seconds since some moment; the tests pass their own. */
  readonly clock?: () => number;
}

/** A finished training. */
export interface Trained {
  readonly network: Network;
  /** The parameters before the first step, for experiments that go back to them. */
  readonly start: Parameters;
  readonly history: readonly Epoch[];
}

/** The learning rate at a share of all steps in [0, 1]: a straight line up to `rate`, and one down to zero (Smith's one cycle). */
export function learningRate({ rate, warmup }: Pick<TrainConfig, "rate" | "warmup">, share: number): number {
  return share < warmup ? (rate * share) / warmup : (rate * (1 - share)) / (1 - warmup);
}

/**
 * Trains a network from random parameters; the same seed on the same machine gives the same losses to the last digit in float32.
 * @throws RangeError when the configuration makes no sense, or the dataset is smaller than a batch
 * @throws Error when the loss is no longer finite, when the native engine is missing, or when the signal is aborted
 */
export async function train(
  spec: Spec,
  dataset: Dataset,
  config: TrainConfig,
  options: TrainOptions = {},
): Promise<Trained> {
  checkConfig(config, dataset);
  const normalization = options.normalization ?? CIFAR10_NORMALIZATION;
  const start = initialParameters(spec, randomStream(config.seed, "initialize"));
  const networkOf = (parameters: Parameters): Network => ({ name: specName(spec), spec, normalization, parameters });
  let progress: Progress = options.resume ?? { ...atRest(start), history: [] };
  const trainer = await openTrainer(spec, normalization, config);
  try {
    trainer.write(progress);
    while (progress.history.length < config.epochs) {
      const measured = await trainEpoch(trainer, dataset, config, { epoch: progress.history.length + 1, options });
      const state = trainer.read();
      const tested = options.test ? await testResults(networkOf(state.parameters), options.test, options.signal) : {};
      progress = { ...state, history: [...progress.history, { ...measured, ...tested }] };
      await options.onEpoch?.(progress.history[progress.history.length - 1], progress);
    }
  } finally {
    trainer.dispose();
  }
  return { network: networkOf(progress.parameters), start, history: progress.history };
}

async function trainEpoch(
  trainer: Trainer,
  dataset: Dataset,
  config: TrainConfig,
  { epoch, options }: { readonly epoch: number; readonly options: TrainOptions },
): Promise<Epoch> {
  const clock = options.clock ?? (() => performance.now() / 1000);
  const perEpoch = stepsPerEpoch(dataset, config.batch);
  const steps = perEpoch * config.epochs;
  const began = clock();
  let step = perEpoch * (epoch - 1);
  let [rate, loss, accuracy] = [0, 0, 0];
  for (const { images, labels } of trainingBatches(
    dataset,
    config.batch,
    randomStream(config.seed, `epoch ${epoch}`),
    config,
  )) {
    options.signal?.throwIfAborted();
    rate = learningRate(config, ++step / steps);
    const result = trainer.step(images, labels, rate);
    checkLoss(result, step, epoch);
    loss += result.loss / perEpoch;
    accuracy += result.accuracy / perEpoch;
    options.onStep?.({ ...result, step, steps, epoch });
    // A step is one blocking native call: give interrupts and displays their turn.
    await setImmediate();
  }
  const seconds = clock() - began;
  return {
    epoch,
    rate,
    trainLoss: loss,
    trainAccuracy: accuracy,
    seconds,
    imagesPerSecond: (perEpoch * config.batch) / seconds,
  };
}

async function testResults(
  network: Network,
  test: Dataset,
  signal?: AbortSignal,
): Promise<Pick<Epoch, "testLoss" | "testAccuracy">> {
  const { loss, accuracy } = await evaluate(network, test, { signal });
  return { testLoss: loss, testAccuracy: accuracy };
}

function checkLoss({ loss }: StepResult, step: number, epoch: number): void {
  if (Number.isFinite(loss)) return;
  throw new Error(
    `Cannot go on training after step ${step} (epoch ${epoch}): the loss is ${loss}; a lower rate may help`,
  );
}

const POSITIVE_INTEGERS = ["epochs", "batch"] as const;

function checkConfig(config: TrainConfig, dataset: Dataset): void {
  for (const key of POSITIVE_INTEGERS) {
    if (Number.isInteger(config[key]) && config[key] > 0) continue;
    throw new RangeError(`Cannot train with ${key} = ${config[key]}: expected a positive integer`);
  }
  if (!(config.warmup >= 0 && config.warmup < 1)) {
    throw new RangeError(`Cannot train with warmup = ${config.warmup}: expected a share from 0 to below 1`);
  }
  if (dataset.count < config.batch) {
    throw new RangeError(`Cannot train on ${dataset.count} images: expected at least one batch of ${config.batch}`);
  }
}
