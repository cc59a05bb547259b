// From the prediction matrix of a sweep to one plain row per ablated layer, overall and per class.
import type { Labels } from "../data/labels";
import { deviationOf, meanOf, sumOf } from "../statistics/summary";
import { sizeOf } from "../files/values";
import { changesChannels, kernelShape } from "../networks/layers";
import type { Precision } from "../networks/network";
import { wilson } from "../statistics/intervals";
import { normalQuantile } from "../statistics/normal";
import { accuracySequence, sequenceHalfWidth } from "../statistics/confidence-sequences";
import { isOpen, type Look } from "../statistics/anytime";
import type { EvenSweep, Sweep } from "./matrix";

/** What one ablation does to the test set; accuracies and drops are fractions. */
export interface Row {
  readonly layer: string; // or the name of a set
  readonly layers: number; // how many layers were changed together
  readonly operator: string; // what was done to them
  readonly stage: number; // of the first layer
  readonly block: number;
  readonly changesChannels: boolean; // one of the layers at least
  readonly precision: Precision; // of activations
  readonly parameters: number; // weights in the kernels
  readonly images: number;
  readonly correct: number;
  readonly accuracy: number;
  readonly low: number; // 95 % interval of the accuracy: Wilson's or, where not all images were seen, a confidence sequence's
  readonly high: number;
  readonly baseline: number; // accuracy of the intact network
  readonly chance: number; // accuracy of guessing: 1 / classes
  readonly drop: number; // baseline - accuracy
  readonly lost: number; // right before, wrong after
  readonly gained: number; // wrong before, right after
  readonly flips: number; // predictions that changed, right or wrong
  readonly lossChange?: number; // mean change of the cross-entropy, in nats
  readonly lossLow?: number; // its 95 % interval, from two images on, in the same way
  readonly lossHigh?: number;
  readonly look?: Look; // in a sweep that is looked at before its end: where this ablation stands
  readonly unchanged?: boolean; // true where the operator changed nothing: such a row says nothing about the layer
}

/** A row whose ablation has seen the same images as all others of its sweep. */
export type EvenRow = Row & { readonly look?: "running" };

/** What the ablation of one layer does to the images of one class. */
export interface ClassRow {
  readonly layer: string;
  readonly operator: string;
  readonly label: number;
  readonly images: number;
  readonly baseline: number; // accuracy of the intact network on this class
  readonly accuracy: number;
  readonly drop: number;
  readonly lost: number;
  readonly gained: number;
  readonly flips: number;
  readonly flipRate: number; // flips / images
}

/** @throws RangeError naming the first row whose ablation has seen other images than that of the first one */
export function checkEven(rows: readonly Row[]): void {
  const odd = rows.find(({ images }) => images !== rows[0].images);
  if (!odd) return;
  throw new RangeError(
    `Cannot compare layers on different images: expected all on ${rows[0].images} but "${odd.layer}" has seen ${odd.images} (stopped?)`,
  );
}

/**
 * One row per ablated layer, in the order of the sweep.
 *
 * @throws RangeError when the parts of the sweep differ in length or hold no image.
 */
export function rowsOf(sweep: EvenSweep): EvenRow[];
export function rowsOf(sweep: Sweep): Row[];
export function rowsOf(sweep: Sweep): Row[] {
  checkSweep(sweep);
  return sweep.sets.map(({ name, layers }, index) => {
    const counts = countsOf(sweep, sweep.predictions[index]);
    const look = sweep.stopping?.looks[index];
    const [low, high] = isOpen({ look })
      ? accuracySequence(counts.correct, counts.images)
      : wilson(counts.correct, counts.images);
    return {
      layer: name,
      layers: layers.length,
      operator: sweep.operator,
      stage: layers[0].stage,
      block: layers[0].block,
      changesChannels: layers.some(changesChannels),
      precision: sweep.precision,
      parameters: sumOf(layers.map((layer) => sizeOf(kernelShape(layer)))),
      images: counts.images,
      correct: counts.correct,
      accuracy: counts.correct / counts.images,
      low,
      high,
      baseline: counts.before / counts.images,
      chance: 1 / sweep.classes,
      drop: (counts.before - counts.correct) / counts.images,
      lost: counts.lost,
      gained: counts.gained,
      flips: counts.flips,
      ...lossChangeOf(sweep, index),
      ...(look ? { look } : {}),
      ...(sweep.unchanged?.[index] ? { unchanged: true } : {}),
    };
  });
}

