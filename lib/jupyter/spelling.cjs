// Two forms of a cell that tslab's converter misreads: short properties of earlier cells' names, and `for await` alone.
"use strict";
const ts = require("@tslab/typescript-for-tslab");

/**
 * Wraps a tslab converter. tslab finds the names of earlier cells by their symbols, but the symbol of `{ name }` is the new
 * property's; and it takes a cell for asynchronous only when TypeScript complains about an `await` expression.
 */
function spelling(converter) {
  const convert = (declarations, code) => {
    const written = converter.convert(declarations, code);
    const loops = awaitsInLoop(code);
    const spelled = spelledOut(code);
    // What was written comes first: its diagnostics have the right columns.
    const again = spelled !== code && written.diagnostics.length === 0;
    const result = again ? converter.convert(declarations, spelled) : written;
    const sideOutputs = written.sideOutputs ?? result.sideOutputs;
    return { ...result, sideOutputs, hasToplevelAwait: result.hasToplevelAwait || loops };
  };
  return { ...converter, convert };
}

/** The code with every `{ name }` of an object written as `{ name: name }`. */
function spelledOut(code) {
  const names = [];
  const visit = (node) => {
    if (ts.isShorthandPropertyAssignment(node)) names.push(node.name);
    ts.forEachChild(node, visit);
  };
  visit(parsed(code));
  return names.reduceRight((text, { end, text: name }) => `${text.slice(0, end)}: ${name}${text.slice(end)}`, code);
}

/** Whether the cell itself, not a function in it, has a `for await` loop. */
function awaitsInLoop(code) {
  const found = (node) =>
    !ts.isFunctionLike(node) &&
    (Boolean(node.awaitModifier) || Boolean(ts.forEachChild(node, (child) => found(child) || undefined)));
  return found(parsed(code));
}

function parsed(code) {
  return ts.createSourceFile("cell.ts", code, ts.ScriptTarget.ES2022, true, ts.ScriptKind.TS);
}

module.exports = { spelling };
