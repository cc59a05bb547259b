// npm run sweep: ablates the layers of a network and says what each costs.
import { basename, dirname } from "node:path";
import { layersNamed, type NamedOperator, operatorList, operatorNamed } from "../ablations/named";
import { firstImages, holdOut, imagesBetween } from "../data/cifar";
import { checkFit, type Dataset } from "../data/dataset";
import { writeTogether } from "../files/disk";
import type { Layer } from "../networks/layers";
import type { Network } from "../networks/network";
import { evenSweep, type Sweep } from "../results/matrix";
import { type Row, rowsOf } from "../results/rows";
import { type Verdict, verdictsOf } from "../results/verdict";
import { sweep, type SweepOptions, sweepSteps } from "../sweeps/sweep";
import { ablationTable, verdictTable } from "../tables/ablations";
import { captionOf } from "../tables/caption";
import { toText } from "../tables/render";
import { powerSentence, verdictCountTable } from "../tables/verdicts";
import { percent } from "../text/format";
import { CHECKPOINT_OPTIONS, type CheckpointNames, loadCheckpoint } from "./checkpoints";
import { type Command, type Given, positiveNumber, progressBar, runCommand, UsageError, wholeNumber } from "./command";
import { loadAsked, loadTest, TEST_OPTIONS, type TestNames } from "./datasets";
import { type Choice, kindList, kindNamed, type Plan } from "./kinds";
import { precisionNamed } from "./precision";

type Names =
  | CheckpointNames
  | TestNames
  | "operator"
  | "set"
  | "layers"
  | "most"
  | "seed"
  | "margin"
  | "stop"
  | "precision"
  | "images"
  | "skip"
  | "training"
  | "results"
  | "resume"
  | "fresh"
  | "json"
  | "csv";

const COMMAND: Command<Names> = {
  name: "sweep",
  summary: `Changes every convolution of a trained network in turn and tests it on test images, CIFAR-10's unless others are named. Stopped, it goes on where it was.

What can be done to a layer (--operator NAME[:VALUE]):
${operatorList()}

What is changed at once (--set NAME):
${kindList()}`,
  options: {
    ...CHECKPOINT_OPTIONS,
    operator: { value: "NAME", help: "what is done to a layer, as listed above", preset: "zero" },
    set: { value: "NAME", help: "what is changed at once, as listed above", preset: "single" },
    layers: { value: "NAMES", help: "these layers only, as in stem.conv,stage2.*" },
    most: { value: "N", help: "layers of a greedy or random order", preset: "8" },
    seed: { value: "N", help: "where random numbers start", preset: "1" },
    margin: { value: "PP", help: "largest drop of a trivial layer, in percentage points", preset: "0.5" },
    stop: { help: "end each ablation as soon as its verdict is certain" },
    precision: { value: "TYPE", help: "of activations: float32, or bfloat16, which is faster", preset: "float32" },
    images: { value: "N", help: "test on the first N images only (all)" },
    skip: {
      value: "N",
      help: "leave out as many before those, as 10000 for each milder severity of CIFAR-10-C",
      preset: "0",
    },
    training: { value: "N", help: "training images for greedy, mean and resample", preset: "1000" },
    ...TEST_OPTIONS,
    results: { value: "DIR", help: "folder that keeps what was computed", preset: "data/results" },
    resume: { help: "go on with what is kept there, or fail where there is nothing" },
    fresh: { help: "forget what is kept there of this sweep" },
    json: { value: "FILE", help: "write the counts and verdict of every layer to this file" },
    csv: { value: "FILE", help: "write the table, all digits, to this file" },
  },
};

/** What is wrong in a word of the command is a mistake in its usage. */
function asked<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof RangeError ? new UsageError(error.message) : error;
  }
}

/** The layers asked for, by default all that the operator can be applied to. */
function chosenLayers({ spec }: Network, { layersOf }: NamedOperator, names?: string): readonly Layer[] {
  const layers = layersOf(spec);
  if (!layers.length) throw new UsageError("Cannot sweep: the operator applies to no layer of this network");
  return names === undefined ? layers : asked(() => layersNamed(layers, names));
}

