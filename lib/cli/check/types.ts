// The strict type check of lib, tests and the code of notebooks, as one TypeScript program.
import { readFileSync } from "node:fs";
import { basename, join, relative } from "node:path";
import ts from "typescript";
import { cellModule, type CellModule, pageNotebook } from "./cells";

// In a cell an unused name is no fault: a reader tries things, and the last expression is shown.
const UNUSED = new Set([6133, 6138, 6192, 6196, 6198, 6199]);

/**
 * Type-checks what tsconfig.json names, and notebooks as if each were a module in the project's folder.
 * @param root the project's folder
 * @param notebooks the notebooks' files, and pages whose code blocks are cells
 * @returns one line for each fault: "lib/rows.ts:12:5: message" or "04_every_layer.ipynb cell 4 line 2: message"
 * @throws Error when tsconfig.json or a notebook cannot be read
 */
export function typeFaults(root: string, notebooks: readonly string[]): string[] {
  const { fileNames, options } = projectOptions(root);
  const modules = new Map(notebooks.map((file) => [moduleOf(root, file), readCells(root, file)]));
  const host = hostWith(modules, options);
  const program = ts.createProgram({ rootNames: [...fileNames, ...modules.keys()], options, host });
  const syntax = [...modules.values()].flatMap(({ name, faults }) =>
    faults.map(({ cell, line, message }) => `${name} cell ${cell} line ${line}: ${message}`),
  );
  const found = ts
    .getPreEmitDiagnostics(program)
    .filter(({ file, code }) => !(file && modules.has(file.fileName) && UNUSED.has(code)));
  return [...syntax, ...found.map((diagnostic) => describe(diagnostic, root, modules))];
}

function projectOptions(root: string): ts.ParsedCommandLine {
  const file = join(root, "tsconfig.json");
  const { config, error } = ts.readConfigFile(file, ts.sys.readFile);
  if (error) throw new Error(`Cannot read ${file}: ${ts.flattenDiagnosticMessageText(error.messageText, " ")}`);
  return ts.parseJsonConfigFileContent(config, ts.sys, root);
}

/** The cells of a notebook or a page, and how it is called in a fault. */
type Cells = CellModule & { readonly name: string };

/** Where its cells stand as a module: in the project's folder, so that "./lib" is what it is in a cell. */
function moduleOf(root: string, file: string): string {
  return join(root, `${relative(root, file).replaceAll("/", ".")}.ts`);
}

function readCells(root: string, file: string): Cells {
  try {
    const text = readFileSync(file, "utf8");
    if (file.endsWith(".md")) return { ...cellModule(pageNotebook(text)), name: relative(root, file) };
    return { ...cellModule(JSON.parse(text)), name: basename(file) };
  } catch (error) {
    throw new Error(`Cannot read the notebook ${file}: ${(error as Error).message}`, { cause: error });
  }
}

/** A compiler host that finds the notebooks' modules beside the real files. */
function hostWith(modules: ReadonlyMap<string, Cells>, options: ts.CompilerOptions): ts.CompilerHost {
  const host = ts.createCompilerHost(options);
  return {
    ...host,
    fileExists: (name) => modules.has(name) || host.fileExists(name),
    readFile: (name) => modules.get(name)?.text ?? host.readFile(name),
    getSourceFile: (name, version, ...rest) => {
      const cells = modules.get(name);
      return cells ? ts.createSourceFile(name, cells.text, version) : host.getSourceFile(name, version, ...rest);
    },
  };
}

function describe(diagnostic: ts.Diagnostic, root: string, modules: ReadonlyMap<string, Cells>): string {
  const message = ts.flattenDiagnosticMessageText(diagnostic.messageText, "\n    ");
  if (!diagnostic.file) return message;
  const { fileName } = diagnostic.file;
  const { line, character } = diagnostic.file.getLineAndCharacterOfPosition(diagnostic.start ?? 0);
  const cells = modules.get(fileName);
  const place = cells?.places[line];
  if (place) return `${cells?.name} cell ${place.cell} line ${place.line}: ${message}`;
  return `${relative(root, fileName)}:${line + 1}:${character + 1}: ${message}`;
}
