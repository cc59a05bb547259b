// The memory that a zero sweep takes at its peak, the whole process counted.
import { execFileSync } from "node:child_process";

const [NETWORK, IMAGES] = ["resnet110", 200];
const MOST = 2; // gigabytes

/** Sweeps a ResNet-110 in a process of its own, a few batches long: later ones need no more. */
export function benchMemory(): void {
  const words = ["--import", "tsx", "tests/bench/peak.ts", NETWORK, String(IMAGES)];
  const output = execFileSync(process.execPath, words, { encoding: "utf8" });
  const { gigabytes, seconds } = JSON.parse(output) as { gigabytes: number; seconds: number };
  console.log(
    `\nZero sweep of ${NETWORK}, ${IMAGES} images, ${seconds.toFixed(0)} s: at most ${gigabytes.toFixed(2)} GB of memory, ` +
      (gigabytes < MOST ? `below ${MOST} GB as wanted` : `more than the ${MOST} GB that are wanted`),
  );
}
