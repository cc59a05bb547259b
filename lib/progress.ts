// The line that tells how far long work is: done, rate and time left.
import { duration, grouped } from "./format";

/** How far some work is; times in seconds. */
export interface ProgressState {
  readonly label: string;
  /** What is counted, in the plural: "images", "steps". */
  readonly unit: string;
  readonly done: number;
  readonly total: number;
  /** Since the work began. */
  readonly seconds: number;
  /** How many were done when the clock started. */
  readonly first: number;
  readonly note: string;
}

const WIDTH = 24; // characters of the bar

/** One line for work under way: bar, share, count, rate, time left, note. */
export function progressLine(state: ProgressState): string {
  const { label, unit, done, total, note } = state;
  const share = total > 0 ? Math.min(1, done / total) : 0;
  const filled = Math.round(share * WIDTH);
  const rate = rateOf(state);
  const parts = [
    `${grouped(done)} of ${grouped(total)} ${unit}`.trim(),
    ...(rate ? [`${rateText(rate)} ${unit}/s`.replace(" /s", "/s"), `${duration((total - done) / rate)} left`] : []),
    ...(note ? [note] : []),
  ];
  return `${label} ${"█".repeat(filled)}${"░".repeat(WIDTH - filled)} ${Math.floor(100 * share)} %  ${parts.join(" · ")}`;
}

/** One line for work that has ended, also before its end. */
export function finishedLine(state: ProgressState): string {
  const { label, unit, done, total, note, seconds } = state;
  const count = done >= total ? grouped(done) : `${grouped(done)} of ${grouped(total)}`;
  const rate = rateOf(state);
  const speed = rate ? [`${rateText(rate)} ${unit}/s`.replace(" /s", "/s")] : [];
  return [
    `${done >= total ? "✓" : "■"} ${label}: ${count} ${unit} in ${duration(seconds)}`.replace("  ", " "),
    ...speed,
    ...(note ? [note] : []),
  ].join(" · ");
}

function rateOf({ done, first, seconds }: ProgressState): number {
  return done > first && seconds > 0 ? (done - first) / seconds : 0;
}

function rateText(rate: number): string {
  return rate >= 10 ? grouped(Math.round(rate)) : rate.toPrecision(2);
}