/** Training images, equally many of each class. */
async function trainingImages(given: Given<Names>): Promise<Dataset> {
  const count = wholeNumber("training", given.training!);
  const train = await loadAsked(given, "train");
  return asked(() => holdOut(train, count)).heldOut;
}

async function sweepOptions(given: Given<Names>, named: NamedOperator): Promise<SweepOptions> {
  const { results } = given;
  if (given.resume && given.fresh) throw new UsageError("Cannot both go on with what is kept and forget it");
  if (given.stop && !["single", "blocks", "stages"].includes(given.set!))
    throw new UsageError(`Cannot stop early with --set ${given.set}: its ablations are compared on the same images`);
  const margin = positiveNumber("margin", given.margin!) / 100;
  return {
    operator: named.operator,
    seed: wholeNumber("seed", given.seed!, 0),
    precision: await precisionNamed(given.precision!),
    ...{ results, fresh: given.fresh !== undefined, resume: given.resume !== undefined },
    ...(typeof named.operator === "function" ? {} : { reference: await trainingImages(given) }),
    ...(given.stop ? { stopWhenDecided: { margin } } : {}),
  };
}

/** "worst stage2.block1.conv1 81.10 pp, best stem.conv 6.68 pp" */
function extremes(result: Sweep): string {
  const sorted = rowsOf(result).sort((a, b) => b.drop - a.drop);
  const shown = ({ layer, drop }: Row) => `${layer} ${percent(drop)} pp`;
  return `worst ${shown(sorted[0])}, best ${shown(sorted[sorted.length - 1])}`;
}

/** Sweeps with a line of progress that says, at most every second, which layers cost most and least so far. */
async function sweepWithLine(
  network: Network,
  test: Dataset,
  options: SweepOptions,
): Promise<{ result: Sweep; seconds: number }> {
  const bar = progressBar(network.name, "images");
  const began = performance.now();
  let [result, note, noted]: [Sweep | undefined, string, number] = [undefined, "", began];
  try {
    for await (result of sweepSteps(network, test, options)) {
      if (!note || performance.now() - noted > 1000) [note, noted] = [extremes(result), performance.now()];
      bar.update(result.labels.length, test.count, note);
    }
  } finally {
    bar.stop();
  }
  return { result: result!, seconds: (performance.now() - began) / 1000 };
}

/** How many of the first predictions bfloat16 changed, of the intact network and all ablations. */
async function flipsOf(network: Network, test: Dataset, options: SweepOptions, result: Sweep) {
  const few = firstImages(test, Math.min(200, result.labels.length));
  const exact = await sweep(network, few, {
    ...options,
    precision: "float32",
    stopWhenDecided: undefined,
    resume: false,
  });
  const rows = (found: Sweep) => [found.baseline, ...found.predictions];
  const rounded = rows(result);
  const seen = rows(exact).map((row, index) => row.subarray(0, rounded[index].length));
  const flips = seen.map((row, index) => row.filter((predicted, image) => predicted !== rounded[index][image]).length);
  const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);
  return { images: few.count, predictions: sum(seen.map(({ length }) => length)), flips: sum(flips) };
}

/** The counts and verdicts of a sweep, as written by --json. */
function report(result: Sweep, verdicts: readonly Verdict[], seconds: number) {
  const { network, operator, seed, precision, labels, baseline } = result;
  const correct = baseline.filter((predicted, image) => predicted === labels[image]).length;
  return {
    ...{ network, operator, seed, precision, images: labels.length, baseline: { correct }, seconds },
    layers: verdicts.map((verdict) => {
      const { layer, images, correct, lost, gained, flips, lossChange, lossLow, lossHigh, look, ...rest } = verdict;
      const { verdict: call, harm, upper, trivialP, trivialAdjusted, nonTrivialP, nonTrivialAdjusted } = rest;
      const { harmP, harmAdjusted } = rest;
      const counts = { layer, images, correct, lost, gained, flips, lossChange, lossLow, lossHigh, look };
      const margin = { trivialP, trivialAdjusted, nonTrivialP, nonTrivialAdjusted };
      return { ...counts, verdict: call, harm, upper, ...margin, harmP, harmAdjusted };
    }),
  };
}

