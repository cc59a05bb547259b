// What set-up and reproduce say on the terminal: one line for each step, and a sign of life while one takes long.

import { visible } from "./visible.mjs";

const CLEAR = "\r\x1b[2K";

/**
 * Makes a reporter. On a terminal the line of a running step counts its seconds; elsewhere a line is added now and then.
 * @param {{quiet?: boolean, stream?: {isTTY?: boolean, columns?: number, write(text: string): unknown}}} [options] `quiet` leaves out
 *   what stands already
 */
export function createReport({ quiet = false, stream = process.stdout } = {}) {
  const print = (text) => stream.write(`${visible(text)}\n`);
  const line = (sign, name, text) => `${sign} ${name.padEnd(16)} ${text}`;
  return {
    print,
    /** A step that needs nothing. */
    ready: (name, text) => quiet || print(line("✓", name, text)),
    notice: (name, text) => print(line("!", name, text)),
    /**
     * A step that failed, with the last lines of the child that did, and what to do.
     * @param {string} name
     * @param {{message: string, output?: string, advice?: string}} failure
     */
    failed(name, { message, output, advice }) {
      print(line("✗", name, message));
      if (output) print(output.replace(/^/gm, "    "));
      if (advice) print(`  ${advice}`);
    },
    /**
     * Runs one step under its line; `action` gets what changes the text behind the name, and returns the text to end with.
     * `talks`: it prints its own progress.
     */
    async work(name, text, action, { talks = false } = {}) {
      const start = performance.now();
      const inPlace = stream.isTTY && !talks;
      const gone = () => (performance.now() - start) / 1000;
      const draw = (time = "") => {
        const now = visible(line("…", name, text + time));
        stream.write(inPlace ? CLEAR + now.slice(0, (stream.columns || 120) - 1) : `${now}\n`);
      };
      const tick = () => draw(` ${Math.round(gone())} s`);
      const timer = talks ? undefined : setInterval(tick, inPlace ? 500 : 15_000);
      draw();
      try {
        const done = await action((next) => ((text = next), inPlace && tick()));
        if (inPlace) stream.write(CLEAR);
        print(line("✓", name, `${done} (${seconds(gone())})`));
      } catch (error) {
        if (inPlace) stream.write(CLEAR);
        throw error;
      } finally {
        clearInterval(timer);
      }
    },
  };
}

/** @param {number} time in seconds */
export function seconds(time) {
  if (time < 90) return `${time.toFixed(1)} s`;
  const whole = Math.round(time);
  return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
}
