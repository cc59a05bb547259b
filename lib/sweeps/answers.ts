// Answers of a network and its ablations, batch by batch: compiles what is asked for, and again when much less is asked for.
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
  fitStacks,
  loadRows,
  portionsOf,
  recordSweep,
  type SweepBatch,
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
  /** Bytes that graphs may take: ablations that need more are computed in portions, one after the other. */
  readonly memory?: number;
}

/** A network, row 0, and its ablations, the rows after it, over one dataset. */
export interface AnswerSource {
  /** The rows in portions, each with row 0 first, of which memory holds one at a time: one, unless they are a great many. */
  portions(rows: readonly number[]): Promise<number[][]>;
  /**
   * What those rows, one portion, say about the images from `start` to before `end`; row 0 has to be the first of them.
   * @throws Error when one of them gives a logit that is not finite
   */
  run(start: number, end: number, rows: readonly number[]): Promise<Answers>;
  dispose(): void;
}

/** All networks of a sweep, of which any rows can be loaded. */
interface Recorded {
  /** Whether so many rows of so many images can be loaded as stacks. */
  stackable(rows: number, images: number): boolean;
  /** Portions, each in the parts that are loaded as one program; row 0 is in all of them, not in the lists. */
  portions(rows: readonly number[]): number[][][];
  load(rows: readonly number[], options: { readonly stacks: boolean }): SweepProgram | Promise<SweepProgram>;
}

/**
 * Prepares a network and ablations of it for a dataset. Nothing is computed before the first call.
 * @throws Error when an operator asks for reference images and there are none
 */
export function openAnswers(work: SweepWork): AnswerSource {
  const { network, ablations, dataset } = work;
  const changed: Activations = new Map(ablations.flatMap(({ activations }) => [...activations]));
  const needs = { mean: needsReference(changed, "mean"), other: needsReference(changed, "other") };
  const reference = needs.mean || needs.other ? referenceOf(work) : undefined;
  const drawn = reference && drawOthers(reference, dataset.count, randomStream(work.seed, "other images"));
  const others = drawn && work.places ? work.places.map((place) => drawn[place]) : drawn;
  let recorded: Recorded | undefined;
  let loaded: readonly number[] = [];
  let stacks = true; // they are ready sooner, for the first images and where not many follow
  let seen = 0; // images, since those rows were loaded
  const programs: SweepProgram[] = [];
  const dispose = () => programs.splice(0).forEach((program) => program.dispose());
  async function record(): Promise<Recorded> {
    const means = needs.mean ? await meanActivations(network, reference!, new Set(changed.keys())) : new Map();
    return (recorded ??= await recordedWork(work, means));
  }
  async function load(rows: readonly number[], few?: number): Promise<void> {
    const all = recorded ?? (await record());
    dispose();
    const asStacks = few !== undefined && all.stackable(rows.length, few);
    const parts = all.portions(rows.slice(1)).flat();
    for (const part of parts.length ? parts : [[]]) programs.push(await all.load([0, ...part], { stacks: asStacks }));
    [loaded, stacks, seen] = [rows, asStacks, 0];
  }
  return {
    async portions(rows) {
      const all = recorded ?? (await record());
      return all.portions(rows.slice(1)).map((parts) => [0, ...parts.flat()]);
    },
    async run(start, end, rows) {
      // Half as many: the time for loading again stays below that of the first time, however often it happens.
      if (rows.length <= loaded.length / 2 || rows.some((row) => !loaded.includes(row))) await load(rows, end - start);
      else if (stacks && seen >= STACKED && rows.length > 1) await load(rows);
      seen += end - start;
      const batch = batchTensors(
        dataset,
        start,
        end,
        others && referenceImages(reference!, others.subarray(start, end)),
      );
      try {
        const answers = joined(programs.map((program) => program.run(batch)));
        const at = rows.map((row) => loaded.indexOf(row));
        const pick = <A>(all: readonly A[]): A[] => at.map((index) => all[index]);
        return { predictions: pick(answers.predictions), losses: pick(answers.losses) };
      } finally {
        for (const tensor of new Set(Object.values(batch))) tensor.dispose();
      }
    },
    dispose,
  };
}

/**
 * Images after which the graph of single operations is loaded in place of that of stacks: what it saves (20 of 88 ms an image in the zero
 * sweep of a ResNet-56 on two cores) is then about what loading it takes (4 s).
 */
const STACKED = 250;

function referenceOf({ reference }: SweepWork): Dataset {
  if (reference) return reference;
  throw new Error(
    "Cannot sweep: the operator asks for the mean or for another image's activation, expected the option reference (training images), found none",
  );
}

/** In bytes: with what else the process holds, 4 GB. */
const MEMORY = 3e9;

async function recordedWork(work: SweepWork, means: Means): Promise<Recorded> {
  const { network, ablations, precision, memory = MEMORY } = work;
  const { backend } = await startEngine();
  if (backend === "tensorflow") {
    const graph = recordSweep(network, ablations, { precision, means });
    return {
      stackable: (rows, images) => fitStacks(graph, rows, images),
      portions: (rows) => portionsOf(graph, rows, { memory }),
      load: (rows, options) => loadRows(graph, rows, options),
    };
  }
  if (precision !== "float32")
    throw new Error(`Cannot sweep in ${precision}: it needs the native engine, expected float32 on "${backend}"`);
  const chosen = (rows: readonly number[]) => rows.slice(1).map((row) => ablations[row - 1]);
  return {
    stackable: () => false,
    portions: (rows) => [[[...rows]]],
    load: (rows) => openEagerSweep(network, chosen(rows), means),
  };
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