/**
 * Damage per class: one row per ablated layer and per class that has test images, classes in ascending order.
 *
 * @throws RangeError when the parts of the sweep differ in length or hold no image.
 */
export function classRowsOf(sweep: Sweep): ClassRow[] {
  checkSweep(sweep);
  const labels = [...new Set(sweep.labels)].sort((a, b) => a - b);
  return sweep.sets.flatMap(({ name }, index) =>
    labels.map((label) => {
      const { images, before, correct, lost, gained, flips } = countsOf(sweep, sweep.predictions[index], label);
      return {
        layer: name,
        operator: sweep.operator,
        label,
        images,
        baseline: before / images,
        accuracy: correct / images,
        drop: (before - correct) / images,
        lost,
        gained,
        flips,
        flipRate: flips / images,
      };
    }),
  );
}

/** The mean change of the cross-entropy and its interval, paired by image: normal or, where it is looked at, a confidence sequence's. */
function lossChangeOf({ losses, stopping }: Sweep, index: number): Pick<Row, "lossChange" | "lossLow" | "lossHigh"> {
  if (!losses) return {};
  const changes = Float64Array.from(losses.ablations[index], (loss, image) => loss - losses.baseline[image]);
  const mean = meanOf(changes);
  if (changes.length < 2) return { lossChange: mean }; // one image says nothing about how far others are from it
  const deviation = deviationOf(changes);
  const half = isOpen({ look: stopping?.looks[index] })
    ? sequenceHalfWidth(deviation, changes.length)
    : (normalQuantile(0.975) * deviation) / Math.sqrt(changes.length);
  return { lossChange: mean, lossLow: mean - half, lossHigh: mean + half };
}

/** Counts over the images that the ablation has seen. */
function countsOf({ labels, baseline }: Sweep, after: Labels, only?: number) {
  const counts = { images: 0, before: 0, correct: 0, lost: 0, gained: 0, flips: 0 };
  for (let image = 0; image < after.length; image++) {
    const label = labels[image];
    if (only !== undefined && label !== only) continue;
    counts.images++;
    if (baseline[image] === label) counts.before++;
    if (after[image] === label) counts.correct++;
    if (after[image] === baseline[image]) continue;
    counts.flips++;
    if (baseline[image] === label) counts.lost++;
    if (after[image] === label) counts.gained++;
  }
  return counts;
}

function checkSweep({ sets, labels, classes, baseline, predictions, losses, unchanged, stopping }: Sweep): void {
  const fail = (what: string, wanted: number, found: number) => {
    throw new RangeError(`Cannot read the sweep: expected ${wanted} ${what} but found ${found}`);
  };
  if (labels.length === 0) throw new RangeError("Cannot read the sweep: expected at least one image but found none");
  if (!Number.isInteger(classes) || classes < 1) fail("classes or more", 1, classes);
  if (baseline.length !== labels.length) fail("predictions of the intact network", labels.length, baseline.length);
  const lists = { predictions, losses: losses?.ablations, flags: unchanged, looks: stopping?.looks };
  for (const [what, list] of Object.entries(lists))
    if (list && list.length !== sets.length) fail(`${what}, one per ablation,`, sets.length, list.length);
  predictions.forEach((after, index) => {
    const wanted = stopping?.looks[index] === "stopped" ? Math.min(after.length, labels.length) : labels.length;
    if (after.length !== wanted || wanted === 0)
      fail(`predictions without "${sets[index].name}"`, labels.length, after.length);
    const loss = losses?.ablations[index];
    if (loss && loss.length !== after.length) fail(`losses without "${sets[index].name}"`, after.length, loss.length);
  });
}
