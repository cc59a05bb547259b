// Many trained networks side by side: what their runs say of them, as tables.
import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { loadRun } from "./checkpoint";
import { percent } from "./format";
import { parameterCount } from "./network";
import { specName } from "./spec";
import { wilson } from "./rows";
import { flipAll } from "./statistics/paired";
import type { Run } from "./files/run-file";
import { type Table, tableOf } from "./table";
import type { Epoch } from "./train";

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
 * deviation over seeds and, since runs that share a seed start alike and see the same batches, the mean difference of the seeds that
 * both have (bfloat16 - float32, in percentage points) with its standard error (it needs two of them) and the two-sided p of the
 * sign-flip test, beside the smallest that so few seeds could give.
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
  const of = (precision: string) => group.filter((member) => member.precision === precision);
  const columns = (name: string) => {
    const { count, mean, deviation } = spreadOf(of(name).map(({ accuracy }) => accuracy));
    const spread = shownOrEmpty(100 * deviation);
    return { [`${name} seeds`]: count, [`${name} mean %`]: 100 * mean, [`${name} SD pp`]: spread };
  };
  return {
    network: group[0].network,
    "training images": group[0].images,
    epochs: group[0].epochs,
    ...columns("float32"),
    ...columns("bfloat16"),
    ...pairedColumns(of("float32"), of("bfloat16")),
  };
}

/** The differences between runs of equal seeds. */
function pairedColumns(exact: readonly Member[], rounded: readonly Member[]) {
  const differences = rounded.flatMap(({ seed, accuracy }) => {
    const twin = exact.find((member) => member.seed === seed);
    return twin ? [accuracy - twin.accuracy] : [];
  });
  const { count, mean, deviation } = spreadOf(differences);
  return {
    "paired seeds": count,
    "difference pp": shownOrEmpty(100 * mean),
    "standard error pp": shownOrEmpty((100 * deviation) / Math.sqrt(count)),
    "sign-flip p": count ? flipAll(differences) : null,
    "smallest p": count ? Math.min(1, 2 / 2 ** count) : null,
  };
}

/** Mean and standard deviation of some values, with n - 1 in the denominator: NaN where there are too few. */
function spreadOf(values: readonly number[]) {
  const count = values.length;
  const mean = values.reduce((sum, value) => sum + value, 0) / count;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { count, mean, deviation: Math.sqrt(squares / (count - 1)) };
}

function shownOrEmpty(value: number): number | null {
  return Number.isNaN(value) ? null : value;
}
