// npm run sweep: ablates every layer of a network in turn and says what each costs.
import { stat } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { loadNetwork, loadRun } from "../checkpoint";
import { firstImages, loadCifar } from "../cifar";
import { writeTogether } from "../files";
import type { Layer } from "../layers";
import type { Network, Parameters } from "../network";
import { rowsOf, type Sweep } from "../rows";
import { sweep } from "../sweep";
import { ablationTable, toText, verdictTable } from "../table";
import { type Verdict, verdictsOf } from "../verdict";
import { type Command, type Given, positiveNumber, progressBar, runCommand, UsageError, wholeNumber } from "./command";
import { layersNamed, type NamedOperator, operatorList, operatorNamed } from "./names";

type Names = "checkpoint" | "operator" | "layers" | "seed" | "margin" | "images" | "data" | "json" | "csv";

const COMMAND: Command<Names> = {
  name: "sweep",
  summary: `Changes every convolution of a trained network in turn and tests it on CIFAR-10's test images.

What can be done to a layer (--operator NAME[:VALUE]):
${operatorList()}`,
  options: {
    checkpoint: {
      value: "PATH",
      help: "run folder, .safetensors, or PyTorch .th file",
      preset: "data/runs/resnet20-seed1",
    },
    operator: { value: "NAME", help: "what is done to a layer, as listed above", preset: "zero" },
    layers: { value: "NAMES", help: "these layers only, as in stem.conv,stage2.*" },
    seed: { value: "N", help: "where random numbers start", preset: "1" },
    margin: { value: "PP", help: "largest drop of a trivial layer, in percentage points", preset: "0.5" },
    images: { value: "N", help: "test on the first N images only", preset: "10000" },
    data: { value: "DIR", help: "folder of CIFAR-10's binary files", preset: "data/cifar-10" },
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

/** A run's network with its first parameters, or the network of a file, which has none. */
async function loadCheckpoint(path: string): Promise<{ network: Network; start?: Parameters }> {
  const found = await stat(path).catch(() => undefined);
  return found?.isDirectory() ? loadRun(path) : { network: await loadNetwork(path) };
}

/** The layers asked for, by default all that the operator can be applied to. */
function chosenLayers({ spec }: Network, { layersOf }: NamedOperator, names?: string): Layer[] {
  const layers = layersOf(spec);
  if (!layers.length) throw new UsageError("Cannot sweep: the operator applies to no layer of this network");
  return names === undefined ? layers : asked(() => layersNamed(layers, names));
}

/** The counts and verdicts of a sweep, as written by --json. */
function report(result: Sweep, verdicts: readonly Verdict[], seconds: number) {
  return {
    network: result.network,
    operator: result.operator,
    images: result.labels.length,
    baseline: { correct: Math.round(verdicts[0].baseline * verdicts[0].images) },
    seconds,
    layers: verdicts.map(({ layer, correct, lost, gained, flips, ...rest }) => {
      const { upper, harmP, harmAdjusted, trivialP, trivialAdjusted, verdict, detectable } = rest;
      const evidence = { upper, harmP, harmAdjusted, trivialP, trivialAdjusted, verdict, detectable };
      return { layer, correct, lost, gained, flips, ...evidence };
    }),
  };
}

async function write(file: string, text: string): Promise<void> {
  await writeTogether(dirname(file), new Map([[basename(file), new TextEncoder().encode(`${text}\n`)]]));
  console.log(`${file} written`);
}

async function sweepCommand(given: Given<Names>, signal: AbortSignal): Promise<void> {
  const named = asked(() => operatorNamed(given.operator!));
  const margin = positiveNumber("margin", given.margin!) / 100;
  const seed = wholeNumber("seed", given.seed!, 0);
  const images = wholeNumber("images", given.images!);
  const { network, start } = await loadCheckpoint(given.checkpoint!);
  const layers = chosenLayers(network, named, given.layers);
  const test = firstImages(await loadCifar("cifar10", "test", { dir: given.data }), images);
  const bar = progressBar(network.name, "images");
  const began = performance.now();
  const onProgress = (done: number, total: number) => bar.update(done, total, `${layers.length} layers`);
  const what = { layers, operator: named.operator, operatorName: given.operator, seed, start };
  const result = await sweep(network, test, { ...what, onProgress, signal }).finally(() => bar.stop());
  const seconds = (performance.now() - began) / 1000;
  const verdicts = verdictsOf(rowsOf(result), { margin });
  console.log(toText(ablationTable(verdicts)));
  if (given.json) await write(given.json, JSON.stringify(report(result, verdicts, seconds), null, 1));
  if (given.csv) await write(given.csv, verdictTable(verdicts).toCSV());
  console.log(`${layers.length} layers, ${test.count} images, ${seconds.toFixed(1)} s`);
}

void runCommand(COMMAND, sweepCommand);
