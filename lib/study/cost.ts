// How long the jobs of a study take, before anything is known but what is to be computed: an estimate within a factor of two or three.
import { operatorNamed } from "../ablations/named";
import type { SetKind } from "../ablations/named-sets";
import { blockSets, stageSets } from "../ablations/sets";
import { layersOf, multiplicationsOf } from "../networks/layers";
import { type Spec, specOf } from "../networks/spec";
import { sumOf } from "../statistics/summary";
import { PRESETS } from "../training/recipe";
import type { Study, StudyRecipe } from "./study";

/** Operations a second of one thread, a multiplication and an addition being two: half of what two quiet cores of a Zen 5 do. */
const TRAINING_SPEED = 120e9;
const SWEEP_SPEED = 215e9;

/** Until a process has read its images and compiled its graph. */
const START_SECONDS = 8;

const TRAINING_IMAGES = 50_000;
const TEST_IMAGES = 10_000;
const RANDOM_LAYERS = 160; // 20 orders of 8 layers

/** How much of a pass through the network an ablation takes, as it shares what lies before its layer. */
const SHARE = 0.5;

/** Seconds of one training. */
export function trainingSeconds(network: string, recipe: StudyRecipe, { threads }: Pick<Study, "threads">): number {
  const images = recipe.images ?? TRAINING_IMAGES - (recipe["held-out"] ?? 0);
  const epochs = recipe.epochs ?? PRESETS[recipe.preset].epochs;
  const forward = operationsOf(specOf(network));
  // Forward, and twice as much backward; after every epoch the test images.
  return START_SECONDS + (epochs * (3 * images + TEST_IMAGES) * forward) / (TRAINING_SPEED * threads);
}

/** Seconds of one sweep, or of one of its parts. */
export function sweepSeconds(
  network: string,
  { operator, set }: { readonly operator: string; readonly set: SetKind },
  { images = TEST_IMAGES, threads, shards }: Pick<Study, "images" | "threads" | "shards">,
): number {
  const spec = specOf(network);
  const passes = 1 + (SHARE * ablationsOf(spec, operator, set)) / shards;
  return START_SECONDS + (passes * images * operationsOf(spec)) / (SWEEP_SPEED * threads);
}

/** Of one image through the network: a multiplication and an addition each. */
const operationsOf = (spec: Spec): number => 2 * sumOf(layersOf(spec).map(multiplicationsOf));

function ablationsOf(spec: Spec, operator: string, set: SetKind): number {
  const layers = operatorNamed(operator).layersOf(spec).length;
  const pairs = (layers * (layers - 1)) / 2;
  const sets = {
    single: layers,
    pairs: layers + pairs,
    blocks: blockSets(spec).length,
    stages: stageSets(spec).length,
  };
  return set === "random" || set === "greedy" ? RANDOM_LAYERS : sets[set];
}
