// A whole training in a run folder: goes on from its checkpoint, saves one after every epoch, tests at the end, leaves the run.
import { sumOf } from "../statistics/summary";
import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import { withHalfKernels } from "../checkpoints/network-file";
import type { Dataset } from "../data/dataset";
import { startEngine } from "../engine/backend";
import { lockFolder } from "../files/folder-lock";
import { clearTemporaryFiles } from "../files/temporary";
import type { Parameters } from "../networks/network";
import type { Spec } from "../networks/spec";
import { evaluate } from "../training/evaluate";
import type { Epoch } from "../training/history";
import type { TrainConfig } from "../training/recipe";
import { checkFits, type Progress, train, type Trained, type TrainOptions } from "../training/train";
import { provenanceOf } from "./provenance";
import {
  checkSame,
  loadProgress,
  type Purpose,
  removeProgress,
  type SavedProgress,
  saveProgress,
  type Session,
} from "./resume";
import type { Run } from "./run-file";
import { loadRun, saveRun } from "./run-folder";

/** Beside the checkpoint while a training runs; git leaves both out. */
const LOCK = "checkpoint.lock";

/** The images of a training, each with one use. */
export interface TrainingData {
  readonly training: Dataset;
  /** Watched after each epoch, or evaluated once at the end where there are held-out images. */
  readonly test: Dataset;
  /** Training images kept apart by `holdOut`, watched after each epoch in place of the test images. */
  readonly heldOut?: Dataset;
}

/** How a training in a folder is reported and influenced. */
export interface TrainRunOptions extends Pick<TrainOptions, "onStep" | "signal"> {
  /** Forgets a checkpoint in the folder, and replaces whatever run is there. */
  readonly fresh?: boolean;
  /** Returns the finished run of this very training, if the folder holds one, instead of doing it again. */
  readonly keep?: boolean;
  /** Saves kernels in half precision; the accuracy is that of the rounded ones. */
  readonly half?: boolean;
  /** Called before the first step with what the checkpoint knew: empty when the training begins. */
  readonly onBegin?: (history: readonly Epoch[]) => void;
  /** Called after every epoch, when its checkpoint is on the disk. */
  readonly onEpoch?: (history: readonly Epoch[]) => void;
  /** The time of day; the tests pass their own. */
  readonly now?: () => Date;
}

/**
 * Trains a network in a run folder. A training that was interrupted, or killed, goes on after its last whole epoch and ends, in float32
 * and on the same machine, with the same bits as an uninterrupted one. One that has finished is done again,
 * unless `keep`.
 * @returns the run as it was saved; its accuracy is that of the saved weights on the test images
 * @throws RangeError when the parts of a dataset do not agree, or one has another number of classes than the spec
 * @throws Error when the folder cannot be written, or another process trains in it
 * @throws Error naming the field in which another training's checkpoint or run in the folder differs, unless `fresh`
 * @throws Error when the loss explodes, saying after which epoch the state that is kept was good
 */
export async function trainRun(
  dir: string,
  spec: Spec,
  data: TrainingData,
  config: TrainConfig,
  options: TrainRunOptions = {},
): Promise<Run> {
  // Held-out and test images too, which are looked at after hours.
  checkFits(spec, [data.training, data.heldOut, data.test]);
  const lock = lockFolder(dir, LOCK);
  try {
    clearTemporaryFiles(dir);
    return await trainAlone(dir, spec, data, config, options);
  } finally {
    lock.release();
  }
}

