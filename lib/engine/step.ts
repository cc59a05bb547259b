// What a training step takes and gives, whatever computes it.
import type { Parameters, Precision } from "../networks/network";

/** What the optimizer does with a gradient, and in which precision activations are computed. */
export interface StepOptions {
  /** Images per step; the graph is made for this size. */
  readonly batch: number;
  readonly momentum: number;
  /** Whether the step looks ahead along the velocity (Nesterov), or goes along it (the classical form). */
  readonly nesterov: boolean;
  /** L2: this times the weights is added to the gradient. */
  readonly weightDecay: number;
  /** Which trainable parameters decay: kernels alone, or also batch norms' scales and shifts and the bias. */
  readonly decayed: "kernels" | "all";
  /** bfloat16 rounds activations and kernels; parameters, statistics and the loss stay float32. */
  readonly precision: Precision;
}

/** All numbers that a step changes. */
export interface TrainingState {
  readonly parameters: Parameters;
  /** The optimizer's running sum of gradients, for each trainable parameter. */
  readonly velocity: Parameters;
}

/** The mean loss of a batch before its update, and the share of its images that were classified right. */
export interface StepResult {
  readonly loss: number;
  readonly accuracy: number;
}
