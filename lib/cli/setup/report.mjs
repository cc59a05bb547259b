// What set-up and reproduce say on the terminal: one line for each step, and a sign of life while one takes long.

const LABEL = 16;

/**
 * Makes a reporter. On a terminal the line of a running step counts its seconds; elsewhere a line is added now and then.
 * @param {{quiet?: boolean, stream?: {isTTY?: boolean, columns?: number, write(text: string): unknown}}} [options] `quiet` leaves out what stands already
 */
export function createReport({ quiet = false, stream = process.stdout } = {}) {
  const print = (text) => stream.write(`${text}\n`);
  const line = (sign, name, text) => `${sign} ${name.padEnd(LABEL)} ${text}`;
  return {
    print,
    /** A step that needs nothing. */
    ready: (name, text) => quiet || print(line("✓", name, text)),
    notice: (name, text) => print(line("!", name, text)),
    failed: (name, text) => print(line("✗", name, text)),
    /**
     * Runs one step under its line; `action` may change the text behind the name and returns the text to end with.
     * @param {string} name
     * @param {string} text
     * @param {(say: (text: string) => void) => Promise<string>} action
     */
    async work(name, text, action) {
      const life = signOfLife(stream, (now) => line("…", name, now), text);
      try {
        const done = await action(life.say);
        life.end();
        print(line("✓", name, `${done} (${seconds(life.elapsed())})`));
      } catch (error) {
        life.end();
        throw error;
      }
    },
  };
}

/** @param {number} time in seconds */
export function seconds(time) {
  return time < 90
    ? `${time.toFixed(1)} s`
    : `${Math.floor(time / 60)} min ${String(Math.round(time % 60)).padStart(2, "0")} s`;
}

/**
 * @param {{isTTY?: boolean, columns?: number, write(text: string): unknown}} stream
 * @param {(text: string) => string} lineOf
 * @param {string} first
 */
function signOfLife(stream, lineOf, first) {
  const start = performance.now();
  const elapsed = () => (performance.now() - start) / 1000;
  let text = first;
  const fit = (full) => full.slice(0, (stream.columns ?? 120) - 1);
  const show = () =>
    stream.write(
      stream.isTTY
        ? `\r\x1b[2K${fit(lineOf(`${text} ${Math.round(elapsed())} s`))}`
        : `${lineOf(`${text} ${Math.round(elapsed())} s`)}\n`,
    );
  stream.write(stream.isTTY ? fit(lineOf(text)) : `${lineOf(text)}\n`);
  const timer = setInterval(show, stream.isTTY ? 500 : 15_000);
  return {
    elapsed,
    /** @param {string} next */
    say(next) {
      text = next;
      if (stream.isTTY) show();
    },
    end() {
      clearInterval(timer);
      if (stream.isTTY) stream.write("\r\x1b[2K");
    },
  };
}
