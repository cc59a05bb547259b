// The jobs of a study: each one command line of ours and the one file that says that it is done, by names that say what it is.
import type { SetKind } from "../ablations/named-sets";
import { sweepSeconds, trainingSeconds } from "./cost";
import type { Study, StudyRecipe } from "./study";

/** A job; files are named within the study's folder. */
export interface Job {
  readonly kind: "training" | "sweep";
  /** Of what. */
  readonly run: string;
  readonly network: string;
  readonly recipe: string;
  readonly seed: number;
  readonly sweep?: Sweep;
  /** The file that is there when the job is done, and not before. */
  readonly output: string;
  /** What the job says while it runs, and what went wrong. */
  readonly log: string;
  /** An estimate of its length. */
  readonly seconds: number;
}

/** What is done to the layers of every network. */
export interface Sweep {
  /** "zero-single": also the name of a folder. */
  readonly name: string;
  readonly operator: string;
  readonly set: SetKind;
  readonly images?: number;
}

/** All jobs, trainings first. */
export function jobsOf(study: Study): Job[] {
  const trainings = study.networks.flatMap((network) =>
    Object.entries(study.recipes).flatMap(([recipe, config]) => trainingsOf(study, network, recipe, config)),
  );
  const sweeps = sweepsOf(study);
  return [...trainings, ...trainings.flatMap((training) => sweeps.map((sweep) => sweepJob(study, training, sweep)))];
}

function trainingsOf(study: Study, network: string, recipe: string, config: StudyRecipe): Job[] {
  const seconds = trainingSeconds(network, config, study);
  return study.seeds.map((seed) => {
    const run = `${network}-${recipe}-seed${seed}`;
    const what = { kind: "training" as const, run, network, recipe, seed };
    return { ...what, output: `trained/${run}.json`, log: `logs/train/${run}.log`, seconds };
  });
}

function sweepJob(study: Study, training: Job, sweep: Sweep): Job {
  const { run, network } = training;
  const files = { output: `sweeps/${sweep.name}/${run}.csv`, log: `logs/${sweep.name}/${run}.log` };
  const seconds = study.shards * sweepSeconds(network, sweep, study);
  return { ...training, kind: "sweep", sweep, ...files, seconds };
}

/** Every operator over every kind of sets. What a sweep's numbers depend on is in its name. */
export function sweepsOf({ operators, sets, images }: Study): Sweep[] {
  const end = images === undefined ? "" : `-${images}`;
  return operators.flatMap((operator) =>
    sets.map((set) => {
      const name = `${operator.replace(/[^\w.]+/g, "_")}-${set}${end}`;
      return { name, operator, set, ...(images === undefined ? {} : { images }) };
    }),
  );
}

/** What the Snakefile takes from us: words of commands by what they are for, nothing that is as long as the list of jobs. */
export interface Plan {
  readonly networks: readonly string[];
  readonly seeds: readonly number[];
  readonly shards: number;
  readonly threads: number;
  readonly gpus: number;
  /** MB of each job. */
  readonly memory: number;
  /** The options of `npm run train` that all trainings have. */
  readonly train: string;
  readonly recipes: Readonly<Record<string, string>>;
  /** The options of `npm run sweep`. */
  readonly sweeps: Readonly<Record<string, string>>;
  /** Longest times in minutes: of trainings by network and recipe, and of sweeps by network and sweep. */
  readonly minutes: Readonly<Record<string, number>>;
}

/** The least time that a job is given, and how many times its estimate: one that takes longer is ended, and goes on when it is tried again. */
const LEAST_MINUTES = 60;
const TIMES = 5;

/** What the Snakefile takes from us. */
export function planOf(study: Study): Plan {
  const { networks, seeds, shards, threads, gpus, memory, dataset } = study;
  const sweeps = sweepsOf(study);
  const data = ["--dataset", dataset];
  const minutes = networks.flatMap((network) => [
    ...Object.entries(study.recipes).map(
      ([name, recipe]) => [`${network} ${name}`, trainingSeconds(network, recipe, study)] as const,
    ),
    ...sweeps.map((sweep) => [`${network} ${sweep.name}`, sweepSeconds(network, sweep, study)] as const),
  ]);
  return {
    ...{ networks, seeds, shards, threads, gpus, memory: Math.ceil(1024 * memory), train: quoted(data) },
    recipes: mapped(study.recipes, (recipe) => quoted(wordsOf(recipe))),
    sweeps: Object.fromEntries(sweeps.map((sweep) => [sweep.name, quoted([...data, ...sweepWords(sweep)])])),
    minutes: Object.fromEntries(
      minutes.map(([name, seconds]) => [name, Math.max(LEAST_MINUTES, Math.ceil((TIMES * seconds) / 60))]),
    ),
  };
}

const sweepWords = ({ operator, set, images }: Sweep): string[] => wordsOf({ operator, set, images });

function wordsOf(options: object): string[] {
  return Object.entries(options).flatMap(([name, value]) => (value === undefined ? [] : [`--${name}`, String(value)]));
}

/** Words as a shell reads them. */
const quoted = (words: readonly string[]): string =>
  words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");

function mapped<A, B>(record: Readonly<Record<string, A>>, change: (value: A) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(value)]));
}
