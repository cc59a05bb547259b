// What may stand at the cursor: tslab's names, and in quotes the files and folders that a path may go on with.
"use strict";
const fs = require("node:fs");
const path = require("node:path");
const ts = require("@tslab/typescript-for-tslab");

/** @param {number} at the cursor's place @returns {{start: number, end: number, matches: string[]}} what may stand where */
function completed(executor, code, at) {
  const quoted = quotedBefore(code, at);
  if (quoted !== undefined && /^\.{0,2}\/|[^:]\/(?!\/)/.test(quoted.text)) return pathsFor(quoted, at);
  const { start, end, candidates } = executor.complete(code, at);
  return { start, end, matches: candidates };
}

/** The text between the opening quote and the cursor, and whether it is what an import names. */
function quotedBefore(code, at) {
  let found;
  const visit = (node) => {
    const inside = node.getStart(source) < at && at <= node.end;
    if (inside && ts.isStringLiteralLike(node)) found = node;
    ts.forEachChild(node, visit);
  };
  const source = ts.createSourceFile("cell.ts", code, ts.ScriptTarget.ES2022, true, ts.ScriptKind.TS);
  visit(source);
  if (!found) return undefined;
  const imports = ts.isImportDeclaration(found.parent) || ts.isExportDeclaration(found.parent);
  return { text: code.slice(found.getStart(source) + 1, at), imports };
}

/** The entries of a folder that begin like the last part of a path; modules without their ending. */
function pathsFor({ text, imports }, at) {
  const cut = text.lastIndexOf("/") + 1;
  const [folder, begin] = [text.slice(0, cut), text.slice(cut)];
  const names = entriesOf(folder)
    .filter(({ name }) => name.startsWith(begin) && (begin !== "" || !name.startsWith(".")))
    .filter((entry) => !imports || entry.isDirectory() || /(?<!\.d)\.tsx?$/.test(entry.name))
    .map((entry) => (entry.isDirectory() ? `${entry.name}/` : imports ? path.parse(entry.name).name : entry.name));
  return { start: at - begin.length, end: at, matches: names.sort() };
}

function entriesOf(folder) {
  try {
    return fs.readdirSync(folder, { withFileTypes: true });
  } catch {
    return []; // no such folder: nothing to go on with
  }
}

module.exports = { completed };
