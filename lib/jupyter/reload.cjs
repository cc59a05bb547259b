// Adds to tslab's converter what it lacks: reload of edited files also behind other imports, and line numbers of lib/*.ts.
"use strict";
const fs = require("node:fs");
const path = require("node:path");
process.env.ESBUILD_WORKER_THREADS = "0"; // its helper would be ended by the first interrupt of a cell
const esbuild = require("esbuild");

const OPTIONS = {
  ...{ bundle: false, write: false, outbase: "/", outdir: "/", logLevel: "silent" },
  ...{ format: "cjs", target: "es2022", sourcemap: "inline", sourcesContent: false },
};

/**
 * Wraps a tslab converter so that an edited file is loaded again together with all that import it. tslab hands out a
 * file's code (`sideOutputs`) when it has changed and then forgets the module, but keeps its importers with the old one.
 */
function reloading(converter) {
  const modules = new Map(); // path of the emitted .js (not on disk) -> its code, and the paths that it imports
  const add = (file, data) => modules.set(file, { data, imports: new Set(importsOf(file, data)) });
  const convert = (declarations, code) => {
    const result = converter.convert(declarations, code);
    if (result.sideOutputs) {
      const compiled = withLines(result.sideOutputs.map((output) => output.path));
      for (const { path: file, data } of result.sideOutputs) {
        add(file, compiled.get(file) ?? data); // data: of a module cell, or of JavaScript
        const folder = path.dirname(file); // "./lib" is "./lib/index", for which tslab looks as "lib.js"
        if (path.basename(file) === "index.js")
          add(`${folder}.js`, `module.exports = require("./${path.basename(folder)}/index.js");`);
      }
      const changed = result.sideOutputs.map((output) => output.path);
      result.sideOutputs = withImporters(modules, changed);
    }
    return result;
  };
  return { ...converter, convert };
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

/**
 * Files of TypeScript compiled once more with a source map, by the path of the emitted .js: tslab's own output has none. All at once by
 * esbuild, as types were checked before: notebook 04's import takes 4.6 s so, and 6.0 s where TypeScript compiles file by file.
 */
function withLines(files) {
  const entryPoints = files.map((file) => file.replace(/\.js$/, ".ts")).filter((source) => fs.existsSync(source));
  if (entryPoints.length === 0) return new Map();
  const { outputFiles } = esbuild.buildSync({ ...OPTIONS, entryPoints });
  return new Map(outputFiles.map(({ path: file, text }) => [file, text]));
}

module.exports = { reloading };
