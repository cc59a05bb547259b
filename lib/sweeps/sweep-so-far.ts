// What a sweep has found so far: the matrix of all answers, the counts that decide when to stop, and the result of any moment.
import { isUnchanged } from "../ablations/changes";
import type { LayerSet } from "../ablations/sets";
import type { Dataset } from "../data/dataset";
import { emptyLabels } from "../data/labels";
import type { Sweep } from "../results/matrix";
import type { Pairs } from "../statistics/paired";
import { addImages, isDecided, type Look } from "../statistics/anytime";
import type { Answers } from "./graph-program";
import { changeDigests } from "./key";
import type { SweepWork } from "./answers";

/** A sweep that fills batch by batch. */
export interface SweepSoFar {
  /** Which ablations run. */
  running(): readonly number[];
  /** Takes the answers of some rows, the intact network's first, to the images from `start` on. */
  enter(start: number, rows: readonly number[], answers: Answers): void;
  /** The result for the images before `end`. */
  result(end: number): Sweep;
}

/**
 * Nothing yet of all images; `operator` is how the operator is called. With `stopWhenDecided`, an ablation no longer runs once
 * its verdict is certain.
 */
export function emptySweep(
  work: SweepWork,
  sets: readonly LayerSet[],
  options: { readonly operator: string; readonly stopWhenDecided?: { readonly margin: number } },
): SweepSoFar {
  const { dataset } = work;
  const matrix = emptyMatrix(1 + sets.length, dataset);
  const counts: Pairs[] = sets.map(() => ({ images: 0, lost: 0, gained: 0 }));
  const stopped = sets.map(() => false);
  const { operator, stopWhenDecided: stop } = options;
  const changes = changeDigests(work, sets);
  return {
    running: () => sets.flatMap((_, index) => (stopped[index] ? [] : [index])),
    enter(start, rows, answers) {
      enterRows(matrix, start, rows, answers);
      const [intact, ...ablated] = answers.predictions;
      const labels = dataset.labels.subarray(start, start + intact.length);
      rows.slice(1).forEach((row, index) => {
        const pairs = addImages(counts[row - 1], labels, intact, ablated[index]);
        counts[row - 1] = pairs;
        stopped[row - 1] = stop !== undefined && isDecided(pairs, { ...stop, ablations: sets.length });
      });
    },
    result(end) {
      const seen = [end, ...counts.map(({ images }) => images)];
      const { network, precision, seed } = work;
      const classes = dataset.classes.length;
      const labels = dataset.labels.subarray(0, end);
      const what = { network: network.name, operator, seed, precision, sets, changes, labels, classes };
      const answers = seenBy(matrix, seen);
      const looks = stopped.map((ended): Look => (ended ? "stopped" : end < dataset.count ? "running" : "complete"));
      return {
        ...what,
        ...answers,
        unchanged: unchangedIn(work, answers),
        ...(network.assumed ? { assumed: network.assumed } : {}),
        // A sweep that stops nothing and is at its end was decided about once.
        ...(stop || end < dataset.count ? { stopping: { ...stop, looks } } : {}),
      };
    },
  };
}

/** The answers of each row to as many images as it has seen. */
function seenBy(matrix: Answers, seen: readonly number[]): Answered {
  const [baseline, ...predictions] = matrix.predictions.map((row, index) => row.subarray(0, seen[index]));
  const [intact, ...ablations] = matrix.losses.map((row, index) => row.subarray(0, seen[index]));
  return { baseline, predictions, losses: { baseline: intact, ablations } };
}

type Answered = Required<Pick<Sweep, "baseline" | "predictions" | "losses">>;

/** Per ablation, whether it is the intact network: by its arrays or, where activations are changed, by every loss, digit for digit. */
function unchangedIn({ ablations }: SweepWork, { losses }: Answered): boolean[] {
  return ablations.map((ablation, index) =>
    ablation.activations.size > 0
      ? losses.ablations[index].every((loss, image) => loss === losses.baseline[image])
      : isUnchanged(ablation),
  );
}

/** Room for the answers of every row to every image. */
function emptyMatrix(rows: number, { count, classes }: Dataset): Answers {
  return {
    predictions: Array.from({ length: rows }, () => emptyLabels(count, classes.length)),
    losses: Array.from({ length: rows }, () => new Float32Array(count)),
  };
}

/** Writes the answers of some rows to the images from `start` on into the matrix. */
function enterRows(matrix: Answers, start: number, rows: readonly number[], { predictions, losses }: Answers): void {
  rows.forEach((row, index) => {
    matrix.predictions[row].set(predictions[index], start);
    matrix.losses[row].set(losses[index], start);
  });
}
