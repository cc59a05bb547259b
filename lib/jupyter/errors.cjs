// Makes the content of Jupyter's `error` message from whatever a cell threw, without the kernel's own frames.
"use strict";
const path = require("node:path");
const { inspect, types } = require("node:util");
const { hintOf } = require("./hints.cjs");
const { placed } = require("./lines.cjs");
const { unplaced } = require("./variables.cjs");

const ROOT = process.cwd() + path.sep;
const MAX_LINE = 1000; // a module minified into one line would put megabytes into the notebook
const MAX_CAUSES = 5; // an error may be its own cause
const WRAPPER_FRAME = /^ +at cell \d+$/; // the function that tslab puts around a cell
const KERNEL_FRAME = /^\s+at .*(node:|[\\/]node_modules[\\/]tslab[\\/]|[\\/]lib[\\/]jupyter[\\/])/;

/** The user's interrupt; also the reason of the abort signal, so loops throw it. */
class Interrupted extends Error {
  constructor() {
    super("The cell was interrupted");
    this.name = "Interrupted";
  }
}

/** TypeScript's diagnostics for a cell, or for a file that it imports. */
class CellError extends Error {
  constructor(diagnostics, code) {
    super(
      diagnostics.map(({ file, line, column, text }) => `${file || "cell"}:${line}:${column} - ${text}`).join("\n"),
    );
    this.name = "TypeScript";
    const lines = code.split("\n");
    const hint = diagnostics.map((diagnostic) => hintOf(diagnostic, lines)).find(Boolean);
    this.stack = [...diagnostics.map((diagnostic) => explain(diagnostic, lines)), ...hinted(hint)].join("\n");
  }
}

const hinted = (hint) => (hint ? [`Hint: ${hint}.`] : []);

function explain({ file, line, column, text }, lines) {
  const place = `TypeScript: ${file || "cell"}, line ${line}, column ${column}: ${text}`;
  if (file || lines[line - 1] === undefined) return place;
  return `${place}\n  ${lines[line - 1]}\n  ${" ".repeat(column - 1)}^`;
}

/** Describes a thrown value as Jupyter's {ename, evalue, traceback}. */
function describe(error) {
  if (!(error instanceof Error) && !types.isNativeError(error)) {
    return { ename: "Thrown", evalue: inspect(error), traceback: [`Thrown: ${inspect(error)}`] };
  }
  return { ename: String(error.name), evalue: unplaced(String(error.message)), traceback: tracebackOf(error) };
}

function tracebackOf(error, depth = 0) {
  // Its frames would show where the signal was handled, not where the cell was.
  if (error instanceof Interrupted) return [`${error.name}: ${error.message}`];
  const lines = String(error.stack ?? error).split("\n");
  const start = lines.findIndex((line) => line.startsWith(String(error.name))); // vm puts an excerpt of compiled code before it
  const frames = lines.slice(Math.max(start, 0)).filter((line) => !KERNEL_FRAME.test(line));
  const own = frames.map((line) => placed(unplaced(line)).replaceAll(ROOT, "").slice(0, MAX_LINE));
  const more = error.cause instanceof Error && depth < MAX_CAUSES;
  const hint = error instanceof CellError ? undefined : hintOf({ text: String(error.message) });
  const cause = more ? ["Caused by:", ...tracebackOf(error.cause, depth + 1)] : [];
  return [...own.filter((line) => !WRAPPER_FRAME.test(line)), ...hinted(hint), ...cause];
}

module.exports = { CellError, Interrupted, describe };
