// Stops a cell that blocks the event loop after an `await`, as `await null; for (;;);` does: there Node.js hears no interrupt any more.
// Loaded twice: by the kernel, and by a thread of its own, which can still hear and act.
"use strict";
const { spawn } = require("node:child_process");
const { Session } = require("node:inspector");
const { isMainThread, Worker, workerData } = require("node:worker_threads");

/** Time that a cell has for ending a step, which may be a batch of a large network, in ms; then it is stopped where it is. */
const PATIENCE = 10_000;
/** Time after which another interrupt is another press of ■, and means that the first one was not enough, in ms. */
const PRESS = 500;

/** Says a line for each interrupt, which Jupyter sends to the whole process group, and ends with the kernel: then `cat` does. */
const LISTENER = "trap echo INT; cat <&3 & while kill -0 $! 2>/dev/null; do wait $!; done";

const [CELL, HEARD, STOPPED] = [0, 1, 2]; // which asynchronous cell runs (0: none), interrupts that the kernel heard, which cell was stopped

class Guard {
  constructor() {
    this.state = new Int32Array(new SharedArrayBuffer(12));
    this.cells = 0;
  }

  /** Watches the rest of a cell, which its first `await` has left, to its end. @template T @param {Promise<T>} rest @returns {Promise<T>} */
  async watch(rest) {
    this.worker ??= new Worker(__filename, { workerData: this.state }).unref();
    Atomics.store(this.state, CELL, ++this.cells);
    try {
      return await rest;
    } finally {
      Atomics.store(this.state, CELL, 0);
    }
  }

  /** Does something that takes its time, meanwhile, and is not the cell's. @template T @param {() => T} work @returns {T} */
  aside(work) {
    const cell = Atomics.exchange(this.state, CELL, 0);
    try {
      return work();
    } finally {
      Atomics.store(this.state, CELL, cell);
    }
  }

  /** Notes an interrupt that the kernel heard. @returns {boolean} whether the cell was stopped already */
  heard() {
    Atomics.add(this.state, HEARD, 1);
    return this.cells > 0 && Atomics.load(this.state, STOPPED) === this.cells;
  }
}

/** Listens in its own thread. */
function listen(state) {
  const helper = spawn("sh", ["-c", LISTENER], { stdio: ["ignore", "pipe", "ignore", "pipe"] });
  helper.on("error", () => {}); // without it an interrupt works as far as Node.js hears it
  let last = { cell: 0, at: 0 };
  helper.stdout.on("data", () => {
    const [cell, heard] = state;
    const deaf = () => cell !== 0 && Atomics.load(state, CELL) === cell && Atomics.load(state, HEARD) === heard;
    const again = cell === last.cell && performance.now() - last.at > PRESS;
    last = { cell, at: performance.now() };
    if (again && deaf()) stop(state, cell);
    else setTimeout(() => deaf() && stop(state, cell), PATIENCE);
  });
}

function stop(state, cell) {
  Atomics.store(state, STOPPED, cell);
  const session = new Session();
  session.connectToMainThread();
  session.post("Runtime.terminateExecution", () => session.disconnect());
}

if (!isMainThread) listen(workerData);

module.exports = { Guard };
