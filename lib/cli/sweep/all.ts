// npm run sweep -- --all: the full sweep of every run that is not kept yet, one after the other.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { operatorName } from "../../ablations/ablate";
import { openPublished, type Published, PUBLISHED } from "../../checkpoints/published";
import { startEngine } from "../../engine/backend";
import { readWhole } from "../../files/disk";
import type { Network, Parameters } from "../../networks/network";
import { loadCollection } from "../../runs/collection";
import { hasConfidences, keepConfidences } from "../../runs/kept-confidences";
import { isKept, keepSweep } from "../../runs/kept-sweep";
import { provenanceOf } from "../../runs/provenance";
import { loadRun, weightsDigest } from "../../runs/run-folder";
import { sweep } from "../../sweeps/sweep";
import { evaluate } from "../../training/evaluate";
import { namesLike } from "../../text/names";
import { asked, print, UsageError } from "../command";
import { loadTest } from "../datasets";
import { progressBar } from "../progress";
import { readOptions } from "../options.mjs";
import { SWEEP, type SweepGiven } from "./options";
import { sweepOptions } from "./run";

const RUNS = "data/runs";
const PUBLISHED_DIR = "data/published";

const TAKEN = [
  "all",
  "runs",
  "operator",
  "seed",
  "precision",
  "training",
  "dataset",
  "data",
  "results",
  "resume",
  "fresh",
];

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
  const sweepInto = async (dir: string, { network, start, weights }: Loaded) => {
    const bar = progressBar(network.name, "images");
    const asked = { ...options, start, layers: layersOf(network.spec), stopWhenDecided: undefined, signal };
    const found = await sweep(network, test, { ...asked, onProgress: bar.update }).finally(() => bar.finish());
    await keepSweep(dir, found, test, provenance, weights);
  };
  const evaluateInto = async (dir: string, { network, weights = weightsDigest(dir) }: Loaded) => {
    const { confidences } = await evaluate(network, test, { signal });
    await keepConfidences(dir, confidences, { dataset: test, weights });
  };
  const kept = async (dir: string, load: () => Loaded | Promise<Loaded>) => {
    const [hasSweep, isSure] = [isKept(dir, name), hasConfidences(dir)].map((is) => is && !given.fresh);
    if (hasSweep && isSure) return;
    const loaded = await load();
    if (!hasSweep) await sweepInto(dir, loaded);
    if (!isSure) await evaluateInto(dir, loaded);
  };
  const finished = (await loadCollection(RUNS)).map(({ run }) => run);
  const runs = given.runs === undefined ? finished : asked(() => namesLike(finished, given.runs!, "a run"));
  for (const run of runs) await kept(join(RUNS, run), () => loadRun(join(RUNS, run)));
  if (given.runs !== undefined) return print(`${runs.join(", ")}: each has its sweep of ${name}`);
  for (const each of fetched()) await kept(join(PUBLISHED_DIR, each.name), () => loadFetched(each));
  print(`Every run in ${RUNS}, and every network in ${PUBLISHED_DIR} that is there, has its sweep of ${name}`);
}

/** What is swept: a network, what it was before training, and the digest of its weights where it is no run's. */
interface Loaded {
  readonly network: Network;
  readonly start?: Parameters;
  readonly weights?: string;
}

const fetched = () => PUBLISHED.filter(({ name, file }) => existsSync(join(PUBLISHED_DIR, name, file)));

function loadFetched(each: Published): Loaded {
  const path = join(PUBLISHED_DIR, each.name, each.file);
  return { network: openPublished(each, readWhole(path, each.bytes)), weights: each.sha256 };
}
