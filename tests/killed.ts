// Run by a test as a process of its own: trains a small network in a folder, and kills itself after a given step.
import { specOf } from "../lib/networks/spec";
import { FAST } from "../lib/training/recipe";
import { trainRun } from "../lib/runs/train-run";
import { smallDataset } from "./small";

/** Four epochs of ten steps. */
export async function smallTraining(dir: string, onStep?: (step: number) => void): Promise<void> {
  const config = { ...FAST, epochs: 4, batch: 20, rate: 0.05, shift: 1, seed: 7 };
  const data = { training: smallDataset(200), test: smallDataset(60, 2) };
  await trainRun(dir, specOf("resnet8-w4"), data, config, { onStep: ({ step }) => onStep?.(step) });
}

if (require.main === module) {
  const [dir, last] = process.argv.slice(2);
  void smallTraining(dir, (step) => step === Number(last) && process.kill(process.pid, "SIGKILL"));
}