/** The same in a folder into which nobody else writes. */
async function trainAlone(
  dir: string,
  spec: Spec,
  data: TrainingData,
  config: TrainConfig,
  options: TrainRunOptions,
): Promise<Run> {
  const purpose = purposeOf(spec, data, config);
  if (options.fresh) await removeProgress(dir);
  const resume = loadProgress(dir, purpose);
  const there = resume || options.fresh ? undefined : await runIn(dir, purpose);
  if (there && options.keep) return options.half ? checkHalf(dir, there) : there;
  // Taken now: the files may change while it trains.
  const origin = provenanceOf(await startEngine());
  const now = options.now ?? (() => new Date());
  const session = {
    afterEpoch: resume?.history.length ?? 0,
    began: now().toISOString(),
    commit: String(origin.commit),
    processor: String(origin.processor),
  };
  const sessions = [...(resume?.sessions ?? []), session];
  options.onBegin?.(resume?.history ?? []);
  const { network, start, history } = await trainSaving(dir, { purpose, data, resume, sessions }, options);
  const parametersOf = (parameters: Parameters) => (options.half ? withHalfKernels(parameters) : parameters);
  const saved = { ...network, name: basename(dir), parameters: parametersOf(network.parameters) };
  const { accuracy, images } = await evaluate(saved, data.test, { signal: options.signal });
  const trainingSeconds = Math.round(sumOf(history.map(({ seconds }) => seconds)));
  const provenance = { ...origin, finished: now().toISOString(), trainingSeconds, sessions };
  const result = { network: saved, start: parametersOf(start), accuracy, testImages: images, history, provenance };
  const run: Run = { ...result, seed: config.seed, data: purpose.data, config };
  await saveRun(dir, run, { half: options.half });
  await removeProgress(dir);
  return run;
}

/** What identifies a training: network, recipe, and the images that it is trained on. */
export function purposeOf(spec: Spec, { training, heldOut }: TrainingData, config: TrainConfig): Purpose {
  const { name, sha256, count } = training;
  return { spec, config, data: { name, sha256, images: count, heldOut: heldOut?.count ?? 0 } };
}

/**
 * The finished run of this very training in a folder; undefined where there is no run.
 * @throws Error naming the field in which the run in the folder is another training's
 */
async function runIn(dir: string, purpose: Purpose): Promise<Run | undefined> {
  if (!existsSync(join(dir, "run.json"))) return undefined;
  const run = await loadRun(dir);
  try {
    checkSame({ spec: run.network.spec, config: run.config, data: run.data }, purpose);
  } catch (error) {
    const { message } = error as Error;
    throw new Error(`Cannot train in "${dir}", which holds another run: ${message}; use another folder`, {
      cause: error,
    });
  }
  return run;
}

/** A finished run that was asked for in half precision. @throws Error where its kernels are not */
function checkHalf(dir: string, run: Run): Run {
  const { parameters } = run.network;
  const rounded = withHalfKernels(parameters);
  if (
    [...rounded].every(([name, { data }]) => data.every((value, index) => value === parameters.get(name)!.data[index]))
  )
    return run;
  throw new Error(`Cannot keep the run in "${dir}": it is not in half precision; use another folder`);
}

interface Plan {
  readonly purpose: Purpose;
  readonly data: TrainingData;
  readonly resume?: SavedProgress;
  readonly sessions: readonly Session[];
}

/** Trains, with a checkpoint after every epoch. */
async function trainSaving(
  dir: string,
  { purpose, data, resume, sessions }: Plan,
  { onStep, onEpoch, signal }: TrainRunOptions,
): Promise<Trained> {
  let good = resume?.history.length ?? 0;
  const watched = data.heldOut ? { heldOut: data.heldOut } : { test: data.test };
  const save = async (epoch: Epoch, progress: Progress) => {
    await saveProgress(dir, purpose, { ...progress, sessions });
    good = epoch.epoch;
    onEpoch?.(progress.history);
  };
  try {
    return await train(purpose.spec, data.training, purpose.config, {
      ...watched,
      resume,
      signal,
      onStep,
      onEpoch: save,
    });
  } catch (error) {
    if (signal?.aborted || good === 0) throw error;
    const { message } = error as Error;
    throw new Error(`${message}. The state after epoch ${good} is kept in "${dir}"`, { cause: error });
  }
}
