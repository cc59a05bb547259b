// Adds to tslab's converter what it lacks: files of the project served by content, loaded anew when they or what they import was edited.
"use strict";
const { spawn } = require("node:child_process");
const path = require("node:path");
const { json } = require("node:stream/consumers");
const { compiled, make } = require("./compile.cjs");
const { ROOT, behind, isSource, made, namesOf } = require("./modules.cjs");
const { hideMissing, parsed, show } = require("./overlay.cjs");

const FEW = 10; // files that are made here, within a second and without a word

/**
 * Wraps a tslab converter. tslab would parse, check and compile every file behind an import in every kernel; here it sees declarations
 * that were made before, and the executor gets code that was made before. What was edited is made anew by `prepare`, ahead of the cell.
 */
function reloading(converter) {
  const modules = new Map(); // path of the .js (not on disk) -> its code, and the paths that it imports
  let changed = []; // of those, what the executor does not have yet
  let faults = [];

  /** Shows TypeScript the files behind a cell, those that have to be made anew as they were. */
  const serve = (code) => {
    hideMissing();
    const { files, stale } = behind(namesOf(code));
    const sources = [...files.keys()].filter((file) => isSource(file) && made.has(file));
    show(new Map(sources.map((file) => [file, made.get(file).declarations])));
    return { sources, stale };
  };
  const add = (file, data) => {
    if (modules.get(file)?.data === data) return;
    modules.set(file, { data, imports: new Set(importsOf(file, data)) });
    changed.push(file);
    const folder = path.dirname(file); // "./lib" is "./lib/index", for which tslab looks as "lib.js"
    if (path.basename(file) === "index.js")
      modules.set(`${folder}.js`, {
        data: `module.exports = require("./${path.basename(folder)}/index.js");`,
        imports: new Set([file]),
      });
  };

  /**
   * Makes what a cell needs and nobody has made yet.
   * @param {AbortSignal} signal ends it
   * @param {(text?: string) => void} say a word about it while it lasts; without a word it is over
   */
  const prepare = async (code, signal, say) => {
    faults = [];
    for (;;) {
      const { sources, stale } = serve(code);
      if (stale.length === 0) return void sources.forEach((file) => add(compiled(file), made.get(file).code));
      const result = stale.length > FEW ? await many(stale, code, signal, say) : make(namesOf(code), parsed);
      for (const [file, what] of Object.entries(result.made)) made.set(file, what);
      faults = result.faults;
      if (faults.length > 0) return;
    }
  };
  const many = (stale, code, signal, say) => {
    say(`Compiling ${stale.length} files of the project, once for this kernel and the next ones …\n`);
    return makeAside(namesOf(code), signal).finally(say);
  };
  const convert = (declarations, code) => {
    const result = faults.length > 0 ? { diagnostics: faults } : converter.convert(declarations, code);
    for (const { path: file, data } of result.sideOutputs ?? []) add(file, data); // of a module cell, or of JavaScript
    const sideOutputs = withImporters(modules, changed);
    changed = [];
    return { ...result, sideOutputs };
  };
  const serving = (ask) => (declarations, code, position) => {
    serve(code);
    return ask(declarations, code, position);
  };
  return { ...converter, prepare, convert, complete: serving(converter.complete), inspect: serving(converter.inspect) };
}

/** Makes it in a process of its own. */
async function makeAside(names, signal) {
  const child = spawn(process.execPath, [path.join(__dirname, "compile.cjs"), ...names], {
    cwd: ROOT,
    signal,
    detached: true, // an interrupt reaches the kernel, which ends it by its signal
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended = new Promise((resolve, reject) => child.once("error", reject).once("close", resolve));
  const [errors, result] = [[], json(child.stdout).catch(() => undefined)];
  child.stderr.on("data", (chunk) => errors.push(chunk));
  const status = await ended.catch((error) => error);
  signal.throwIfAborted();
  if ((await result) === undefined)
    throw new Error(`Cannot compile what the cell imports: ${status}\n${Buffer.concat(errors)}`);
  return result;
}

/** The changed files and all that import them, directly or not: a Set is walked to its end also while it grows. */
function withImporters(modules, changed) {
  const stale = new Set(changed);
  for (const file of stale) {
    for (const [importer, { imports }] of modules) if (imports.has(file)) stale.add(importer);
  }
  return [...stale].map((file) => ({ path: file, data: modules.get(file).data }));
}

function importsOf(file, code) {
  const names = [...code.matchAll(/\brequire\("(\.{1,2}\/[^"]+)"\)/g)].map((match) => match[1]);
  return names.map((name) => path.join(path.dirname(file), path.extname(name) === "" ? `${name}.js` : name));
}

module.exports = { reloading };
