// What npm run sweep does.
import { type NamedOperator, layersNamed } from "../../ablations/named";
import { holdOut, imagesBetween } from "../../data/cifar";
import { checkFit, type Dataset } from "../../data/dataset";
import type { Layer } from "../../networks/layers";
import type { Network } from "../../networks/network";
import { sideOf } from "../../networks/spec";
import { type Row, rowsOf } from "../../results/rows";
import type { Sweep } from "../../results/matrix";
import type { ExactVerdicts } from "../../results/exact";
import { type ExactOptions, exactVerdicts } from "../../sweeps/exact";
import { planSets } from "../../sweeps/plan";
import { type Shard, sweepShard } from "../../sweeps/shard";
import { roundingOf } from "../../sweeps/rounding";
import { type SweepOptions, sweepSteps } from "../../sweeps/sweep";
import { isWritable } from "../../files/disk";
import { percent } from "../../text/format";
import { loadCheckpoint } from "../checkpoints";
import { asked, print, printError, UsageError } from "../command";
import { loadAsked, loadTest } from "../datasets";
import { warnOfSlow } from "../precision";
import { progressBar } from "../progress";
import type { SweepGiven } from "./options";
import { exactOutput, output, write } from "./output";

/** The layers asked for, by default all that the operator can be applied to. */
function chosenLayers({ spec }: Network, { layersOf }: NamedOperator, names?: string): readonly Layer[] {
  const layers = layersOf(spec);
  if (!layers.length) throw new UsageError("Cannot sweep: the operator applies to no layer of this network");
  return names === undefined ? layers : asked(() => layersNamed(layers, names));
}

/** Training images, equally many of each class. */
async function trainingImages(given: SweepGiven): Promise<Dataset> {
  if (given["images-folder"] !== undefined)
    throw new UsageError(
      "Cannot use this operator or set with --images-folder: it needs training images, which a folder of test pictures has none of",
    );
  const train = await loadAsked(given, "train");
  return asked(() => holdOut(train, given.training)).heldOut;
}

/** @throws UsageError where ablations that are to end early cannot */
function checkEarly({ stop, exact, set, precision, shard }: SweepGiven): void {
  if (shard && (stop || exact))
    throw new UsageError("Cannot split a sweep that ends early: --shard goes without --stop and --exact");
  if (stop && exact) throw new UsageError("Cannot both stop and be exact: --stop allows for error, --exact does not");
  if ((stop || exact) && !["single", "blocks", "stages"].includes(set))
    throw new UsageError(`Cannot stop early with --set ${set}: its ablations are compared on the same images`);
  if (exact && precision !== "float32")
    throw new UsageError(
      `Cannot be exact in ${precision}: an answer depends on the images beside it, expected float32`,
    );
}

const RESULTS = "data/results";

/** Where results are kept that nobody named a folder for. */
function kept(): string | undefined {
  if (isWritable(RESULTS)) return RESULTS;
  printError(`${RESULTS} cannot be written: nothing is kept of this sweep`);
  return undefined;
}

/** What a sweep takes, of what was given. @throws UsageError for what cannot be asked together */
export async function sweepOptions(given: SweepGiven): Promise<SweepOptions> {
  const { operator, seed, precision, fresh, resume, margin } = given;
  if (resume && fresh) throw new UsageError("Cannot both go on with what is kept and forget it");
  checkEarly(given);
  await warnOfSlow(precision);
  return {
    ...{ operator: operator.operator, seed, precision, results: given.results ?? kept(), fresh, resume },
    ...(typeof operator.operator === "function" ? {} : { reference: await trainingImages(given) }),
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
    bar.finish(result && extremes(result));
  }
  return { result: result!, seconds: (performance.now() - began) / 1000 };
}

/** The exact verdicts, with a line of progress. */
async function exactWithLine(network: Network, test: Dataset, options: ExactOptions): Promise<ExactVerdicts> {
  const bar = progressBar(network.name, "images");
  try {
    return await exactVerdicts(network, test, { ...options, onProgress: bar.update });
  } finally {
    bar.finish();
  }
}

/** One part of a sweep; what it writes with --json says that it is there. @throws UsageError where nothing can be kept */
async function shardWithLine(
  { json }: SweepGiven,
  shard: Shard,
  network: Network,
  test: Dataset,
  { results, ...options }: SweepOptions,
): Promise<void> {
  if (results === undefined)
    throw new UsageError("Cannot keep a part of a sweep: --results names no folder to write to");
  const bar = progressBar(network.name, "images");
  const asPlanned = { ...options, results, onProgress: bar.update };
  const ablations = await sweepShard(network, test, asPlanned, shard).finally(() => bar.finish());
  if (json) await write(json, JSON.stringify({ ...shard, ablations, images: test.count }), print);
  print(
    `Part ${shard.part} of ${shard.parts}: ${ablations} of ${options.sets!.length} ablations are kept in ${results}`,
  );
}

/** The test images that were asked for. */
async function testImages(given: SweepGiven, { spec }: Network): Promise<Dataset> {
  const { skip, images } = given;
  const all = await loadTest(given, sideOf(spec));
  return asked(() => imagesBetween(all, skip, images === undefined ? all.count : skip + images));
}

/** Reads what was asked for, sweeps, and says what came out. @throws UsageError for what cannot be asked together */
export async function sweepCommand(given: SweepGiven, signal: AbortSignal): Promise<void> {
  if (given.json === "-" && given.csv === "-")
    throw new UsageError("Cannot write both --json and --csv to standard output");
  const options = { ...(await sweepOptions(given)), signal };
  const { network, start } = await loadCheckpoint(given);
  const layers = chosenLayers(network, given.operator, given.layers);
  const test = await testImages(given, network);
  checkFit(network, test);
  const bar = progressBar("choosing", "images");
  const greedy = { ...options, start, stopWhenDecided: undefined, onProgress: bar.update };
  const how = { layers, most: given.most, seed: given.seed, training: () => trainingImages(given), greedy };
  const plan = await planSets(given.set, network, how).finally(() => bar.finish());
  const asPlanned = { ...options, start, sets: plan.sets };
  if (given.shard) return shardWithLine(given, given.shard, network, test, asPlanned);
  if (given.exact)
    return exactOutput(
      given,
      await exactWithLine(network, test, { ...asPlanned, precision: "float32", margin: given.margin }),
    );
  const swept = await sweepWithLine(network, test, asPlanned);
  const rounded = options.precision === "bfloat16";
  const rounding = rounded ? await roundingOf(swept.result, network, test, asPlanned) : undefined;
  await output(given, plan, { ...swept, rounding, network, test });
}
