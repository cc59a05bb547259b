// The training step: images per second, in float32 and bfloat16, beside the same step in PyTorch.
import type { StepOptions } from "../../lib/engine/step";
import { atRest, openTrainer } from "../../lib/engine/trainer";
import { CIFAR10_NORMALIZATION, initialParameters, type Precision } from "../../lib/networks/network";
import { specOf } from "../../lib/networks/spec";
import { randomStream } from "../../lib/statistics/random";
import { FAST } from "../../lib/training/recipe";
import { type Contestants, median, OURS } from "./alternate";
import { type Peer, peerTraining } from "./peers";

const [BATCH, STEPS] = [128, 20];
const OPTIONS: StepOptions = { ...FAST, batch: BATCH };

/** The contestants for one depth: the precisions that are worth it here, and PyTorch where a Python with torch is given. */
export function trainingContestants(depth: number, precisions: readonly Precision[], peer?: Peer): Contestants {
  const contestants: Record<string, () => number | Promise<number>> = {};
  for (const precision of precisions) {
    contestants[`${OURS} ${precision}`] = () => measure(depth, { ...OPTIONS, precision });
    if (peer) contestants[`PyTorch ${precision}`] = () => peerTraining(peer, [depth, BATCH, STEPS], precision);
  }
  return contestants;
}

/** Images per second: the median over the steps of one freshly opened trainer, three warm-up steps left out. */
async function measure(depth: number, options: StepOptions): Promise<number> {
  const spec = specOf(`resnet${depth}`);
  const random = randomStream(1, "benchmark");
  const images = Float32Array.from({ length: BATCH * 3072 }, () => random.integer(256));
  const labels = Int32Array.from({ length: BATCH }, () => random.integer(10));
  const trainer = await openTrainer(spec, CIFAR10_NORMALIZATION, options);
  trainer.write(atRest(initialParameters(spec, random)));
  const seconds: number[] = [];
  for (let step = 0; step < STEPS + 3; step++) {
    const began = performance.now();
    trainer.step(images, labels, 0.05);
    if (step >= 3) seconds.push((performance.now() - began) / 1000);
  }
  trainer.dispose();
  return BATCH / median(seconds);
}
