// From what the page holds and what is chosen to what is shown: numbers by the same functions as in notebooks.
import { dropInterval } from "../../results/agreement";
import { type ChannelTest, channelTests } from "../../results/channels";
import type { EvenSweep } from "../../results/matrix";
import { STEPS } from "../../results/nines";
import { classRowsOf, type ClassRow, rowsOf } from "../../results/rows";
import { sideBySide, type SideBySide } from "../../results/side-by-side";
import { countVerdicts, type EvenVerdict, type VerdictCounts, verdictsOf } from "../../results/verdict";
import { onImages } from "./answers";
import type { ViewState } from "./view-state";

/** A layer's line: its verdict, and the 95 % interval of its drop. */
export interface Line extends EvenVerdict {
  readonly interval: readonly [low: number, high: number];
}

/** What the page shows of one network. */
export interface Findings {
  readonly sweep: EvenSweep; // on the images that are looked at
  readonly images: readonly number[]; // which those are
  readonly lines: readonly Line[]; // in the order of the network
  readonly counts: VerdictCounts;
  readonly channels?: ChannelTest; // absent where the network has no such layers in stages, or too many
}

/** The images that are looked at. @param nines of the network (`runs/kept-confidences.ts`); where it is to be sure */
export function chosenImages(labels: Uint8Array, nines: Uint8Array, { without, sure }: ViewState): number[] {
  const left = new Set(without);
  const isSure = (image: number) => sure === 0 || nines[image] >= sure * STEPS;
  return [...labels.keys()].filter((image) => !left.has(labels[image]) && isSure(image));
}

/** What one network says on those images. @throws as `verdictsOf` does, such as where it is no better than guessing there */
export function findingsOf(whole: EvenSweep, images: readonly number[], { margin }: ViewState): Findings {
  const sweep = images.length === whole.labels.length ? whole : onImages(whole, images);
  const verdicts = verdictsOf(rowsOf(sweep), { margin });
  const lines = verdicts.map((verdict) => ({ ...verdict, interval: dropInterval(verdict) }));
  return { sweep, images, lines, counts: countVerdicts(verdicts), channels: channelsOf(verdicts) };
}

function channelsOf(verdicts: readonly EvenVerdict[]): ChannelTest | undefined {
  const staged = verdicts.filter(({ stage }) => stage > 0);
  const marked = staged.filter(({ changesChannels }) => changesChannels).length;
  const firsts = verdicts.some(({ layer }) => layer.endsWith(".conv1"));
  // With four marked layers among fifty there are more relabellings than a page should count.
  if (marked === 0 || marked === staged.length || marked > 3 || !firsts) return undefined;
  return channelTests([verdicts])[0];
}

/** The lines in the order that was chosen. */
export function ordered(lines: readonly Line[], order: ViewState["order"]): Line[] {
  return order === "depth" ? [...lines] : [...lines].sort((a, b) => b.drop - a.drop);
}

/** What the loss of one layer does to the images. */
export interface LayerFindings {
  readonly line: Line;
  readonly classes: readonly ClassRow[];
  readonly confusion: readonly (readonly number[])[]; // [true class][answer], images
  readonly lost: readonly number[]; // images of the data set
  readonly gained: readonly number[];
}

/** @throws RangeError when the sweep has no such layer */
export function layerFindings({ sweep, images, lines }: Findings, layer: string): LayerFindings {
  const index = lines.findIndex((line) => line.layer === layer);
  if (index < 0) throw new RangeError(`Cannot look at "${layer}": expected one of ${lines.length} layers`);
  const [{ labels, baseline, classes }, after] = [sweep, sweep.predictions[index]];
  const confusion = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  for (const [image, label] of labels.entries()) confusion[label][after[image]]++;
  const changed = (right: ArrayLike<number>, wrong: ArrayLike<number>) =>
    images.filter((_, place) => right[place] === labels[place] && wrong[place] !== labels[place]);
  return {
    line: lines[index],
    classes: classRowsOf({ ...sweep, sets: [sweep.sets[index]], predictions: [after], unchanged: undefined }),
    ...{ confusion, lost: changed(baseline, after), gained: changed(after, baseline) },
  };
}

/** Two networks on the same images; undefined where they share no layer. */
export function beside(first: Findings, second: Findings): SideBySide | undefined {
  const names = new Set(first.lines.map(({ layer }) => layer));
  return second.lines.some(({ layer }) => names.has(layer)) ? sideBySide(first.sweep, second.sweep) : undefined;
}

/** The lines as comma-separated values, fractions and counts in full. */
export function csvOf(lines: readonly Line[]): string {
  const columns = ["layer", "verdict", "drop", "images", "lost", "gained", "accuracy", "baseline"] as const;
  const head = [...columns, "drop low", "drop high"].join(",");
  return [head, ...lines.map((line) => [...columns.map((column) => line[column]), ...line.interval].join(","))].join(
    "\n",
  );
}
