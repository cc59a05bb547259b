// A metric of one's own, image by image: what it is in the intact network, and how an ablation changes it.
import type { Labels } from "../data/labels";
import { rowsOf } from "./rows";
import type { Sweep } from "./matrix";
import { isOpen } from "../statistics/anytime";
import { normalQuantile } from "../statistics/normal";
import { sequenceHalfWidth } from "../statistics/confidence-sequences";

/** A number for one answer to one image, such as 1 when it is right by a rule of one's own and 0 otherwise. */
export type Metric = (predicted: number, label: number, image: number) => number;

/** The mean of a metric over the images that an ablation has seen, and its change. */
export interface MetricRow {
  readonly layer: string;
  readonly operator: string;
  readonly images: number;
  readonly intact: number; // mean of the intact network on these images
  readonly ablated: number;
  readonly change: number; // ablated - intact
  readonly low: number; // 95 % interval of the change, paired by image: normal or, before the end of a sweep, a confidence sequence's
  readonly high: number; // like `low` NaN for a single image
}

/**
 * One row per ablated layer with the mean of a metric before and after, in the order of the sweep. The p values of verdicts are about
 * right answers alone; a metric has its interval.
 * @throws RangeError when the metric gives a number that is not finite, or the parts of the sweep differ in length
 */
export function metricRowsOf(sweep: Sweep, metric: Metric): MetricRow[] {
  return rowsOf(sweep).map(({ layer, operator, images, look }, index) => {
    const intact = valuesOf(metric, sweep, sweep.baseline.subarray(0, images));
    const ablated = valuesOf(metric, sweep, sweep.predictions[index]);
    const changes = ablated.map((value, image) => value - intact[image]);
    const change = meanOf(changes);
    const half = halfWidth(changes, isOpen({ look }));
    const means = { intact: meanOf(intact), ablated: meanOf(ablated) };
    return { layer, operator, images, ...means, change, low: change - half, high: change + half };
  });
}

function valuesOf(metric: Metric, { labels }: Sweep, predicted: Labels): Float64Array {
  return Float64Array.from(predicted, (answer, image) => {
    const value = metric(answer, labels[image], image);
    if (Number.isFinite(value)) return value;
    throw new RangeError(`Cannot use this metric: expected a finite number but found ${value} for image ${image}`);
  });
}

/** Half the 95 % interval of the mean of paired changes; NaN where one image says nothing about how far others are from it. */
function halfWidth(changes: Float64Array, open: boolean): number {
  if (changes.length < 2) return NaN;
  const mean = meanOf(changes);
  const squares = changes.reduce((sum, change) => sum + (change - mean) ** 2, 0);
  const deviation = Math.sqrt(squares / (changes.length - 1));
  if (open) return sequenceHalfWidth(deviation, changes.length);
  return (normalQuantile(0.975) * deviation) / Math.sqrt(changes.length);
}

const meanOf = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0) / values.length;
