// The line of progress of the commands: it changes in place on a terminal of any width, and comes every ten seconds in a file.
import { finishedLine, type ProgressLine, progressLine, type ProgressPlace, trackProgress } from "../text/progress";
import { visible } from "../setup/visible.mjs";

/** Where it is written: a terminal, or a pipe or file. */
export interface Stream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

const CLEAR = "\r\x1b[2K";

/** A line of progress that gives way to other lines. */
export interface TerminalLine extends ProgressLine {
  /** Writes a line of its own above it. */
  readonly say: (text: string) => void;
}

/**
 * How far a command's work is, on its error output: `const bar = progressBar("resnet20", "steps")`, then `bar.update(done, total)` and
 * `bar.finish()`.
 * @param unit what is counted, in the plural
 */
export function progressBar(
  label: string,
  unit: string,
  { stream = process.stderr, clock }: { readonly stream?: Stream } & Pick<ProgressPlace, "clock"> = {},
): TerminalLine {
  const clear = stream.isTTY ? CLEAR : "";
  const say = (text: string) => void stream.write(`${clear}${visible(text)}\n`);
  const line = trackProgress(label, unit, {
    every: stream.isTTY ? 250 : 10_000,
    clock,
    draw(state) {
      const shown = { ...state, label: visible(label), note: visible(state.note) }; // before it is cut to the terminal's width
      if (stream.isTTY) stream.write(`${CLEAR}${progressLine(shown, (stream.columns || 80) - 1)}`);
      else say(progressLine(state));
    },
    end: (state) => say(finishedLine(state)),
  });
  return { ...line, say };
}
