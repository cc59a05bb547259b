// npm run sweep: ablates every layer of a network in turn and says what each costs.
import type { Command, Given } from "./command";
import { progressBar, runCommand, UsageError, wholeNumber } from "./command";
import { basename, dirname } from "node:path";
import { OPERATORS } from "../ablate";
import { loadNetwork } from "../checkpoint";
import { firstImages, loadCifar } from "../cifar";
import { writeTogether } from "../files";
import { layersOf } from "../network";
import type { Sweep } from "../rows";
import { rowsOf } from "../rows";
import { sweep } from "../sweep";
import { ablationTable, toText } from "../table";
import { verdictsOf } from "../verdict";

type Names = "checkpoint" | "operator" | "images" | "data" | "json";

const COMMAND: Command<Names> = {
  name: "sweep",
  summary: "Changes every convolution of a trained network in turn and tests it on CIFAR-10's test images.",
  options: {
    checkpoint: {
      value: "PATH",
      help: "run folder, .safetensors, or PyTorch .th file",
      preset: "data/runs/resnet20-seed1",
    },
    operator: { value: "NAME", help: `what is done to a kernel: ${Object.keys(OPERATORS).join(", ")}`, preset: "zero" },
    images: { value: "N", help: "test on the first N images only", preset: "10000" },
    data: { value: "DIR", help: "folder of CIFAR-10's binary files", preset: "data/cifar-10" },
    json: { value: "FILE", help: "write the counts of every layer to this file" },
  },
};

/** The counts of a sweep, as written by --json. */
function report(result: Sweep, seconds: number) {
  const rows = rowsOf(result);
  return {
    network: result.network,
    images: result.labels.length,
    baseline: { correct: Math.round(rows[0].baseline * rows[0].images) },
    seconds,
    layers: rows.map(({ layer, correct, lost, gained, flips }) => ({ layer, correct, lost, gained, flips })),
  };
}

async function sweepCommand(given: Given<Names>, signal: AbortSignal): Promise<void> {
  if (!Object.hasOwn(OPERATORS, given.operator!)) {
    throw new UsageError(`Cannot use the operator "${given.operator}": expected ${Object.keys(OPERATORS).join(", ")}`);
  }
  const network = await loadNetwork(given.checkpoint!);
  const test = firstImages(
    await loadCifar("cifar10", "test", { dir: given.data }),
    wholeNumber("images", given.images!),
  );
  const bar = progressBar(network.name, "images");
  const began = performance.now();
  const operator = OPERATORS[given.operator!];
  const onProgress = (done: number, total: number) =>
    bar.update(done, total, `${layersOf(network.spec).length} layers`);
  const result = await sweep(network, test, { operator, operatorName: given.operator, onProgress, signal }).finally(
    () => bar.stop(),
  );
  const seconds = (performance.now() - began) / 1000;
  console.log(toText(ablationTable(verdictsOf(rowsOf(result)))));
  if (given.json) {
    const text = JSON.stringify(report(result, seconds), null, 1);
    await writeTogether(dirname(given.json), new Map([[basename(given.json), new TextEncoder().encode(`${text}\n`)]]));
    console.log(`${given.json} written (${seconds.toFixed(1)} s)`);
  }
}

void runCommand(COMMAND, sweepCommand);
