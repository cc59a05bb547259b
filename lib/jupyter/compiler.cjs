// Compiles cells with tslab's executor, which would start them at once, and leaves it to the runner when and how they run.
"use strict";
const path = require("node:path");
const { pathToFileURL } = require("node:url");
const vm = require("node:vm");
const { createExecutor } = require("tslab/dist/executor");
const { placedIn, Variables } = require("./variables.cjs");

/**
 * @typedef {object} Compiled a cell that can be started
 * @property {vm.Script} script gives a promise where the cell is asynchronous
 * @property {string} [declOutput] the declarations of this cell and those before it
 * @property {string} [lastExpressionVar] the variable that its last expression becomes
 */

class Compiler {
  /**
   * @param {string} root folder that the cells' relative imports start from
   * @param {object} converter tslab's
   * @param {(...error: unknown[]) => void} note takes tslab's diagnostics
   */
  constructor(root, converter, note) {
    this.converter = converter;
    const parted = { ...converter, convert: (declarations, code) => this.convert(declarations, code) };
    const converters = { node: parted, browser: parted, close: () => converter.close() };
    this.executor = createExecutor(root, converters, { error: note });
    this.variables = new Variables();
    Object.assign(globalThis.__tslab__, { exports: this.variables.exports, place: this.variables.place, load });
  }

  /** What tslab's executor gets for a cell: nothing that it could run. It keeps the files that a cell imports, and declarations. */
  convert(declarations, code) {
    if (this.ended) return { diagnostics: [], declOutput: this.ended.declOutput };
    const result = this.converter.convert(declarations, code);
    if (result.diagnostics.length === 0) this.compiled = result;
    return { diagnostics: result.diagnostics, sideOutputs: result.sideOutputs, declOutput: declarations };
  }

  /** @returns {Promise<Compiled | undefined>} undefined for a module, which is kept, and where there are errors, which are noted */
  async compile(code) {
    this.compiled = undefined;
    await this.executor.execute(code);
    return this.compiled && { ...this.compiled, script: scriptOf(this.compiled) };
  }

  /** Makes the declarations of a cell known to those after it. */
  async remember(compiled) {
    this.ended = compiled;
    await this.executor.execute("");
    this.ended = undefined;
  }

  /** Hands out the value of a cell's last expression, which may be a promise, and keeps nothing of it. */
  lastValue({ lastExpressionVar }) {
    return this.variables.take(lastExpressionVar);
  }
}

const DYNAMIC_IMPORT = /(?<=\.then\((?:\(\)|s) => )__importStar\(require\((s|"[^"\n]*")\)\)/g; // as TypeScript writes it

/** A function, as tslab makes of a cell, so that names can be declared again. */
function scriptOf({ output = "", hasToplevelAwait }) {
  const code = placedIn(output, "__tslab__.place").replace(DYNAMIC_IMPORT, "__tslab__.load(() => $&, $1)");
  const begin = hasToplevelAwait ? "async function" : "function";
  return new vm.Script(`(${begin}(exports, require) { ${code}\n})(__tslab__.exports, __tslab__.require)`);
}

/** Loads for a dynamic import what `require` cannot: a module that awaits something itself. */
function load(required, name) {
  try {
    return required();
  } catch (error) {
    if (error?.code !== "ERR_REQUIRE_ASYNC_MODULE") throw error;
    return import(/^\.{0,2}\//.test(name) ? pathToFileURL(path.resolve(name)).href : name);
  }
}

module.exports = { Compiler };
