// Shows TypeScript's watch the project's files as declarations that were made before (modules.cjs), in place of their text: a cell's
// check reads a file of 130 lines as the 30 lines that others see of it, and neither checks nor compiles it.
"use strict";
const ts = require("@tslab/typescript-for-tslab");
const { declarationsOf } = require("./compile.cjs");
const { isSource } = require("./modules.cjs");

const shown = new Map(); // path of the declarations, which no disk has -> text
const watchers = new Map(); // the same -> what TypeScript wants to be called
const folders = new Map(); // folder -> the same
let program;

/** A file as TypeScript's watch has parsed it, where it has. */
const parsed = (file) => program?.getSourceFile(file);

/**
 * Shows what was made of files.
 * @param {Map<string, string>} declarations by the path of the file; a file that was shown before and is missing here stays
 */
function show(declarations) {
  for (const [file, text] of declarations) {
    const place = declarationsOf(file);
    const before = shown.get(place);
    shown.set(place, text);
    if (before === undefined) appeared(place);
    else if (before !== text) tell(place, ts.FileWatcherEventKind.Changed);
  }
}

/** Hides what was made of files that are no longer there. */
function hideMissing() {
  for (const place of shown.keys()) {
    const stem = place.slice(0, -".d.ts".length);
    if (ts.sys.fileExists(`${stem}.ts`) || ts.sys.fileExists(`${stem}.tsx`)) continue;
    shown.delete(place);
    tell(place, ts.FileWatcherEventKind.Deleted);
  }
}

function tell(place, kind) {
  for (const callback of watchers.get(place) ?? []) callback(place, kind);
}

/** What was looked for in vain is looked for again. */
function appeared(place) {
  for (const [folder, callbacks] of folders) {
    if (place.startsWith(`${folder}/`)) for (const callback of callbacks) callback(place);
  }
}

/** Wraps `createWatchCompilerHost` so that TypeScript sees what is shown; the project's files themselves it never sees. */
function withOverlay(createWatchCompilerHost) {
  return (files, options, system, ...rest) => {
    const { fileExists, readFile, watchFile, watchDirectory } = system;
    Object.assign(system, {
      fileExists: (file) => shown.has(file) || (fileExists(file) && !(isSource(file) && ts.sys.fileExists(file))),
      readFile: (file, ...more) => shown.get(file) ?? readFile(file, ...more),
      watchFile: (file, callback, ...more) =>
        shown.has(file) ? noting(watchers, file, callback) : watchFile(file, callback, ...more),
      watchDirectory: (folder, callback, ...more) => {
        const note = noting(folders, folder, callback);
        const watch = watchDirectory.call(system, folder, callback, ...more);
        return { close: () => (note.close(), watch.close()) };
      },
    });
    const host = createWatchCompilerHost(files, options, system, ...rest);
    const { createProgram } = host;
    host.createProgram = (...args) => (program = createProgram(...args));
    return host;
  };
}

function noting(map, key, callback) {
  const callbacks = map.get(key) ?? new Set();
  map.set(key, callbacks.add(callback));
  return { close: () => callbacks.delete(callback) };
}

module.exports = { hideMissing, parsed, show, withOverlay };
