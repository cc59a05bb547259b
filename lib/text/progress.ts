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

const BAR = 24; // characters, at most
const LEAST_BAR = 10;
const LEAST_NOTE = 16; // of a note that is cut

/** One line for work under way: share, time left, count, label, rate, note, bar; in fewer columns, fewer of the last. */
export function progressLine(state: ProgressState, columns = Infinity): string {
  const { done, total, note } = state;
  const share = total > 0 ? Math.min(1, done / total) : 0;
  let line = `${Math.floor(100 * share)} %`;
  for (const part of partsOf(state)) {
    const form = part.find(({ length }) => line.length + 3 + length <= columns);
    if (form) line = `${line} · ${form}`;
  }
  const room = columns - line.length - 3;
  if (note && room >= Math.min(LEAST_NOTE, note.length)) line = `${line} · ${cut(note, room)}`;
  return line + barOf(share, Math.min(BAR, columns - line.length - 2));
}

/** What a line says after the share, each in the forms that it can have, the longest first. */
function partsOf(state: ProgressState): string[][] {
  const { label, unit, done, total } = state;
  const rate = rateOf(state);
  const count = `${grouped(done)} of ${grouped(total)}`;
  return [
    ...(rate ? [[`${duration((total - done) / rate)} left`]] : []),
    [`${count} ${unit}`.trim(), count],
    [label],
    ...(rate ? [[speedText(rate, unit)]] : []),
  ];
}

function barOf(share: number, length: number): string {
  const filled = Math.round(share * length);
  return length < LEAST_BAR ? "" : `  ${"█".repeat(filled)}${"░".repeat(length - filled)}`;
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
