// Long work in a notebook cell: a line of progress, and ■.
import { interruptSignal, type LiveOptions, progress } from "./show";

/** What a long call takes to be watched and stopped. */
export interface Watch {
  readonly onProgress: (done: number, total: number) => void;
  readonly signal: AbortSignal;
}

/**
 * Does long work with a line of progress below the cell, and stops it when the cell is interrupted:
 * `await withProgress("every operator", (watch) => sweepEach(network, test, operators, watch))`.
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
    return await work({ onProgress: line.update, signal });
  } finally {
    line.finish(signal.aborted ? "stopped" : "");
  }
}
