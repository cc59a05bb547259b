// Images per second of the training step, beside the same step in PyTorch where a Python with torch is given.
import { execFileSync } from "node:child_process";
import { progressBar, runCommand, UsageError, wholeNumber } from "../../lib/cli/command";
import type { Command, Given } from "../../lib/cli/command";
import { CIFAR10_NORMALIZATION, initialParameters, specOf } from "../../lib/network";
import { randomStream } from "../../lib/random";
import type { StepOptions } from "../../lib/trainer";
import { atRest, openTrainer } from "../../lib/trainer";

type Names = "depths" | "batch" | "steps" | "rounds" | "python" | "peer";

const COMMAND: Command<Names> = {
  name: "bench",
  summary:
    "Measures the training step in float32 and bfloat16, in turn with PyTorch's; run it on an otherwise idle machine.",
  options: {
    depths: { value: "LIST", help: "depths of the ResNets, with commas", preset: "20,56" },
    batch: { value: "N", help: "images per step", preset: "128" },
    steps: { value: "N", help: "measured steps per round, after three that are not", preset: "20" },
    rounds: { value: "N", help: "rounds; the median of all is reported", preset: "3" },
    python: { value: "PATH", help: "a Python with torch; without it PyTorch is left out" },
    peer: {
      value: "FILE",
      help: "the PyTorch script: FILE DEPTH BATCH STEPS, prints JSON with imagesPerSecond",
      preset: "../shared/peer/torch_train.py",
    },
  },
};

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1];

/** Images per second: the median over the steps of one freshly opened trainer. */
async function measure(depth: number, steps: number, options: StepOptions): Promise<number> {
  const spec = specOf(`resnet${depth}`);
  const random = randomStream(1, "benchmark");
  const images = Float32Array.from({ length: options.batch * 3072 }, () => random.integer(256));
  const labels = Int32Array.from({ length: options.batch }, () => random.integer(10));
  const trainer = await openTrainer(spec, CIFAR10_NORMALIZATION, options);
  trainer.write(atRest(initialParameters(spec, random)));
  const seconds: number[] = [];
  for (let step = 0; step < steps + 3; step++) {
    const began = performance.now();
    trainer.step(images, labels, 0.05);
    if (step >= 3) seconds.push((performance.now() - began) / 1000);
  }
  trainer.dispose();
  return options.batch / median(seconds);
}

function measurePeer(python: string, words: readonly string[]): number {
  return (JSON.parse(execFileSync(python, words, { encoding: "utf8" })) as { imagesPerSecond: number }).imagesPerSecond;
}

async function bench(given: Given<Names>): Promise<void> {
  const [batch, steps, rounds] = (["batch", "steps", "rounds"] as const).map((name) => wholeNumber(name, given[name]!));
  const depths = given.depths!.split(",").map((depth) => wholeNumber("depths", depth));
  if (depths.length === 0) throw new UsageError("Cannot measure without a depth");
  if (!given.python) console.log("PyTorch is left out: give a Python that has torch with --python PATH");
  const step = { batch, momentum: 0.9, weightDecay: 1e-4 };
  for (const depth of depths) {
    const contestants: Record<string, () => number | Promise<number>> = {
      float32: () => measure(depth, steps, { ...step, precision: "float32" }),
      bfloat16: () => measure(depth, steps, { ...step, precision: "bfloat16" }),
    };
    if (given.python)
      contestants.PyTorch = () => measurePeer(given.python!, [given.peer!, ...[depth, batch, steps].map(String)]);
    report(`ResNet-${depth}, batch ${batch}`, await alternate(contestants, rounds));
  }
}

/** Runs all in turn, so that a drifting machine touches each alike. */
async function alternate(
  contestants: Record<string, () => number | Promise<number>>,
  rounds: number,
): Promise<Map<string, number[]>> {
  const results = new Map<string, number[]>(Object.keys(contestants).map((name) => [name, []]));
  const bar = progressBar("measuring", "runs");
  let done = 0;
  for (let round = 0; round < rounds; round++) {
    for (const [name, run] of Object.entries(contestants)) {
      results.get(name)!.push(await run());
      bar.update(++done, rounds * results.size, name);
    }
  }
  bar.stop();
  return results;
}

function report(title: string, results: ReadonlyMap<string, readonly number[]>): void {
  const peer = results.get("PyTorch");
  console.log(`\n${title}`);
  for (const [name, rates] of results) {
    const ratio = peer ? `  ${(median(rates) / median(peer)).toFixed(2)} x PyTorch float32` : "";
    console.log(
      `  ${name.padEnd(9)} ${median(rates).toFixed(0).padStart(6)} images/s (${rates.map((rate) => rate.toFixed(0)).join(", ")})${ratio}`,
    );
  }
}

void runCommand(COMMAND, bench);
