// How far long work is, in one line: for a cell, a terminal of any width, and a file.
import { grouped } from "./format";

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

const BARS = [24, 10, 0]; // characters of the bar, the most that fits
const LEAST_NOTE = 16; // of a note that is cut

/** One line for work under way: bar, share, count, rate, time left, note; in fewer columns, less of these. */
export function progressLine(state: ProgressState, columns = Infinity): string {
  const shapes = [true, false].flatMap((withRate) => BARS.map((bar) => lineOf(state, { bar, withRate })));
  const line = shapes.find(({ length }) => length <= columns) ?? cut(shapes[shapes.length - 1], columns);
  const room = columns - line.length - 3;
  return state.note && room >= Math.min(LEAST_NOTE, state.note.length) ? `${line} · ${cut(state.note, room)}` : line;
}

function lineOf(state: ProgressState, { bar, withRate }: { readonly bar: number; readonly withRate: boolean }): string {
  const { label, unit, done, total } = state;
  const share = total > 0 ? Math.min(1, done / total) : 0;
  const filled = Math.round(share * bar);
  const rate = rateOf(state);
  const parts = [
    `${grouped(done)} of ${grouped(total)} ${unit}`.trim(),
    ...(rate && withRate ? [speedText(rate, unit)] : []),
    ...(rate ? [`${duration((total - done) / rate)} left`] : []),
  ];
  const drawn = bar > 0 ? `${"█".repeat(filled)}${"░".repeat(bar - filled)} ` : "";
  return `${label} ${drawn}${Math.floor(100 * share)} %  ${parts.join(" · ")}`;
}

const cut = (text: string, columns: number): string =>
  text.length > columns ? `${text.slice(0, columns - 1)}…` : text;

/** One line for work that has ended, also before its end. */
export function finishedLine(state: ProgressState): string {
  const { label, unit, done, total, note, seconds } = state;
  const count = done >= total ? grouped(done) : `${grouped(done)} of ${grouped(total)}`;
  const rate = rateOf(state);
  return [
    `${done >= total ? "✓" : "■"} ${label}: ${count} ${unit} in ${duration(seconds)}`.replace("  ", " "),
    ...(rate ? [speedText(rate, unit)] : []),
    ...(note ? [note] : []),
  ].join(" · ");
}

function rateOf({ done, first, seconds }: ProgressState): number {
  return done > first && seconds > 0 ? (done - first) / seconds : 0;
}

function speedText(rate: number, unit: string): string {
  const text = rate >= 10 ? grouped(Math.round(rate)) : rate.toPrecision(2);
  return `${text} ${unit}/s`.replace(" /s", "/s");
}

/** Seconds as people say them: "0.4 s", "42 s", "3 min 05 s", "1 h 02 min". */
function duration(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  const two = (value: number) => String(value).padStart(2, "0");
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} min`;
}

/** A line of progress. */
export interface ProgressLine {
  /** Says how far the work is; fits `onProgress` of evaluations and sweeps. */
  readonly update: (done: number, total: number, note?: string) => void;
  /** Leaves one line with count, time and rate; nothing where no work was begun. */
  readonly finish: (note?: string) => void;
}

/** Where a line of progress is drawn, and how often. */
export interface ProgressPlace {
  /** Milliseconds between two lines, at least. */
  readonly every: number;
  readonly draw: (state: ProgressState) => void;
  readonly end: (state: ProgressState) => void;
  /** Milliseconds since some moment; the tests pass their own. */
  readonly clock?: () => number;
}

/**
 * Counts work and draws how far it is, wherever that is shown.
 * @param unit what is counted, in the plural
 */
export function trackProgress(
  label: string,
  unit: string,
  { every, draw, end, clock = () => performance.now() }: ProgressPlace,
): ProgressLine {
  let state: ProgressState | undefined;
  let [began, drawn] = [0, -Infinity];
  return {
    update(done, total, note = "") {
      const now = clock();
      if (!state) began = now;
      state = { label, unit, done, total, note, first: state?.first ?? done, seconds: (now - began) / 1000 };
      if (now - drawn < every) return;
      drawn = now;
      draw(state);
    },
    finish(note = "") {
      if (state) end({ ...state, note, seconds: (clock() - began) / 1000 });
    },
  };
}
