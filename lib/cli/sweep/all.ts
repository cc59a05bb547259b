// npm run sweep -- --all: the full sweep of every run that is not kept yet, one after the other.
import { join } from "node:path";
import { operatorName } from "../../ablations/ablate";
import { startEngine } from "../../engine/backend";
import { loadCollection } from "../../runs/collection";
import { isKept, keepSweep } from "../../runs/kept-sweep";
import { provenanceOf } from "../../runs/provenance";
import { loadRun } from "../../runs/run-folder";
import { sweep } from "../../sweeps/sweep";
import { UsageError } from "../command";
import { loadTest } from "../datasets";
import { progressBar } from "../progress";
import { readOptions } from "../options.mjs";
import { SWEEP, type SweepGiven } from "./options";
import { sweepOptions } from "./run";

const RUNS = "data/runs";

const TAKEN = ["all", "operator", "seed", "precision", "training", "dataset", "data", "results", "resume", "fresh"];

/** @throws UsageError for what a full sweep of every run cannot obey */
function checkAll(given: SweepGiven): void {
  const untouched = readOptions(SWEEP, []) as SweepGiven;
  const names = Object.keys(SWEEP.options) as (keyof SweepGiven)[];
  const others = names.filter((name) => !TAKEN.includes(name) && given[name] !== untouched[name]);
  if (others.length === 0) return;
  const listed = others.map((name) => `--${name}`).join(", ");
  throw new UsageError(`Cannot combine --all, the full sweep of every run, with ${listed}`);
}

/** Computes what is missing; stopped, it goes on where it was. */
export async function sweepAll(given: SweepGiven, signal: AbortSignal): Promise<void> {
  checkAll(given);
  if (given.precision !== "float32") throw new UsageError("Cannot keep sweeps in bfloat16: expected float32");
  const options = await sweepOptions(given);
  const test = await loadTest(given);
  const provenance = provenanceOf(await startEngine());
  const { operator, layersOf } = given.operator;
  const name = operatorName(operator);
  for (const { run } of await loadCollection(RUNS)) {
    const dir = join(RUNS, run);
    if (isKept(dir, name) && !given.fresh) continue;
    const { network, start } = await loadRun(dir);
    const bar = progressBar(run, "images");
    const asked = { ...options, start, layers: layersOf(network.spec), stopWhenDecided: undefined, signal };
    const found = await sweep(network, test, { ...asked, onProgress: bar.update }).finally(() => bar.finish());
    await keepSweep(dir, found, test, provenance);
  }
  console.log(`Every run in ${RUNS} has its sweep of ${name}`);
}
