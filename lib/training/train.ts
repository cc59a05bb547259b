// Training: the loop over epochs and steps, and the history that it leaves.
import { stepsPerEpoch, trainingBatches } from "../data/batches";
import { checkFit, type Dataset } from "../data/dataset";
import type { StepResult, TrainingState } from "../engine/step";
import { turn } from "../engine/turn";
import { atRest, openTrainer, type Trainer } from "../engine/trainer";
import { checkParameters } from "../networks/complete";
import { type Network, type Parameters } from "../networks/network";
import { normalizationOf } from "../networks/normalization";
import { type Spec, specName } from "../networks/spec";
import { randomStream } from "../statistics/random";
import { startParameters } from "./start";
import { evaluate } from "./evaluate";
import type { Epoch } from "./history";
import { checkConfig, learningRate, type TrainConfig } from "./recipe";

/** A training between two epochs: what is needed to go on exactly as if it had not stopped. */
export interface Progress extends TrainingState {
  readonly history: readonly Epoch[];
}

/** A step as it is reported; `step` and `steps` count over all epochs, from 1. */
export interface StepReport extends StepResult {
  readonly step: number;
  readonly steps: number;
  readonly epoch: number;
  readonly rate: number;
}

/** Reports of a training, and the ways to influence it. */
export interface TrainOptions {
  /** Evaluated after each epoch. */
  readonly test?: Dataset;
  /** Evaluated after each epoch: training images kept apart, for choices that must not be made on the test images. */
  readonly heldOut?: Dataset;
  /** Goes on from here instead of from the initial parameters. */
  readonly resume?: Progress;
  /** Called after every step. */
  readonly onStep?: (report: StepReport) => void;
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

/**
 * Trains a network from random parameters, its pixels normalized by `normalizationOf` the dataset; the same seed on the same machine gives the same losses to the last digit in float32.
 * @throws RangeError when the configuration makes no sense, the dataset is smaller than a batch, the parts of a dataset do not agree,
 * or one has another number of classes than the spec
 * @throws Error when the loss explodes or parameters are no longer finite, when the native engine is missing, or when the signal is
 * aborted; `onEpoch` has seen only states that were good
 */
export async function train(
  spec: Spec,
  dataset: Dataset,
  config: TrainConfig,
  options: TrainOptions = {},
): Promise<Trained> {
  checkFits(spec, [dataset, options.test, options.heldOut]);
  checkConfig(config, dataset.count);
  const normalization = normalizationOf(dataset);
  const start = startParameters(spec, config.seed);
  const networkOf = (parameters: Parameters): Network => ({ name: specName(spec), spec, normalization, parameters });
  let progress: Progress = options.resume ?? { ...atRest(start), history: [] };
  const trainer = await openTrainer(spec, normalization, config);
  try {
    trainer.write(progress);
    while (progress.history.length < config.epochs) {
      const measured = await trainEpoch(trainer, dataset, config, { epoch: progress.history.length + 1, options });
      const state = trainer.read();
      checkState(networkOf(state.parameters), measured.epoch);
      const watched = await watchedResults(networkOf(state.parameters), options);
      progress = { ...state, history: [...progress.history, { ...measured, ...watched }] };
      await options.onEpoch?.(progress.history[progress.history.length - 1], progress);
    }
  } finally {
    trainer.dispose();
  }
  return { network: networkOf(progress.parameters), start, history: progress.history };
}

/** Checks the images of a training before any time is spent on them: which are given, and that each fits the spec. */
export function checkFits(spec: Spec, datasets: readonly (Dataset | undefined)[]): void {
  for (const dataset of datasets) if (dataset) checkFit({ name: specName(spec), spec }, dataset);
}

async function trainEpoch(
  trainer: Trainer,
  dataset: Dataset,
  config: TrainConfig,
  { epoch, options }: { epoch: number; options: TrainOptions },
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
    await turn(options.signal); // before the step: an epoch whose last step is done is kept
    rate = learningRate(config, ++step / steps);
    const result = trainer.step(images, labels, rate);
    checkLoss(result, step, epoch);
    loss += result.loss / perEpoch;
    accuracy += result.accuracy / perEpoch;
    options.onStep?.({ ...result, step, steps, epoch, rate });
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

async function watchedResults(
  network: Network,
  { test, heldOut, signal }: TrainOptions,
): Promise<Pick<Epoch, "testLoss" | "testAccuracy" | "heldOutLoss" | "heldOutAccuracy">> {
  const onTest = test && (await evaluate(network, test, { signal }));
  const onHeldOut = heldOut && (await evaluate(network, heldOut, { signal }));
  return {
    ...(onTest && { testLoss: onTest.loss, testAccuracy: onTest.accuracy }),
    ...(onHeldOut && { heldOutLoss: onHeldOut.loss, heldOutAccuracy: onHeldOut.accuracy }),
  };
}

/** In nats, where guessing among ten classes costs 2.3 and among 256 costs 5.5: far above whatever a network that still learns has. */
const LARGEST_LOSS = 1000;

function checkLoss({ loss }: StepResult, step: number, epoch: number): void {
  if (loss < LARGEST_LOSS) return;
  throw new Error(
    `Cannot go on training after step ${step} (epoch ${epoch}): the loss is ${loss}; a lower rate may help`,
  );
}

/** A loss is measured before its update: the last update of an epoch may have spoiled what it looked at. */
function checkState(network: Network, epoch: number): void {
  try {
    checkParameters(network);
  } catch (error) {
    throw new Error(`Cannot go on training after epoch ${epoch}: ${(error as Error).message}; a lower rate may help`, {
      cause: error,
    });
  }
}
