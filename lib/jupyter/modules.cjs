// The project's files behind a cell, and what was made of each: declarations for the checker, code for the runtime. Kept by content in
// node_modules/.cache, so that neither the next cell nor the next kernel makes them again.
"use strict";
const { createHash } = require("node:crypto");
const fs = require("node:fs");
const path = require("node:path");

const ENDINGS = [".ts", ".tsx", "/index.ts", ".js"]; // in TypeScript's order
const ROOT = process.cwd();
const FOLDER = path.join(ROOT, "node_modules/.cache/nontrivial/kernel");
const MAKERS = ["package-lock.json", "tsconfig.json", "lib/jupyter/modules.cjs", "lib/jupyter/compile.cjs"];

/**
 * @typedef {object} Found a file as it is now
 * @property {string} text
 * @property {string} digest of the text
 * @property {string[]} names what it imports, as written: "./ablate"
 * @property {string[]} imports the same as paths, as far as the files are there
 *
 * @typedef {object} Made what was made of a file
 * @property {string} version of what made it
 * @property {string} digest of the text that it was made of
 * @property {string[]} names
 * @property {Record<string, string>} imports by path in the project: the face that each import had
 * @property {string} face digest of the declarations
 * @property {string} declarations
 * @property {string} code CommonJS with its source map
 */

const digestOf = (text) => createHash("sha256").update(text).digest("hex");
const VERSION = digestOf(MAKERS.map((file) => fs.readFileSync(path.join(ROOT, file), "utf8")).join("\n"));

/** @type {Map<string, Made>} by path; what disk keeps of a file replaces what this process knows of it only where it fits better */
const made = new Map();

/** The imports of a file or a cell that begin with a dot, as written; with those of types, and those that happen while it runs. */
function namesOf(text) {
  const ts = require("@tslab/typescript-for-tslab"); // takes 0.2 s, and can be done without where nothing was edited
  const names = new Set();
  const visit = (node) => {
    const name = node.moduleSpecifier ?? node.moduleReference?.expression ?? node.argument?.literal;
    const called = node.expression?.kind === ts.SyntaxKind.ImportKeyword ? node.arguments[0] : name;
    if (called && ts.isStringLiteralLike(called) && called.text.startsWith(".")) names.add(called.text);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile("file.tsx", text, ts.ScriptTarget.ES2022, false, ts.ScriptKind.TS));
  return [...names];
}

/** Whether a file is the project's own and has to be compiled. */
const isSource = (file) => /\.tsx?$/.test(file) && !file.endsWith(".d.ts") && isOwn(file);

const isOwn = (file) => file.startsWith(ROOT + path.sep) && !file.includes(`${path.sep}node_modules${path.sep}`);

/**
 * Goes through all files behind some imports.
 * @param {string[]} names as written in the project's folder
 * @returns {{files: Map<string, Found>, stale: string[]}} by path; `stale` are those that have to be made, because their text is not
 * what was made, or an import's face is not what it was then
 */
function behind(names) {
  const files = new Map();
  for (const file of found(ROOT, names)) visit(file, files);
  const stale = [...files.keys()].filter((file) => isSource(file) && !isMade(file, files.get(file), files));
  return { files, stale };
}

function visit(file, files) {
  if (files.has(file)) return;
  const text = fs.readFileSync(file, "utf8");
  const digest = digestOf(text);
  const last = latest(file, digest);
  const names = last?.digest === digest ? last.names : namesOf(text);
  const imports = found(path.dirname(file), names);
  files.set(file, { text, digest, names, imports });
  for (const each of imports) visit(each, files);
}

function found(folder, names) {
  const isFile = (file) => fs.existsSync(file) && fs.statSync(file).isFile();
  const find = (name) => {
    const base = path.join(folder, name).replace(/\.js$/, "");
    return ENDINGS.map((ending) => base + ending).find(isFile);
  };
  return [...new Set(names.map(find))].filter((file) => file && isOwn(file));
}

function isMade(file, { digest, imports }, files) {
  const last = latest(file, digest);
  return last?.digest === digest && isSame(last.imports, facesOf(imports, files));
}

/** What each import of a file shows of itself; of an edited one what it showed before, so that an edit that shows nothing stays its own. */
function facesOf(imports, files) {
  const faceOf = (file) => (isSource(file) ? made.get(file)?.face : files.get(file).digest);
  return Object.fromEntries(imports.map((file) => [path.relative(ROOT, file), faceOf(file)]));
}

/** What was last made of a file; looks at what other processes kept where this one knows nothing of a text. */
function latest(file, digest) {
  const known = made.get(file);
  if (known?.digest === digest) return known;
  const other = kept(file);
  if (other?.version === VERSION && (!known || other.digest === digest)) made.set(file, other);
  return made.get(file);
}

function kept(file) {
  try {
    return JSON.parse(fs.readFileSync(place(file), "utf8"));
  } catch {
    return undefined; // never made, or damaged
  }
}

/** Keeps what was made of a file: whole or not at all, as another process may read or write it now. */
function keep(file, what) {
  made.set(file, what);
  const temporary = `${place(file)}.${process.pid}.tmp`;
  try {
    fs.mkdirSync(path.dirname(temporary), { recursive: true });
    fs.writeFileSync(temporary, JSON.stringify(what));
    fs.renameSync(temporary, place(file));
  } catch {
    // A checkout that cannot be written: each kernel makes its own.
  }
}

function place(file) {
  return path.join(FOLDER, `${path.relative(ROOT, file)}.json`);
}

const isSame = (one, other) =>
  Object.keys(one).length === Object.keys(other).length && Object.keys(one).every((key) => one[key] === other[key]);

// node modules.cjs <import>…: prints how many files have to be made.
if (require.main === module) process.stdout.write(String(behind(process.argv.slice(2)).stale.length));

module.exports = { ROOT, VERSION, behind, digestOf, facesOf, isOwn, isSource, keep, made, namesOf };
