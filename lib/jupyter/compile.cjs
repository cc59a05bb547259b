// Makes what cells need of the project's files: checks those that were edited, and writes down their declarations and their code.
// node compile.cjs <import>…: prints {faults, made} as JSON; a process of its own for many files, because a kernel would keep the memory.
"use strict";
const fs = require("node:fs");
const path = require("node:path");
const ts = require("@tslab/typescript-for-tslab");
process.env.ESBUILD_WORKER_THREADS = "0"; // its helper would be ended by the first interrupt of a cell
const esbuild = require("esbuild");
const { ROOT, VERSION: version, behind, digestOf, facesOf, isOwn, isSource, keep, made } = require("./modules.cjs");

/** tslab's own, for cells and for what they import. */
const OPTIONS = {
  ...{ module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Node10, esModuleInterop: true },
  ...{ target: ts.ScriptTarget.ES2022, lib: ["lib.es2022.d.ts"], newLine: ts.NewLineKind.LineFeed },
  ...{ declaration: true, experimentalDecorators: true, resolveJsonModule: true, jsx: ts.JsxEmit.React },
  ...{ allowJs: true, checkJs: true, skipLibCheck: true, disableTopLevelAwait: true, rootDir: ROOT, outDir: "outDir" },
};

/**
 * Makes what is stale behind some imports. What an edited file shows may make its importers stale in turn: they are for the next call.
 * @param {string[]} names as written in the project's folder
 * @param {(file: string) => ts.SourceFile | undefined} parsed files of packages, as far as somebody has parsed them
 * @returns {{faults: object[], made: Record<string, import("./modules.cjs").Made>}} faults: diagnostics in tslab's form
 */
function make(names, parsed) {
  const { files, stale } = behind(names);
  const { faults, declarations } = declare(files, stale, parsed);
  const good = untouched(files, stale, faults);
  const codes = codesOf(good);
  for (const file of good) {
    const [{ digest, names }, declared] = [files.get(file), declarations.get(file)];
    const what = { version, digest, names, imports: {}, face: digestOf(declared), declarations: declared };
    made.set(file, { ...what, code: codes.get(compiled(file)) });
  }
  const same = good.filter((file) => fs.readFileSync(file, "utf8") === files.get(file).text); // not edited meanwhile
  const faced = (file) => ({ ...made.get(file), imports: facesOf(files.get(file).imports, files) });
  const news = Object.fromEntries(same.map((file) => [file, faced(file)]));
  for (const [file, what] of Object.entries(news)) keep(file, what);
  return { faults, made: news };
}

/** Makes all of it. */
function makeAll(names) {
  const all = { faults: [], made: {} };
  while (all.faults.length === 0 && behind(names).stale.length > 0) {
    const { faults, made } = make(names, () => undefined);
    all.faults = faults;
    Object.assign(all.made, made);
  }
  return all;
}

/** The files that are behind no fault: they need not be made again when the faults are mended. */
function untouched(files, stale, faults) {
  const touched = new Set(faults.map(({ fileName }) => path.join(ROOT, fileName)));
  for (const fault of touched) for (const file of stale) if (files.get(file).imports.includes(fault)) touched.add(file);
  return stale.filter((file) => !touched.has(file));
}

/** Checks files and writes their declarations, with the declarations of all others in place of their text. */
function declare(files, sources, parsed) {
  const program = ts.createProgram({ rootNames: sources, options: OPTIONS, host: hostOf(files, sources, parsed) });
  const diagnostics = sources.flatMap((file) => ts.getPreEmitDiagnostics(program, program.getSourceFile(file)));
  const faults = diagnostics.filter(({ file }) => file && isOwn(file.fileName)).map(faultOf);
  const declarations = new Map();
  for (const file of sources) {
    const write = (_, text) => declarations.set(file, text);
    program.emit(program.getSourceFile(file), write, undefined, true);
    if (!declarations.has(file) && faults.length === 0)
      throw new Error(`Cannot declare ${file}: TypeScript wrote nothing`);
  }
  return { faults, declarations };
}

function hostOf(files, sources, parsed) {
  const others = [...files.keys()].filter((file) => isSource(file) && !sources.includes(file));
  const declared = new Map(others.map((file) => [declarationsOf(file), made.get(file).declarations]));
  const host = ts.createCompilerHost(OPTIONS);
  const { fileExists, getSourceFile, readFile } = host;
  return Object.assign(host, {
    fileExists: (file) => declared.has(file) || (fileExists(file) && !declared.has(declarationsOf(file))),
    readFile: (file) => declared.get(file) ?? files.get(file)?.text ?? readFile(file),
    getSourceFile: (file, ...rest) => (isOwn(file) ? undefined : parsed(file)) ?? getSourceFile(file, ...rest),
  });
}

/** A diagnostic as tslab hands it out. */
function faultOf({ file, start, length, messageText, category, code }) {
  const at = (offset) => {
    const { line, character } = ts.getLineAndCharacterOfPosition(file, offset);
    return { offset, line, character };
  };
  const fileName = path.relative(ROOT, file.fileName);
  const text = ts.flattenDiagnosticMessageText(messageText, "\n");
  return { start: at(start), end: at(start + length), messageText: text, category, code, fileName };
}

/** By esbuild, all at once, as types are checked: TypeScript takes ten times as long. By the path of the .js, which no disk has. */
function codesOf(files) {
  const { outputFiles } = esbuild.buildSync({
    ...{ entryPoints: files, bundle: false, write: false, outbase: "/", outdir: "/", logLevel: "silent" },
    ...{ format: "cjs", target: "es2022", sourcemap: "inline", sourcesContent: false },
  });
  return new Map(outputFiles.map(({ path: file, text }) => [file, text]));
}

const compiled = (file) => file.replace(/\.tsx?$/, ".js");
const declarationsOf = (file) => file.replace(/\.tsx?$/, ".d.ts");

if (require.main === module) process.stdout.write(JSON.stringify(makeAll(process.argv.slice(2))));

module.exports = { compiled, declarationsOf, make };
