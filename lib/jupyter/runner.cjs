// Runs one cell at a time and says how it ended: a value, or an error.
"use strict";
const { setTimeout: sleep, setImmediate: turn } = require("node:timers/promises");
const { inspect, types } = require("node:util");
require("./timers.cjs"); // these two before tslab, which takes TypeScript as it finds it
require("./inspection.cjs");
const { createConverter } = require("tslab/dist/converter");
const { Compiler } = require("./compiler.cjs");
const { CellError, Interrupted, describe } = require("./errors.cjs");
const { Guard } = require("./guard.cjs");
const { named } = require("./lines.cjs");
const { reloading } = require("./reload.cjs");
const { spelling } = require("./spelling.cjs");

/** Time that an interrupted cell has to end by itself, in ms; then it is reported as interrupted anyhow. */
const GRACE = 500;
const DISPLAY = Symbol.for("Jupyter.display");
const LOOK = Symbol.for("nontrivial.look");

/**
 * @typedef {object} Cell
 * @property {string} code
 * @property {number} count execution count
 * @property {AbortController} controller its signal is `globalThis[Symbol.for("nontrivial.signal")]` while the cell is the current one
 * @property {unknown[]} errors what was thrown, the first first
 * @property {object[]} diagnostics TypeScript's, as {file, line, column, text}
 * @property {(reason: unknown) => void} [giveUp] ends the waiting for an asynchronous cell
 * @property {NodeJS.Timeout} [timer] the end of GRACE
 */

class Runner {
  /** @param {string} root folder that the cells' relative imports start from */
  constructor(root) {
    const converter = spelling(this.naming(reloading(createConverter({ isJS: false, isBrowser: false }))));
    this.compiler = new Compiler(root, converter, (...args) => this.note(args));
    this.executor = this.compiler.executor;
    this.guard = new Guard((stopped) => this.interrupt(stopped));
    this.running = false;
    /** @type {Cell} */
    this.cell = this.newCell("", 0);
    Object.defineProperty(globalThis, Symbol.for("nontrivial.signal"), {
      get: () => this.cell.controller.signal,
      configurable: true,
    });
  }

  /** Gives each cell's compiled code a name, by which errors.cjs finds the cell's lines. */
  naming(converter) {
    const convert = (declarations, code) => {
      const result = converter.convert(declarations, code);
      return { ...result, output: named(this.cell.count, code, result.output) };
    };
    return { ...converter, convert };
  }

  newCell(code, count) {
    return { code, count, controller: new AbortController(), errors: [], diagnostics: [] };
  }

  /** Keeps what tslab reports: a thrown value alone, or a diagnostic as format, file, line, column and text. */
  note(args) {
    const { errors, diagnostics } = this.cell;
    if (args.length === 1) return void errors.push(args[0]);
    const [, file, line, column, text] = args;
    const last = diagnostics.at(-1);
    const continues = file === "" && last?.line === line && last.column === column; // tslab reports a chain one by one
    if (continues) last.text += `\n  ${text}`;
    else diagnostics.push({ file: file.trim(), line, column, text });
  }

  /**
   * Runs a cell to its end, including rejections that nobody awaited.
   * @param {(text?: string) => void} say shows a word while the cell waits, or takes it back
   * @returns {Promise<{data?: object, errors: unknown[]}>} data: the last expression as Jupyter's mime bundle; errors: the
   * cell's own error first, empty if it went well
   */
  async run(code, count, say) {
    const cell = (this.cell = this.newCell(code, count));
    this.running = true;
    let data;
    try {
      const compiled = await this.compile(cell, say);
      if (compiled) {
        await this.start(cell, compiled);
        data = await bundle(this.compiler.lastValue(compiled));
      }
      // Node.js announces an unhandled rejection only when the event loop turns: give it a few turns.
      for (let i = 0; compiled && i < 3; i++) await sleep(1).then(() => turn());
    } catch (error) {
      cell.errors.push(error);
    } finally {
      this.running = false;
      clearTimeout(cell.timer);
    }
    return { data, errors: this.errorsOf(cell) };
  }

