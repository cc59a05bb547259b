// A training in a notebook cell: curves and a line of progress that change in place; interrupted, it goes on when the cell runs again.
import { createHash } from "node:crypto";
import { join } from "node:path";
import type { Dataset } from "../data/dataset";
import { interruptSignal } from "../engine/turn";
import { historyFigure, type StepPoint } from "../figures/history";
import { type Spec, specName } from "../networks/spec";
import type { Run } from "../runs/run-file";
import { purposeOf, type TrainingData, trainRun, type TrainRunOptions } from "../runs/train-run";
import { grouped } from "../text/format";
import type { Epoch } from "../training/history";
import type { TrainConfig } from "../training/recipe";
import type { StepReport } from "../training/train";
import { alreadyShown, liveFigure, progress } from "./show";

/** Where a live training is kept, and the images that it is watched on. */
export interface TrainLiveOptions
  extends Omit<TrainingData, "training">, Pick<TrainRunOptions, "fresh" | "half" | "keep"> {
  /**
   * The run folder: its checkpoint is what an interrupted training goes on from. By default one in data/results/ that belongs to this very
   * training, so that a changed recipe begins anew and the former one goes on when it is asked for again.
   */
  readonly dir?: string;
  /** Above the curves (default: the network and the number of images). */
  readonly title?: string;
  /** Milliseconds since some moment; the tests pass their own. */
  readonly clock?: () => number;
}

const POINTS = 240; // of a curve, at most: what the eye can tell apart

/**
 * Trains a network in a cell: `const run = await trainLive(spec, dataset, config, { test })`.
 *
 * Loss, accuracy, rate, images per second and time left change in place. An interrupt stops between two steps; the same cell run again
 * goes on after the last whole epoch, with the same result as if nothing had happened.
 * @returns the run, as it was saved in the folder
 * @throws Error as `trainRun` does
 */
export async function trainLive(
  spec: Spec,
  dataset: Dataset,
  config: TrainConfig,
  { test, heldOut, clock = () => performance.now(), ...options }: TrainLiveOptions,
): Promise<Run> {
  const data: TrainingData = { training: dataset, test, heldOut };
  const { dir = folderOf(spec, data, config), title = `${specName(spec)} on ${grouped(dataset.count)} images` } =
    options;
  const [line, figure] = [progress("training", "steps", { clock }), liveFigure({ clock })];
  const [curve, speed] = [stepCurve(config), speedometer(config, clock)];
  let history: readonly Epoch[] = [];
  const draw = () => historyFigure(history, { title, steps: curve.points });
  const onEpoch = (epochs: readonly Epoch[]) => {
    history = epochs;
    figure.update(draw());
  };
  const onStep = (report: StepReport) => {
    line.update(report.step, report.steps, stepNote(report, config, speed(report)));
    if (curve.add(report)) figure.update(draw());
  };
  const reports = {
    signal: interruptSignal(),
    onBegin: (epochs: readonly Epoch[]) => void (history = epochs),
    onStep,
    onEpoch,
  };
  try {
    const run = await trainRun(dir, spec, data, config, { ...options, ...reports });
    line.finish();
    await figure.finish(historyFigure(run.history, { title, steps: curve.points }));
    return alreadyShown(run);
  } catch (error) {
    line.finish(stoppedNote(history.length));
    throw error;
  }
}

/** The folder of this very training: another one when anything in it changes. */
function folderOf(spec: Spec, data: TrainingData, config: TrainConfig): string {
  const digest = createHash("sha256").update(JSON.stringify(purposeOf(spec, data, config)));
  return join("data", "results", `${specName(spec)}-${digest.digest("hex").slice(0, 8)}`);
}

function stepNote({ epoch, loss, rate }: StepReport, { epochs }: TrainConfig, imagesPerSecond: number): string {
  const speed = imagesPerSecond ? ` · ${grouped(Math.round(imagesPerSecond))} images/s` : "";
  return `epoch ${epoch} of ${epochs} · loss ${loss.toFixed(3)} · rate ${rate.toPrecision(3)}${speed}`;
}

function stoppedNote(epochs: number): string {
  if (epochs === 0) return "stopped in its first epoch; run again, it begins anew";
  return `stopped; run again, it goes on after epoch ${epochs}`;
}

/** Images per second since the first step of the epoch under way; 0 at that step. */
function speedometer({ batch }: TrainConfig, clock: () => number): (report: StepReport) => number {
  let first = { step: 0, epoch: 0, at: 0 };
  return ({ step, epoch }) => {
    if (epoch !== first.epoch) first = { step, epoch, at: clock() };
    return step === first.step ? 0 : ((step - first.step) * batch * 1000) / (clock() - first.at);
  };
}

/** The curve within epochs: means over equally many steps, so that it is the same in every run. */
function stepCurve({ epochs }: TrainConfig) {
  const points: StepPoint[] = [];
  let sum = { loss: 0, accuracy: 0, count: 0 };
  return {
    points: points as readonly StepPoint[],
    /** Whether the step completed a point. */
    add({ step, steps, loss, accuracy, rate }: StepReport): boolean {
      sum = { loss: sum.loss + loss, accuracy: sum.accuracy + accuracy, count: sum.count + 1 };
      if (step % Math.ceil(steps / POINTS) !== 0) return false;
      const [trainLoss, trainAccuracy] = [sum.loss / sum.count, sum.accuracy / sum.count];
      points.push({ epoch: (step / steps) * epochs, rate, trainLoss, trainAccuracy });
      sum = { loss: 0, accuracy: 0, count: 0 };
      return true;
    },
  };
}
