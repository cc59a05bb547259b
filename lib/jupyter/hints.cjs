// What to do instead, beside errors that are not about the code but about where and in what it runs.
"use strict";
const fs = require("node:fs");
const path = require("node:path");

const PACKAGE = /^(?:@[\w.~-]+\/)?[\w.~-]+/; // the part of a module's name that npm knows

/** Habits of other notebooks, by what a line looks like. */
const HABITS = [
  [
    /^\s*%/,
    () => "this kernel has no magics; a cell is TypeScript. `console.time()` and `console.timeEnd()` measure time",
  ],
  [/^\s*!\s*(?<command>.+)/, ({ command }) => `this kernel has no shell of its own: ${shellCall(command)}`],
  [/^\s*(\?|[\w$.]+\s*\?\??\s*;?\s*$)/, () => "to ask what a name is, put the cursor on it and press Shift-Tab"],
];

function shellCall(command) {
  return `\`(await import("node:child_process")).execSync(${JSON.stringify(command.trim())}, { encoding: "utf8" })\``;
}

/** @param {{file?: string, line?: number, text: string}} diagnostic @param {string[]} lines of the cell @returns {string | undefined} */
function hintOf({ file, line, text }, lines = []) {
  if (/Cannot find name '(input|prompt)'/.test(text)) return "this kernel cannot ask; write the value into the cell";
  const habit =
    !file && HABITS.map(([form, hint]) => [form.exec(lines[line - 1] ?? ""), hint]).find(([found]) => found);
  if (habit) return habit[1](habit[0].groups ?? {});
  const [, above] = /ENOENT.* '(\.\.\/[^']+)'/.exec(text) ?? [];
  const [, name = above] = /Cannot find (?:module|package) '([^']+)'/.exec(text) ?? [];
  if (name === undefined) return undefined;
  return /^[./]/.test(name) ? pathHint(name, file) : packageHint(name);
}

/** Of a cell's own imports; those of a file start at the file. */
function pathHint(name, file) {
  if (file) return undefined;
  const inside = `./${name.replace(/^(\.{0,2}\/)+/, "")}`;
  const there = ["", ".ts", "/index.ts"].some((ending) => fs.existsSync(path.resolve(inside + ending)));
  const start = 'paths start in the checkout, whatever folder the notebook is in: "./lib", "./data/…"';
  return there && inside !== name ? `${start}; here "${inside}"` : start;
}

function packageHint(name) {
  const found = PACKAGE.exec(name)?.[0];
  return (
    found &&
    `"${found}" is not installed: \`npm install ${found}\` in a terminal, in the checkout, then run the cell again`
  );
}

module.exports = { hintOf };
