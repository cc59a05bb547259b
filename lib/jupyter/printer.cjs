// Sends what a cell prints: at once, but a burst of prints in few messages, because each is an output in the notebook.
"use strict";

const WINDOW = 100; // ms in which BURST writes are sent one by one, so that even a cell that never awaits prints live
const BURST = 100;
const FULL = 65536; // characters

class Printer {
  /** @param {(name: "stdout" | "stderr", text: string) => void} send */
  constructor(send) {
    this.send = send;
    this.name = "stdout";
    this.text = "";
    this.window = -Infinity;
    this.writes = 0;
  }

  /** Makes a replacement for `process.stdout.write` or `process.stderr.write`. */
  writer(name) {
    return (chunk, encoding, callback) => {
      this.print(name, typeof chunk === "string" ? chunk : Buffer.from(chunk).toString());
      const done = callback ?? encoding;
      if (typeof done === "function") process.nextTick(done);
      return true;
    };
  }

  print(name, text) {
    if (name !== this.name) this.flush();
    this.name = name;
    this.text += text;
    const now = performance.now();
    if (now - this.window > WINDOW) [this.window, this.writes] = [now, 0];
    if (++this.writes <= BURST || this.text.length >= FULL) this.flush();
    else this.flushSoon();
  }

  flushSoon() {
    this.turn ??= setImmediate(() => {
      this.turn = undefined;
      this.flush();
    });
  }

  flush() {
    if (this.text !== "") this.send(this.name, this.text);
    this.text = "";
  }
}

module.exports = { Printer };