async function write(file: string, text: string): Promise<void> {
  await writeTogether(dirname(file), new Map([[basename(file), new TextEncoder().encode(`${text}\n`)]]));
  console.log(`${file} written`);
}

/** How many are called what at several margins, and what the sweep could have shown. */
function countsText(result: Sweep): string {
  const rows = rowsOf(result);
  const even = rows.every(({ images, unchanged }) => images === rows[0].images && !unchanged);
  const table = toText(verdictCountTable(rows), { caption: "Verdicts by margin" });
  const notes = [
    ...(even && rows.some(({ lost, gained }) => lost + gained > 0) ? [powerSentence(rows)] : []),
    ...(result.precision === "bfloat16" ? ["In bfloat16 no layer is called trivial: rounding alone moves drops."] : []),
  ];
  return [table, ...notes].join("\n");
}

/** What was swept, as written by --json beside the counts. */
function factsOf({ normalization }: Network, { name, split, sha256, classes }: Dataset) {
  return { dataset: { name, split, sha256, classes: classes.length }, normalization };
}

interface Outcome {
  readonly result: Sweep;
  readonly seconds: number;
  readonly rounding?: Awaited<ReturnType<typeof flipsOf>>;
  readonly facts: ReturnType<typeof factsOf>;
}

async function output(given: Given<Names>, plan: Plan, { result, seconds, rounding, facts }: Outcome): Promise<void> {
  const verdicts = verdictsOf(rowsOf(result), { margin: positiveNumber("margin", given.margin!) / 100 });
  const more = plan.report?.(evenSweep(result));
  const caption = captionOf(result);
  console.log(toText(more?.table ?? ablationTable(verdicts, { narrow: true }), { caption }));
  if (!more) console.log(`\n${countsText(result)}\n`);
  if (rounding) {
    const { flips, predictions, images } = rounding;
    console.log(
      `bfloat16 changed ${flips} of ${predictions} predictions (the first ${images} images; against float32)`,
    );
  }
  const fields = {
    ...report(result, verdicts, seconds),
    ...facts,
    assumed: result.assumed,
    rounding,
    set: given.set,
    ...more?.fields,
  };
  if (given.json) await write(given.json, JSON.stringify(fields, null, 1));
  if (given.csv) await write(given.csv, verdictTable(verdicts).toCSV());
  console.log(`${plan.sets.length} ablations, ${result.labels.length} images, ${seconds.toFixed(1)} s`);
}

async function sweepCommand(given: Given<Names>, signal: AbortSignal): Promise<void> {
  const named = asked(() => operatorNamed(given.operator!));
  const planFor = asked(() => kindNamed(given.set!));
  const most = wholeNumber("most", given.most!);
  const [skipped, images] = [wholeNumber("skip", given.skip!, 0), given.images && wholeNumber("images", given.images)];
  const options = { ...(await sweepOptions(given, named)), signal };
  const { network, start } = await loadCheckpoint(given);
  const layers = chosenLayers(network, named, given.layers);
  const all = await loadTest(given);
  const test = asked(() => imagesBetween(all, skipped, images ? skipped + images : all.count));
  checkFit(network, test);
  const choice: Choice = {
    ...{ network, layers, most, seed: options.seed ?? 1 },
    training: () => trainingImages(given),
    options: { ...options, start, stopWhenDecided: undefined },
  };
  const plan = await planFor(choice);
  const how = { ...options, start, sets: plan.sets };
  const swept = await sweepWithLine(network, test, how);
  const rounding = options.precision === "bfloat16" ? await flipsOf(network, test, how, swept.result) : undefined;
  await output(given, plan, { ...swept, rounding, facts: factsOf(network, test) });
}

void runCommand(COMMAND, sweepCommand);
