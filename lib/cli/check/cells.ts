// A notebook's code cells as one TypeScript module, so that they can be type-checked together as they will run.
import ts from "typescript";

/** The parts of a notebook file (nbformat 4) that matter here. */
export interface Notebook {
  readonly cells: readonly NotebookCell[];
}

/** One of its cells; text is a string, or a string for each line. */
export interface NotebookCell {
  readonly id?: string;
  readonly cell_type: string;
  readonly source: string | readonly string[];
  readonly execution_count?: number | null;
  readonly outputs?: readonly {
    readonly output_type: string;
    readonly text?: string | readonly string[];
    readonly data?: Readonly<Record<string, unknown>>;
    readonly ename?: string;
    readonly evalue?: string;
  }[];
}

/** A line of a notebook; cells are counted as Jupyter numbers them when run from the top, code cells only, from 1. */
export interface Place {
  readonly cell: number;
  readonly line: number;
}

/** A fault at a line of a notebook. */
export interface Fault extends Place {
  readonly message: string;
}

/** The module, where each of its lines comes from, and the faults that kept cells out of it. */
export interface CellModule {
  readonly text: string;
  readonly places: readonly Place[];
  readonly faults: readonly Fault[];
}

/**
 * Joins the code cells of a notebook. A cell that cannot be parsed is left out, so that it hides no fault of another; the
 * names that it declares stay, without a type.
 */
export function cellModule(notebook: Notebook): CellModule {
  const code = notebook.cells.filter((cell) => cell.cell_type === "code");
  const sources = code.map((cell) => [cell.source].flat().join("")).filter((source) => source.trim() !== "");
  const faults = sources.map((source, index) => syntaxFaults(source, index + 1));
  const texts = sources.map((source, index) => (faults[index].length > 0 ? namesOnly(source) : source));
  const places = texts.flatMap((text, index) =>
    text.split("\n").map((_, line) => ({ cell: index + 1, line: line + 1 })),
  );
  return { text: [...texts, "export {};"].join("\n"), places, faults: faults.flat() };
}

/** The ```ts blocks of a page as the cells of a notebook. */
export function pageNotebook(markdown: string): Notebook {
  const blocks = [...markdown.matchAll(/^```ts\n([\s\S]*?)^```$/gm)];
  return { cells: blocks.map(([, source]) => ({ cell_type: "code", source: source.trimEnd() })) };
}

function parse(source: string): ts.SourceFile {
  return ts.createSourceFile("cell.ts", `${source}\nexport {};`, ts.ScriptTarget.ES2022, false, ts.ScriptKind.TS);
}

function syntaxFaults(source: string, cell: number): Fault[] {
  const file = parse(source);
  const { parseDiagnostics } = file as unknown as { parseDiagnostics: readonly ts.DiagnosticWithLocation[] };
  return parseDiagnostics.map(({ start, messageText }) => {
    const line = Math.min(file.getLineAndCharacterOfPosition(start).line + 1, source.split("\n").length);
    return { cell, line, message: ts.flattenDiagnosticMessageText(messageText, " ") };
  });
}

function namesOnly(source: string): string {
  const names = new Set(parse(source).statements.flatMap(declaredNames));
  return [...names].map((name) => `declare const ${name}: any;`).join(" ");
}

function declaredNames(statement: ts.Statement): string[] {
  if (ts.isVariableStatement(statement))
    return statement.declarationList.declarations.flatMap(({ name }) => bound(name));
  if (ts.isFunctionDeclaration(statement) || ts.isClassDeclaration(statement)) return bound(statement.name);
  if (!ts.isImportDeclaration(statement)) return [];
  const { name, namedBindings } = statement.importClause ?? {};
  if (namedBindings && ts.isNamedImports(namedBindings))
    return [name, ...namedBindings.elements.map((each) => each.name)].flatMap(bound);
  return [name, namedBindings?.name].flatMap(bound);
}

function bound(name: ts.BindingName | undefined): string[] {
  if (name === undefined) return [];
  if (ts.isIdentifier(name)) return name.text === "" ? [] : [name.text];
  return name.elements.flatMap((element) => (ts.isOmittedExpression(element) ? [] : bound(element.name)));
}