  /** @throws the interrupt that came meanwhile, also in the place of what it made fail */
  async compile(cell, say) {
    try {
      await this.compiler.converter.prepare(cell.code, cell.controller.signal, say);
      return await this.compiler.compile(cell.code);
    } finally {
      this.guard.hear();
      cell.controller.signal.throwIfAborted();
    }
  }

  /** Runs a compiled cell to its end. */
  async start(cell, { script, ...compiled }) {
    const givenUp = new Promise((_, reject) => (cell.giveUp = reject));
    try {
      const { rest } = await Promise.race([this.begun(cell, script), givenUp]);
      await Promise.race([rest, givenUp]);
      await this.compiler.remember(compiled);
    } finally {
      this.guard.end();
    }
  }

  /** Runs a cell's synchronous beginning, in a callback of its own: where the guard stops it, nothing after it runs. */
  begun({ controller }, script) {
    return new Promise((resolve, reject) =>
      setImmediate(() => {
        try {
          this.guard.hear();
          controller.signal.throwIfAborted();
          resolve({ rest: this.guard.begin(() => script.runInThisContext({ breakOnSigint: true })) });
        } catch (error) {
          reject(error);
        }
      }),
    );
  }

  errorsOf({ code, controller, diagnostics, errors }) {
    if (diagnostics.length > 0) errors.unshift(new CellError(diagnostics, code));
    // Synchronous code is stopped by vm, before any signal handler of ours runs.
    const halted = (error) => error?.code === "ERR_SCRIPT_EXECUTION_INTERRUPTED";
    if (errors.some(halted)) controller.abort(new Interrupted());
    const { reason } = controller.signal;
    if (reason instanceof Interrupted) forgetHalfLoaded();
    const byNode = (error) => reason && error?.name === "AbortError" && error.cause === reason; // thrown by Node.js' own functions
    const stopped = (error) => halted(error) || byNode(error);
    return [...new Set(errors.map((error) => (stopped(error) ? reason : error)))];
  }

  /** Interrupts the current cell. tslab alone stops synchronous code, but lets asynchronous code run on. */
  interrupt(stopped = false) {
    this.stop(new Interrupted());
    if (stopped) this.cell.giveUp?.(this.cell.controller.signal.reason);
  }

  /** Takes an error that nobody awaited: the current cell fails; between cells it is printed into the last one. */
  fail(error) {
    // Work of an earlier cell that was interrupted, and stopped later.
    if (error instanceof Interrupted && error !== this.cell.controller.signal.reason) return;
    if (this.running) {
      this.cell.errors.push(error);
      this.stop(error);
    } else if (!(error instanceof Interrupted)) {
      console.error(`Not awaited, after the end of the cell: ${describe(error).traceback.join("\n")}`);
    }
  }

  /** Asks the running cell to stop by its signal; if it does not, it is given up, and it may run on unseen. */
  stop(reason) {
    const { cell } = this;
    cell.controller.abort(reason);
    if (!this.running) return;
    cell.timer ??= setTimeout(() => {
      const first = cell.controller.signal.reason;
      if (first instanceof Interrupted) first.message += "; it ignores the abort signal, so what it began may go on";
      cell.giveUp?.(first);
    }, GRACE);
  }
}

/** Lets packages be loaded again whose loading was interrupted: Node.js would go on handing out the half that there is. */
function forgetHalfLoaded() {
  for (const [file, { loaded }] of Object.entries(require.cache)) if (!loaded) delete require.cache[file];
}

/** A last expression as a mime bundle: its own if it can display itself, else its text. */
async function bundle(value) {
  if (value === undefined || value === null) return undefined;
  if (typeof value[DISPLAY] === "function") return await value[DISPLAY]();
  const looks = typeof value === "object" ? await lookOf(value) : undefined;
  if (looks) return Object.keys(looks).length > 0 ? looks : undefined;
  const hint = types.isPromise(value) ? "\ndid you forget `await` before it?" : "";
  return { "text/plain": typeof value === "string" ? value : inspect(value) + hint };
}

/** How `lib/notebook/show.ts` shows it, once a cell has loaded that, empty where the cell has shown it already; undefined for what is better printed, also where showing it fails. */
async function lookOf(value) {
  try {
    return await globalThis[LOOK]?.(value);
  } catch {
    return undefined;
  }
}

module.exports = { Runner };
