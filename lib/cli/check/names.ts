// The page of all names that a notebook can import: read from lib/index.ts, its groups and the first sentences of docstrings.
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import ts from "typescript";

/** A name that the front door hands out. */
export interface Name {
  readonly name: string;
  readonly isType: boolean;
  /** The first sentence of its docstring; empty where it has none. */
  readonly meaning: string;
  /** Where it is declared. */
  readonly file: string;
  /** Of a name for a whole file: what is in it. */
  readonly members: readonly Name[];
}

/** Names that belong together. */
export interface NameGroup {
  readonly title: string;
  readonly sentence: string;
  readonly names: readonly Name[];
}

/** The page, relative to the project's folder. */
export const NAMES_PAGE = "lib/NAMES.md";

/** The groups of lib/index.ts: a comment "// Title: sentence" above the exports of each. @throws Error naming an export that leads nowhere */
export function readNames(root: string): NameGroup[] {
  const file = join(root, "lib", "index.ts");
  const paragraphs = readFileSync(file, "utf8").split(/\n{2,}/);
  return paragraphs.flatMap((paragraph) => {
    const [, title, sentence] = /^\/\/ (\w+): (.*(?:\n\/\/ .*)*)/.exec(paragraph) ?? [];
    if (!title) return [];
    return [{ title, sentence: sentence.replace(/\n\/\/ /g, " "), names: exportsOf(file, paragraph) }];
  });
}

/** The Markdown of the page. */
export function namesPage(root: string): string {
  const place = (file: string) => relative(join(root, "lib"), file);
  const line = ({ name, meaning, file }: Name) => `* [\`${name}\`](${place(file)}): ${meaning}`;
  const lines = (each: Name) => [line(each), ...each.members.map((member) => `  ${line(member)}`)];
  const section = ({ title, sentence, names }: NameGroup) => {
    const [values, types] = [false, true].map((isType) => names.filter((each) => each.isType === isType));
    const typed = types.length > 0 ? ["", "Types:", "", ...types.flatMap(lines)] : [];
    return [`## ${title}`, "", capital(sentence), "", ...values.flatMap(lines), ...typed].join("\n");
  };
  return `${[HEAD, ...readNames(root).map(section)].join("\n\n")}\n`;
}

const HEAD = `# Everything there is

What a notebook can import: \`import { loadCifar, loadNetwork, sweepLive } from "./lib";\`, types with
\`import type { KernelOperator } from "./lib";\`. After \`import * as lab from "./lib"\`, \`lab.\` and the Tab key list the names
in JupyterLab. In reading order, each with the first sentence of its docstring; parameters, units and errors stand in the file that is linked.

This page is made from [index.ts](index.ts) and the docstrings by \`npm run check -- --write\`.`;

const capital = (text: string) => text[0].toUpperCase() + text.slice(1);

/** What a module exports: its own declarations and those that it hands on, in its order. */
function exportsOf(file: string, text = readFileSync(file, "utf8")): Name[] {
  const source = parse(file, text);
  return source.statements.flatMap((statement) => {
    if (!ts.isExportDeclaration(statement) || !statement.moduleSpecifier) return declaredNames(file, statement);
    const { exportClause, isTypeOnly, moduleSpecifier } = statement;
    const from = fileOf(file, (moduleSpecifier as ts.StringLiteral).text);
    if (exportClause && ts.isNamespaceExport(exportClause)) {
      const members = exportsOf(from).filter(({ isType }) => !isType);
      const about = readFileSync(from, "utf8")
        .split("\n", 1)[0]
        .replace(/^\/\/ /, "");
      return [{ name: exportClause.name.text, isType: isTypeOnly, meaning: about, file: from, members }];
    }
    const elements = exportClause && ts.isNamedExports(exportClause) ? exportClause.elements : [];
    return elements.map((element) => ({
      ...declarationOf(from, (element.propertyName ?? element.name).text),
      name: element.name.text,
      isType: isTypeOnly || element.isTypeOnly,
    }));
  });
}

function declarationOf(file: string, name: string): Name {
  const found = exportsOf(file).filter((each) => each.name === name);
  if (found.length === 0) throw new Error(`Cannot find ${name}: expected an export of ${file}`);
  return found.find(({ meaning }) => meaning !== "") ?? found[0];
}

function declaredNames(file: string, statement: ts.Statement): Name[] {
  if (ts.isExportDeclaration(statement) && statement.exportClause && ts.isNamedExports(statement.exportClause)) {
    const meaning = firstSentence(statement);
    return statement.exportClause.elements.map(({ name }) => ({
      name: name.text,
      isType: false,
      meaning,
      file,
      members: [],
    }));
  }
  const exported =
    ts.canHaveModifiers(statement) &&
    ts.getModifiers(statement)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword);
  if (!exported) return [];
  const name = (identifier: ts.Node | undefined): Name => ({
    name: identifier?.getText() ?? "",
    isType: ts.isInterfaceDeclaration(statement) || ts.isTypeAliasDeclaration(statement),
    meaning: firstSentence(statement),
    file,
    members: [],
  });
  if (ts.isVariableStatement(statement)) return statement.declarationList.declarations.map((each) => name(each.name));
  return [name((statement as ts.DeclarationStatement).name)];
}

/** The first sentence of a docstring, on one line; the point of "et al." ends none. */
function firstSentence(statement: ts.Statement): string {
  const doc = (statement as { readonly jsDoc?: readonly ts.JSDoc[] }).jsDoc?.at(-1);
  const text = (ts.getTextOfJSDocComment(doc?.comment) ?? "").replace(/\s+/g, " ");
  return /^.*?(?<! al)\.(?= |$)/.exec(text)?.[0] ?? text;
}

function fileOf(importer: string, specifier: string): string {
  const file = join(dirname(importer), `${specifier}.ts`);
  if (existsSync(file)) return file;
  throw new Error(`Cannot find "${specifier}", which ${importer} exports from: expected ${file}`);
}

function parse(file: string, text: string): ts.SourceFile {
  return ts.createSourceFile(file, text, ts.ScriptTarget.ES2022, true, ts.ScriptKind.TS);
}
