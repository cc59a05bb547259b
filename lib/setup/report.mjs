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
    /** A step that failed, with the last lines of the child that did, and what to do. */
    failed(name, { message, output, advice }) {
      print(line("✗", name, message));
      if (output) print(output.replace(/^/gm, "    "));
      if (advice) print(`  ${advice}`);
    },
    /**
     * Runs one step under its line; `action` may change the text behind the name and returns the text to end with.
     * @param {string} name
     * @param {string} text
     * @param {(say: (text: string) => void) => Promise<string>} action
     * @param {{talks?: boolean}} [options] `talks`: the action prints its own progress
     */
    async work(name, text, action, { talks = false } = {}) {
      const start = performance.now();
      const life = signOfLife(stream, (now) => line("…", name, now), { text, talks });
      const done = await action(life.say).finally(life.end);
      print(line("✓", name, `${done} (${seconds((performance.now() - start) / 1000)})`));
    },
  };
}

/** @param {number} time in seconds */
export function seconds(time) {
  if (time < 90) return `${time.toFixed(1)} s`;
  const whole = Math.round(time);
  return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
}

function signOfLife(stream, lineOf, { text, talks }) {
  const inPlace = stream.isTTY && !talks;
  const start = performance.now();
  const write = (line) => {
    const fitting = line.slice(0, (stream.columns || 120) - 1);
    stream.write(inPlace ? `\r\x1b[2K${fitting}` : `${line}\n`);
  };
  const show = () => write(lineOf(`${text} ${Math.round((performance.now() - start) / 1000)} s`));
  write(lineOf(text));
  const timer = talks ? undefined : setInterval(show, inPlace ? 500 : 15_000);
  return {
    say(next) {
      text = next;
      if (inPlace) show();
    },
    end() {
      clearInterval(timer);
      if (inPlace) stream.write("\r\x1b[2K");
    },
  };
}
