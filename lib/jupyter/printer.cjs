// Sends what a cell prints: at once, and the more seldom the more it has printed, because a page draws all of it again with each message.
"use strict";

const PAUSE = 1e-3; // ms for each character that was sent: JupyterLab draws a million in half a second
const MOST = 16e6; // characters of one cell, which JupyterLab draws in eight seconds
const CUT = "What this cell prints from here on is not shown, as it is more than 16 MB: write it to a file.\n";

class Printer {
  /** @param {(name: "stdout" | "stderr", text: string) => void} send */
  constructor(send) {
    this.send = send;
    this.name = "stdout";
    this.text = "";
    this.sent = 0;
    this.due = -Infinity;
    this.left = MOST;
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
    if (this.left < 0) return;
    this.left -= text.length;
    if (this.left < 0) this.cut(name, text.slice(0, text.length + this.left));
    else this.gather(name, text);
  }

  /** Sends what still fits, and says that it was the last. */
  cut(name, text) {
    this.gather(name, text);
    this.flush();
    this.send("stderr", `${text.endsWith("\n") ? "" : "\n"}${CUT}`);
  }

  gather(name, text) {
    if (name !== this.name) this.flush();
    this.name = name;
    this.text += text;
    const wait = this.due - performance.now();
    if (wait <= 0) this.flush();
    else this.timer ??= setTimeout(() => this.flush(), wait);
  }

  flush() {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.text === "") return;
    this.send(this.name, this.text);
    this.sent += this.text.length;
    this.due = performance.now() + PAUSE * this.sent;
    this.text = "";
  }
}

module.exports = { Printer };
