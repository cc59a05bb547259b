// Recipes: everything that decides how a network is trained, as plain values, and the learning rate that follows from one.
import type { Augmentation } from "../data/batches";
import type { StepOptions } from "../engine/step";

/** How the learning rate moves over a training, in shares of all its steps. */
export type Schedule =
  | {
      /** From zero in a straight line to the highest rate, and in another one back to zero (Smith's one cycle). */
      readonly name: "one-cycle";
      /** The share of all steps in which the rate rises. */
      readonly warmup: number;
    }
  | {
      /** The highest rate from the first step on, multiplied by `factor` at each of the shares `at`. */
      readonly name: "steps";
      readonly at: readonly number[];
      readonly factor: number;
    };

/** Everything that decides how a network is trained, apart from its spec and the data. */
export interface TrainConfig extends StepOptions, Augmentation {
  /** Decides initial weights, order and augmentation. */
  readonly seed: number;
  /** Passes over the training images. */
  readonly epochs: number;
  /** The highest learning rate. */
  readonly rate: number;
  readonly schedule: Schedule;
}

/** Thirty epochs: 90.83 % for ResNet-20 with seed 1. Values usual in the field, taken once and never tuned on the test set. */
export const FAST: TrainConfig = {
  seed: 1,
  epochs: 30,
  batch: 128,
  rate: 0.2,
  schedule: { name: "one-cycle", warmup: 0.2 },
  momentum: 0.9,
  nesterov: true,
  weightDecay: 5e-4,
  decayed: "kernels",
  precision: "float32",
  shift: 4,
  flip: true,
};

/** The same in a third of the time, to see whether something learns at all. */
export const QUICK: TrainConfig = { ...FAST, epochs: 10 };

/**
 * He et al. 2015, section 4.2: 64k steps of 128 images, rate 0.1 divided by 10 at 32k and at 48k, momentum 0.9, weight decay 1e-4.
 * What differs from theirs: 164 epochs of 390 whole batches are 63,960 steps, with the divisions at one half and three quarters of
 * them; their two GPUs took batch statistics over 64 images each, here it is 128; they subtract the mean image, here channels are
 * normalized; the velocity follows a division of the rate at once (PyTorch's form of momentum); and the paper does not say whether
 * its weight decay spares batch norms and biases: here it does not.
 */
export const HE: TrainConfig = {
  seed: 1,
  epochs: 164,
  batch: 128,
  rate: 0.1,
  schedule: { name: "steps", at: [0.5, 0.75], factor: 0.1 },
  momentum: 0.9,
  nesterov: false,
  weightDecay: 1e-4,
  decayed: "all",
  precision: "float32",
  shift: 4,
  flip: true,
};

/** The recipes that have a name. */
export const PRESETS: Readonly<Record<"quick" | "fast" | "he", TrainConfig>> = { quick: QUICK, fast: FAST, he: HE };

/**
 * The learning rate of a step.
 * @param share how much of the training is done after this step, in (0, 1]
 */
export function learningRate({ rate, schedule }: Pick<TrainConfig, "rate" | "schedule">, share: number): number {
  if (schedule.name === "steps") return rate * schedule.factor ** schedule.at.filter((place) => share > place).length;
  const { warmup } = schedule;
  return share < warmup ? (rate * share) / warmup : (rate * (1 - share)) / (1 - warmup);
}

const POSITIVE_INTEGERS = ["epochs", "batch"] as const;

/**
 * Checks that a training makes sense.
 * @param images how many images there are to train on
 * @throws RangeError naming the first value that does not, and what was expected
 */
export function checkConfig(config: TrainConfig, images: number): void {
  for (const key of POSITIVE_INTEGERS) {
    if (Number.isInteger(config[key]) && config[key] > 0) continue;
    throw new RangeError(`Cannot train with ${key} = ${config[key]}: expected a positive integer`);
  }
  checkSchedule(config.schedule);
  if (images < config.batch) {
    throw new RangeError(`Cannot train on ${images} images: expected at least one batch of ${config.batch}`);
  }
}

function checkSchedule(schedule: Schedule): void {
  const isShare = (value: number) => value >= 0 && value < 1;
  if (schedule.name === "one-cycle" && !isShare(schedule.warmup)) {
    throw new RangeError(`Cannot train with warmup = ${schedule.warmup}: expected a share from 0 to below 1`);
  }
  if (schedule.name === "steps" && !(schedule.factor > 0 && schedule.at.every(isShare))) {
    const { at, factor } = schedule;
    throw new RangeError(
      `Cannot train with steps at ${at.join(", ")} by a factor of ${factor}: expected shares from 0 to below 1 and a factor above 0`,
    );
  }
}
