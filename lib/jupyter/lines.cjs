// Finds the line of a notebook cell that a stack frame of its compiled code belongs to.
"use strict";
const { SourceMap } = require("node:module");
const ts = require("@tslab/typescript-for-tslab");

const cells = new Map(); // execution count -> {code, output}

/** Names a cell's compiled code after its execution count, so that stack frames say "cell[3]". */
function named(count, code, output) {
  if (!output) return output;
  cells.set(String(count), { code, output });
  return `${output}\n//# sourceURL=cell[${count}]`;
}

/** Puts the cell's line into a stack frame: "at f (cell[3]:12:9)" becomes "at f (cell 3, line 10)". */
function placed(frame) {
  return frame.replace(/cell\[(\d+)\]:(\d+):\d+/, (_, count, line) => {
    const found = lineOf(cells.get(count), Number(line));
    return found === undefined ? `cell ${count}` : `cell ${count}, line ${found}`;
  });
}

/**
 * tslab compiles a cell twice, without source maps, and rewrites names. So the cell is compiled here once more with a map,
 * and the two outputs are matched by text: the n-th line that reads like this one.
 */
function lineOf({ code, output }, line) {
  const options = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext, sourceMap: true };
  const { outputText, sourceMapText } = ts.transpileModule(code, { compilerOptions: options });
  const emitted = output.split("\n").map(bare);
  const text = emitted[line - 1];
  const nth = emitted.slice(0, line - 1).filter((other) => other === text).length;
  const matches = [...outputText.split("\n").map(bare).entries()].filter(([, other]) => other === text);
  if (!text || nth >= matches.length) return undefined;
  const column = outputText.split("\n")[matches[nth][0]].search(/\S/);
  return new SourceMap(JSON.parse(sourceMapText)).findEntry(matches[nth][0], column).originalLine + 1;
}

/** A compiled line without what tslab's rewriting adds: exports, the names of required modules, white space. */
function bare(line) {
  return line
    .replace(/\(0, (?:\w+\.)?(\w+)\)/g, "$1")
    .replace(/\bexports\.tsLastExpr\d* = |\bexports\.|\b\w+_\d+\./g, "")
    .replace(/\s|;$/g, "");
}

module.exports = { named, placed };
