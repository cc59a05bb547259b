// Many trained networks side by side: what their runs say of them, as tables.
import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { loadRun } from "./checkpoint";
import { percent } from "./format";
import { parameterCount } from "./network";
import { permutationTest } from "./permutation";
import { specName } from "./spec";
import { wilson } from "./rows";
import type { Run } from "./files/run-file";
import { type Table, tableOf } from "./table";
import type { Epoch } from "./train";
import { smallestOf } from "./statistics/extremes";

/** What is compared between runs. */
export interface Member {
  /** The name of its folder. */
  readonly run: string;
  readonly network: string;
  readonly parameters: number;
  /** Training images. */
  readonly images: number;
  readonly heldOut: number;
  readonly epochs: number;
  readonly precision: string;
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
export async function loadFamily(dir: string): Promise<Member[]> {
  const entries = await readdir(dir, { withFileTypes: true });
  // A training that is not finished has a checkpoint, but no run.json yet.
  const finished = (name: string) => existsSync(join(dir, name, "run.json"));
  const names = entries.filter((entry) => entry.isDirectory() && finished(entry.name)).map((entry) => entry.name);
  const members: Member[] = [];
  for (const name of names.sort()) members.push(memberOf(name, await loadRun(join(dir, name))));
  return members.sort((a, b) => a.parameters - b.parameters || compare(a.network, b.network) || compareTrainings(a, b));
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

/** Of one network: all images before fewer, the longest training first, float32 before bfloat16, and then by seed. */
function compareTrainings(a: Member, b: Member): number {
  return b.images - a.images || b.epochs - a.epochs || -compare(a.precision, b.precision) || a.seed - b.seed;
}

/** What a run says of itself; the earliest runs have the number of images in their provenance. */
function memberOf(name: string, run: Run): Member {
  const { epochs, precision } = run.config as { readonly epochs: number; readonly precision: string };
  const provenance = run.provenance as { readonly images?: number; readonly trainingSeconds?: number };
  return {
    run: name,
    network: specName(run.network.spec),
    parameters: parameterCount(run.network.spec),
    images: run.data.images ?? provenance.images ?? NaN,
    heldOut: run.data.heldOut ?? 0,
    epochs,
    precision,
    seed: run.seed,
    accuracy: run.accuracy,
    testImages: run.testImages ?? 10_000,
    seconds: provenance.trainingSeconds ?? NaN,
    history: run.history,
  };
}

/** One line per run: what was trained, how, and its test accuracy with the 95 % Wilson interval. */
export function familyTable(members: readonly Member[]): Table {
  return tableOf(
    members.map(({ run, network, parameters, accuracy, testImages, images, epochs, precision, seed, seconds }) => ({
      run,
      network,
      parameters,
      "training images": images,
      epochs,
      precision,
      seed: String(seed),
      "test accuracy %": 100 * accuracy,
      "95 % interval": wilson(Math.round(accuracy * testImages), testImages)
        .map((end) => percent(end))
        .join(" to "),
      minutes: Math.round(seconds / 60),
    })),
  );
}

/**
 * float32 against bfloat16, one line per network that was trained in both in the same way: seeds, mean test accuracy and its standard
 * deviation over seeds, and the difference (bfloat16 - float32, in percentage points) with its standard error (Welch's; it needs two
 * seeds of each) and the two-sided p of the permutation test, beside the smallest that so few seeds could give.
 */
export function precisionTable(members: readonly Member[]): Table {
  const groups = new Map<string, Member[]>();
  for (const member of members) {
    const key = [member.network, member.images, member.heldOut, member.epochs].join();
    groups.set(key, [...(groups.get(key) ?? []), member]);
  }
  const both = [...groups.values()].filter((group) => new Set(group.map(({ precision }) => precision)).size > 1);
  return tableOf(both.map(precisionLine));
}

function precisionLine(group: readonly Member[]) {
  const of = (precision: string) => spreadOf(group.filter((member) => member.precision === precision));
  const [exact, rounded] = [of("float32"), of("bfloat16")];
  const error = Math.sqrt(exact.variance / exact.seeds + rounded.variance / rounded.seeds);
  const columns = (name: string, { seeds, mean, variance }: Spread) => ({
    [`${name} seeds`]: seeds,
    [`${name} mean %`]: 100 * mean,
    [`${name} SD pp`]: shownOrEmpty(100 * Math.sqrt(variance)),
  });
  return {
    network: group[0].network,
    "training images": group[0].images,
    epochs: group[0].epochs,
    ...columns("float32", exact),
    ...columns("bfloat16", rounded),
    "difference pp": 100 * (rounded.mean - exact.mean),
    "standard error pp": shownOrEmpty(100 * error),
    ...permuted(group),
  };
}

/** How likely a difference as large as this one is, either way, if the precision made none: over all ways to share out the labels. */
function permuted(group: readonly Member[]) {
  const marked = group.map(({ precision }) => precision === "bfloat16");
  const accuracies = group.map(({ accuracy }) => accuracy);
  const sides = [accuracies, accuracies.map((accuracy) => -accuracy)].map((values) =>
    permutationTest([{ values, marked }]),
  );
  const twoSided = (p: number) => Math.min(1, 2 * p);
  return {
    "permutation p": twoSided(smallestOf(sides.map(({ p }) => p))),
    "smallest p": twoSided(sides[0].smallest),
  };
}

/** Accuracies over seeds. */
interface Spread {
  readonly seeds: number;
  readonly mean: number;
  /** With n - 1 in the denominator: NaN for a single seed. */
  readonly variance: number;
}

function spreadOf(members: readonly Member[]): Spread {
  const seeds = members.length;
  const mean = members.reduce((sum, { accuracy }) => sum + accuracy / seeds, 0);
  return {
    seeds,
    mean,
    variance: members.reduce((sum, { accuracy }) => sum + (accuracy - mean) ** 2, 0) / (seeds - 1),
  };
}

function shownOrEmpty(value: number): number | null {
  return Number.isNaN(value) ? null : value;
}
