// A study's file, the folder beside it that holds all that it leaves, and whether what is there was made for it.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { readWhole } from "../files/disk";
import { parseJson } from "../files/json";
import { checkSame, type Purpose } from "../runs/resume";
import { PRESETS, type TrainConfig } from "../training/recipe";
import { type Job, jobsOf } from "./jobs";
import { parseStudy, type Study, type StudyRecipe } from "./study";

/** A study that was read. */
export interface OpenStudy {
  readonly file: string;
  /** The file's name without its ending. */
  readonly folder: string;
  readonly study: Study;
  readonly jobs: readonly Job[];
}

const LARGEST = 2 ** 20; // bytes

/**
 * Reads a study's file.
 * @throws Error naming the file, the line and the field that is not as wanted
 */
export function openStudy(file: string): OpenStudy {
  if (!/\.ya?ml$/.test(file)) throw new Error(`Cannot read the study "${file}": expected a file that ends in .yaml`);
  const text = new TextDecoder().decode(readWhole(file, LARGEST));
  try {
    const study = parseStudy(text);
    return { file, folder: file.replace(/\.ya?ml$/, ""), study, jobs: jobsOf(study) };
  } catch (error) {
    throw new Error(`Cannot read the study "${file}": ${(error as Error).message}`, { cause: error });
  }
}

/** What `npm run train -- --json` leaves of a training. */
export interface Outcome {
  readonly network: string;
  readonly seed: number;
  readonly accuracy: number;
  readonly testImages: number;
  readonly weights: string;
  readonly config: TrainConfig;
  readonly data: { readonly images: number; readonly heldOut: number };
}

/** What came out of a training; undefined where it is not done. @throws Error when the file is damaged */
export function outcomeOf(folder: string, { output }: Job): Outcome | undefined {
  const path = join(folder, output);
  if (!existsSync(path)) return undefined;
  return parseJson(path, new TextDecoder().decode(readWhole(path, LARGEST))) as Outcome;
}

/** @throws Error naming the first training that is done but not as the study's recipe says now, and in which field */
export function checkTrained({ folder, study, jobs }: OpenStudy): void {
  for (const job of jobs) {
    if (job.kind !== "training") continue;
    const outcome = outcomeOf(folder, job);
    if (!outcome) continue;
    try {
      checkSame(outcome, {
        config: configOf(study.recipes[job.recipe], job.seed),
        network: job.network,
      } as object as Purpose);
    } catch (error) {
      throw new Error(
        `Cannot go on with the study: "${join(folder, job.output)}" is of another recipe: ${(error as Error).message}; give the changed recipe another name`,
        { cause: error },
      );
    }
  }
}

/** The recipe as a training has it. */
function configOf({ preset, epochs, precision, batch, rate, "weight-decay": weightDecay }: StudyRecipe, seed: number) {
  const own = Object.entries({ epochs, precision, batch, rate, weightDecay }).filter(
    ([, value]) => value !== undefined,
  );
  return { ...PRESETS[preset], seed, ...Object.fromEntries(own) };
}
