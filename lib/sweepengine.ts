// Answers of a network and its ablations, batch by batch: compiles what is asked for, and again when much less is asked for.
import type { Ablation } from "./ablate";
import { type Activations, needsReference } from "./activations";
import { startEngine, tf } from "./backend";
import { batchOf } from "./batches";
import type { Dataset } from "./cifar";
import { imageTensor } from "./evaluate";
import type { DType } from "./graph";
import type { Network } from "./network";
import { randomStream } from "./random";
import { drawOthers, imagesAt, meanActivations, type Means } from "./reference";
import { openEagerSweep } from "./sweepeager";
import { type Answers, compileSweep, type SweepBatch, type SweepProgram } from "./sweepgraph";

/** All that a sweep's answers depend on. */
export interface SweepWork {
  readonly network: Network;
  readonly ablations: readonly Ablation[];
  /** The images under test. */
  readonly dataset: Dataset;
  readonly precision: "float32" | "bfloat16";
  /** Decides which reference image stands in for which. */
  readonly seed: number;
  /** Training images, for operators that ask for a mean or for another image. */
  readonly reference?: Dataset;
}

/** A network, row 0, and its ablations, the rows after it, over one dataset. */
export interface SweepEngine {
  /**
   * What those rows say about the images from `start` to before `end`; row 0 has to be the first of them.
   * @throws Error when one of them gives a logit that is not finite
   */
  run(start: number, end: number, rows: readonly number[]): Promise<Answers>;
  dispose(): void;
}

/** One graph of more ablations takes longer to load than it saves; their number is the only limit to its size. */
const LARGEST_GRAPH = 64;

/**
 * Prepares a network and ablations of it for a dataset. Nothing is compiled before the first call of `run`.
 * @throws Error when an operator asks for reference images and there are none
 */
export function openEngine(work: SweepWork): SweepEngine {
  const { network, ablations, dataset, precision } = work;
  const changed: Activations = new Map(ablations.flatMap(({ activations }) => [...(activations ?? [])]));
  const needs = { mean: needsReference(changed, "mean"), other: needsReference(changed, "other") };
  const reference = needs.mean || needs.other ? referenceOf(work) : undefined;
  const others = reference && drawOthers(reference, dataset.count, randomStream(work.seed, "other images"));
  let means: Means | undefined;
  let compiled: readonly number[] = [];
  const programs: SweepProgram[] = [];
  const dispose = () => programs.splice(0).forEach((program) => program.dispose());
  async function compile(rows: readonly number[]): Promise<void> {
    dispose();
    means ??= needs.mean ? await meanActivations(network, reference!, new Set(changed.keys())) : new Map();
    for (const part of chunked(rows.slice(1), LARGEST_GRAPH)) {
      const chosen = part.map((row) => ablations[row - 1]);
      programs.push(await openProgram(network, chosen, { precision, means }));
    }
    compiled = rows;
  }
  return {
    async run(start, end, rows) {
      // Half as many: the time for compiling again stays below that of the first time, however often it happens.
      if (compiled.length === 0 || rows.length <= compiled.length / 2) await compile(rows);
      const batch = batchTensors(dataset, start, end, others && imagesAt(reference!, others.subarray(start, end)));
      try {
        const answers = joined(programs.map((program) => program.run(batch)));
        const at = rows.map((row) => compiled.indexOf(row));
        const pick = <A>(all: readonly A[]): A[] => at.map((index) => all[index]);
        return { predictions: pick(answers.predictions), losses: pick(answers.losses) };
      } finally {
        for (const tensor of new Set(Object.values(batch))) tensor.dispose();
      }
    },
    dispose,
  };
}

function referenceOf({ reference }: SweepWork): Dataset {
  if (reference) return reference;
  throw new Error(
    "Cannot sweep: the operator asks for the mean or for another image's activation, expected the option reference (training images), found none",
  );
}

async function openProgram(
  network: Network,
  ablations: readonly Ablation[],
  options: { readonly precision: DType; readonly means: Means },
): Promise<SweepProgram> {
  const { backend } = await startEngine();
  if (backend === "tensorflow") return compileSweep(network, ablations, options);
  if (options.precision === "float32") return openEagerSweep(network, ablations, options.means);
  throw new Error(`Cannot sweep in ${options.precision}: it needs the native engine, expected float32 on "${backend}"`);
}

/** At least one part, so that a network without ablations is still computed. */
function chunked(rows: readonly number[], size: number): number[][] {
  const count = Math.max(1, Math.ceil(rows.length / size));
  return Array.from({ length: count }, (_, index) => rows.slice(index * size, (index + 1) * size));
}

/** The answers of all programs, each of which has the intact network first. */
function joined([first, ...rest]: readonly Answers[]): Answers {
  return {
    predictions: [...first.predictions, ...rest.flatMap(({ predictions }) => predictions.slice(1))],
    losses: [...first.losses, ...rest.flatMap(({ losses }) => losses.slice(1))],
  };
}

/** Without other images, the images under test fill their place; no graph looks at them then. */
function batchTensors(dataset: Dataset, start: number, end: number, others?: Float32Array): SweepBatch {
  const { images, labels } = batchOf(dataset, start, end);
  const tensor = imageTensor(images);
  return { images: tensor, labels: tf.tensor1d(labels, "int32"), others: others ? imageTensor(others) : tensor };
}
