// Answers of a network and its ablations, batch by batch: compiles what is asked for, and again when much less is asked for.
import { sumOf } from "../statistics/summary";
import type { Ablation } from "../ablations/ablate";
import { type Activations, needsReference } from "../ablations/activations";
import { batchOf } from "../data/batches";
import type { Dataset } from "../data/dataset";
import { startEngine, tensorOf } from "../engine/backend";
import { imageTensor } from "../engine/predictor";
import type { Network, Precision } from "../networks/network";
import { randomStream } from "../statistics/random";
import { openEagerSweep } from "./eager-program";
import {
  type Answers,
  compileSweep,
  recordedBlocks,
  recordedWeights,
  type SweepBatch,
  type SweepGraphOptions,
  type SweepProgram,
} from "./graph-program";
import { drawOthers, referenceImages, meanActivations, type Means } from "./reference";

/** All that a sweep's answers depend on. */
export interface SweepWork {
  readonly network: Network;
  readonly ablations: readonly Ablation[];
  /** The images under test. */
  readonly dataset: Dataset;
  readonly precision: Precision;
  /** Decides which reference image stands in for which. */
  readonly seed: number;
  /** Training images, for operators that ask for a mean or for another image. */
  readonly reference?: Dataset;
  /** [images] Where each image stood before the images were put into another order: it keeps the other image drawn for it there. */
  readonly places?: Uint32Array;
}

/** A network, row 0, and its ablations, the rows after it, over one dataset. */
export interface AnswerSource {
  /**
   * What those rows say about the images from `start` to before `end`; row 0 has to be the first of them.
   * @throws Error when one of them gives a logit that is not finite
   * @throws RangeError when so many are asked for that their graphs would fill the memory
   */
  run(start: number, end: number, rows: readonly number[]): Promise<Answers>;
  dispose(): void;
}

/**
 * In recorded blocks: enough for all layers of a ResNet-56 (839). While TensorFlow prepares a graph it takes memory in proportion
 * to its size; a ResNet-110 (3,134 blocks) took 2.7 GB as one graph and takes 1.8 to 1.9 GB as three.
 */
const LARGEST_GRAPH = 1200;

/** In recorded kernel weights: above it they are handed in. A ResNet-110 (130 million) stays below, an imagenet-resnet50 would take 13 GB. */
const MOST_WRITTEN_IN = 150e6;

/** In recorded blocks. An estimate of what 4 GB hold: about 0.3 MB a block was measured. */
const MOST_BLOCKS = 12_000;

/**
 * Prepares a network and ablations of it for a dataset. Nothing is compiled before the first call of `run`.
 * @throws Error when an operator asks for reference images and there are none
 */
export function openAnswers(work: SweepWork): AnswerSource {
  const { network, ablations, dataset, precision } = work;
  const changed: Activations = new Map(ablations.flatMap(({ activations }) => [...activations]));
  const needs = { mean: needsReference(changed, "mean"), other: needsReference(changed, "other") };
  const reference = needs.mean || needs.other ? referenceOf(work) : undefined;
  const drawn = reference && drawOthers(reference, dataset.count, randomStream(work.seed, "other images"));
  const others = drawn && work.places ? work.places.map((place) => drawn[place]) : drawn;
  let means: Means | undefined;
  let compiled: readonly number[] = [];
  const programs: SweepProgram[] = [];
  const dispose = () => programs.splice(0).forEach((program) => program.dispose());
  async function compile(rows: readonly number[]): Promise<void> {
    dispose();
    means ??= needs.mean ? await meanActivations(network, reference!, new Set(changed.keys())) : new Map();
    const asked = rows.slice(1).map((row) => ablations[row - 1]);
    checkSize(network, asked);
    const sizes = asked.map(recordedBlocks);
    const weights = sumOf(asked.map(recordedWeights));
    const options = { precision, means, handIn: weights > MOST_WRITTEN_IN };
    for (const chosen of partsOf(asked, sizes, LARGEST_GRAPH))
      programs.push(await openProgram(network, chosen, options));
    compiled = rows;
  }
  return {
    async run(start, end, rows) {
      // Half as many: the time for compiling again stays below that of the first time, however often it happens.
      if (compiled.length === 0 || rows.length <= compiled.length / 2) await compile(rows);
      const batch = batchTensors(
        dataset,
        start,
        end,
        others && referenceImages(reference!, others.subarray(start, end)),
      );
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

function checkSize(network: Network, ablations: readonly Ablation[]): void {
  const blocks = sumOf(ablations.map(recordedBlocks));
  if (blocks <= MOST_BLOCKS) return;
  throw new RangeError(
    `Cannot sweep over ${ablations.length} ablations at once: they take ${blocks} blocks of ${network.name}, expected at most ${MOST_BLOCKS}; sweep over some of them at a time (npm run sweep -- --shard 1/8)`,
  );
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
  options: SweepGraphOptions,
): Promise<SweepProgram> {
  const { backend } = await startEngine();
  if (backend === "tensorflow") return compileSweep(network, ablations, options);
  if (options.precision === "float32") return openEagerSweep(network, ablations, options.means);
  throw new Error(`Cannot sweep in ${options.precision}: it needs the native engine, expected float32 on "${backend}"`);
}

/** Consecutive parts of about the same size; at least one, so that a network without ablations is still computed. */
function partsOf<A>(all: readonly A[], sizes: readonly number[], largest: number): A[][] {
  const total = sumOf(sizes);
  const parts: A[][] = Array.from({ length: Math.max(1, Math.ceil(total / largest)) }, () => []);
  let before = 0;
  all.forEach((item, index) => {
    parts[Math.floor((before / total) * parts.length)].push(item);
    before += sizes[index];
  });
  return parts;
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
  const [tensor, drawn] = [images, others].map((pixels) => pixels && imageTensor(pixels, dataset.side));
  return { images: tensor!, labels: tensorOf(labels, [end - start]), others: drawn ?? tensor! };
}
