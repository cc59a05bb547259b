// Many trained networks side by side: what their runs say of them.
import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { type Network, parameterCount } from "../networks/network";
import { specName } from "../networks/spec";
import type { Epoch } from "../training/history";
import type { Run } from "./run-file";
import { loadRun } from "./run-folder";

/** What is compared between runs. */
export interface Member {
  /** The name of its folder. */
  readonly run: string;
  readonly network: string;
  readonly parameters: number;
  /** The data set's name. */
  readonly data: string;
  /** Training images. */
  readonly images: number;
  readonly heldOut: number;
  readonly epochs: number;
  readonly precision: string;
  /** NaN where the run does not say. */
  readonly weightDecay: number;
  readonly seed: number;
  /** Test accuracy at the end, a fraction, and on how many images. */
  readonly accuracy: number;
  readonly testImages: number;
  /** Of training, evaluations left out. */
  readonly seconds: number;
  readonly history: readonly Epoch[];
}

/**
 * The finished runs in the folders of a folder, the smallest network first.
 * @throws Error naming the run and the field that is damaged
 */
export async function loadCollection(dir: string): Promise<Member[]> {
  const entries = await readdir(dir, { withFileTypes: true });
  // A training that is not finished has a checkpoint, but no run.json yet.
  const finished = (name: string) => existsSync(join(dir, name, "run.json"));
  const names = entries.filter((entry) => entry.isDirectory() && finished(entry.name)).map((entry) => entry.name);
  const members: Member[] = [];
  for (const name of names.sort()) members.push(memberOf(name, await loadRun(join(dir, name))));
  return members.sort((a, b) => a.parameters - b.parameters || compare(a.network, b.network) || compareTrainings(a, b));
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

/** Of one network: all images before fewer, the longest training first, float32 before bfloat16, more weight decay before less, and then by seed. */
function compareTrainings(a: Member, b: Member): number {
  return (
    compare(a.data, b.data) ||
    b.images - a.images ||
    b.epochs - a.epochs ||
    -compare(a.precision, b.precision) ||
    b.weightDecay - a.weightDecay ||
    a.seed - b.seed
  );
}

/** A run without its parameters. */
type RunFacts = Omit<Run, "network" | "start"> & { readonly network: Pick<Network, "spec"> };

/** What a run says of itself; the earliest runs have the number of images in their provenance. */
export function memberOf(name: string, run: RunFacts): Member {
  const { epochs, precision, weightDecay } = run.config;
  const provenance = run.provenance as { readonly images?: number; readonly trainingSeconds?: number };
  return {
    run: name,
    network: specName(run.network.spec),
    parameters: parameterCount(run.network.spec),
    data: run.data.name,
    images: run.data.images ?? provenance.images ?? NaN,
    heldOut: run.data.heldOut ?? 0,
    epochs,
    precision,
    weightDecay: weightDecay ?? NaN,
    seed: run.seed,
    accuracy: run.accuracy,
    testImages: run.testImages ?? 10_000,
    seconds: provenance.trainingSeconds ?? NaN,
    history: run.history,
  };
}
