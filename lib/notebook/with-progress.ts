// Long work in a notebook cell: a line of progress, ■, and where it is kept, so that the cell run again goes on.
import { join } from "node:path";
import { interruptSignal } from "../engine/turn";
import { type LiveOptions, progress } from "./show";

/** The folder that keeps what sweeps in cells compute: data/results, or another one that the kernel was started with. */
export function resultsFolder(): string {
  const folder: unknown = Reflect.get(globalThis, Symbol.for("nontrivial.results"));
  return typeof folder === "string" ? folder : join("data", "results");
}

/** What a long call takes to be watched, to be stopped, and to go on when it is asked for again. */
export interface Watch {
  readonly onProgress: (done: number, total: number) => void;
  readonly signal: AbortSignal;
  readonly results: string;
}

/**
 * Does long work with a line of progress below the cell, and stops it when the cell is interrupted:
 * `await withProgress("every operator", (watch) => sweepEach(network, test, operators, watch))`. Sweeps go on when the cell is run again.
 * @param unit what is counted, in the plural
 * @throws what the work throws; when the cell is interrupted, the interrupt
 */
export async function withProgress<T>(
  label: string,
  work: (watch: Watch) => Promise<T>,
  { unit = "images", ...options }: LiveOptions & { readonly unit?: string } = {},
): Promise<T> {
  const line = progress(label, unit, options);
  const signal = interruptSignal();
  try {
    return await work({ onProgress: line.update, signal, results: resultsFolder() });
  } finally {
    line.finish(signal.aborted ? "stopped" : "");
  }
}
