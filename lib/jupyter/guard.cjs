// Hears interrupts whatever a cell does, and stops one that hears nothing, as `await null; for (;;);` does.
// Loaded twice: by the kernel, and by a thread of its own, which can still hear and act while the kernel is blocked.
"use strict";
const { Session } = require("node:inspector");
const { isMainThread, parentPort, Worker, workerData } = require("node:worker_threads");

/** Time that a cell has for ending a step, which may be a batch of a large network, in ms; then it is stopped where it is. */
const PATIENCE = 10_000;
/** The same for synchronous code, which Node.js stops at once; only a signal that came while it was starting is left to be done, in ms. */
const START = 200;
/** Time after which another interrupt is another press of ■, and means that the first one was not enough, in ms. */
const PRESS = 500;
const POLL = 50; // ms

// Node.js keeps these for its own console. Its public way to stop a running script takes the kernel's signal handler away for a moment: then
// an interrupt is lost, or ends the process. Started here and never stopped, they keep every signal that stops no script until it is taken.
const {
  startSigintWatchdog: start,
  stopSigintWatchdog: stop,
  watchdogHasPendingSigint,
} = process.binding("contextify");
const STARTS = 3; // so that both threads can stop one at once, which takes the signal, without stopping the last one

/** Which cell runs (negative: its synchronous beginning; 0: none), interrupts that came, those heard by the kernel, the cell that was stopped. */
const [CELL, COME, HEARD, STOPPED] = [0, 1, 2, 3];

/** Whether an interrupt waits; it is taken. */
function taken(state) {
  if (!watchdogHasPendingSigint()) return false;
  const had = stop();
  start();
  if (had) Atomics.add(state, COME, 1);
  return had;
}

class Guard {
  /** @param {(stopped: boolean) => void} onInterrupt called with whether the cell was stopped already */
  constructor(onInterrupt) {
    this.onInterrupt = onInterrupt;
    this.state = new Int32Array(new SharedArrayBuffer(16));
    this.cells = 0;
    for (let i = 0; i < STARTS; i++) start();
    this.worker = new Worker(__filename, { workerData: this.state });
    this.worker.on("message", () => this.hear());
    this.worker.unref();
  }

  /** Hears what has come, which the event loop alone does only when it turns. */
  hear() {
    taken(this.state);
    const come = Atomics.load(this.state, COME);
    if (Atomics.exchange(this.state, HEARD, come) === come) return;
    this.onInterrupt(this.cells > 0 && Atomics.load(this.state, STOPPED) === this.cells);
  }

  /** Runs the synchronous beginning of a cell, and watches it from there on to its `end`. @template T @param {() => T} work @returns {T} */
  begin(work) {
    Atomics.store(this.state, CELL, -++this.cells);
    try {
      return work();
    } finally {
      Atomics.store(this.state, CELL, this.cells);
    }
  }

  end() {
    Atomics.store(this.state, CELL, 0);
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
}

/** What the thread does. */
function listen(state) {
  let last = { cell: 0, at: 0 };
  setInterval(() => {
    if (!taken(state)) return;
    parentPort.postMessage("interrupt");
    const [cell, come] = state;
    const deaf = () => cell !== 0 && Atomics.load(state, CELL) === cell && Atomics.load(state, HEARD) < come;
    const again = cell === last.cell && performance.now() - last.at > PRESS;
    last = { cell, at: performance.now() };
    if (again && deaf()) halt(state, cell);
    else setTimeout(() => deaf() && halt(state, cell), cell < 0 ? START : PATIENCE);
  }, POLL);
}

function halt(state, cell) {
  Atomics.store(state, STOPPED, Math.abs(cell));
  const session = new Session();
  session.connectToMainThread();
  session.post("Runtime.terminateExecution", () => session.disconnect());
}

if (!isMainThread) listen(workerData);

module.exports = { Guard };
