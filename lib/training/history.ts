// What a training leaves of every epoch.

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
  /** On the held-out training images, where they were given. */
  readonly heldOutLoss?: number;
  readonly heldOutAccuracy?: number;
  /** Time for the steps, the evaluation left out. */
  readonly seconds: number;
  readonly imagesPerSecond: number;
}
