// The type check of notebooks: faults are named by cell and line, and one hides no other.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { test, type TestContext } from "node:test";
import { cellModule, type Notebook } from "../lib/cli/check/cells";
import { typeFaults } from "../lib/cli/check/types";

const root = resolve(__dirname, "..");

function notebook(...sources: (string | string[])[]): Notebook {
  const cells = sources.map((source) => ({
    cell_type: [source].flat()[0].startsWith("#") ? "markdown" : "code",
    source,
  }));
  return { cells };
}

/** A project with one lib file, `rows.ts`, and one notebook; returns the faults of its type check. */
function check(context: TestContext, ...sources: (string | string[])[]): string[] {
  const folder = mkdtempSync(join(tmpdir(), "check-"));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(join(folder, "lib"));
  writeFileSync(join(folder, "tsconfig.json"), readFileSync(join(root, "tsconfig.json")));
  writeFileSync(
    join(folder, "lib", "rows.ts"),
    "export function drop(accuracy: number): number {\n  return 1 - accuracy;\n}\n",
  );
  writeFileSync(join(folder, "a.ipynb"), JSON.stringify(notebook(...sources)));
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  return typeFaults(folder, [join(folder, "a.ipynb")]);
}

test("cellModule() joins code cells and knows where each line came from", () => {
  const { text, places, faults } = cellModule(notebook("# Title", ["const a = 1;\n", "const b = 2;"], "  ", "a + b;"));
  assert.equal(text, "const a = 1;\nconst b = 2;\na + b;\nexport {};");
  assert.deepEqual(places, [
    { cell: 1, line: 1 },
    { cell: 1, line: 2 },
    { cell: 2, line: 1 },
  ]);
  assert.deepEqual(faults, []);
});

test("typeFaults() accepts imports from ./lib, top-level await, names of earlier cells and unused ones", (context) => {
  const cells = [
    'import { drop } from "./lib/rows";',
    "const x = await Promise.resolve(0.5);\nconst unused = 1;",
    "drop(x)",
  ];
  assert.deepEqual(check(context, ...cells), []);
});

test("typeFaults() names the notebook, the cell and the line of a type error", (context) => {
  const faults = check(context, "# Title", 'import { drop } from "./lib/rows";', 'const a = 1;\ndrop("much");\na;');
  assert.deepEqual(faults, [
    "a.ipynb cell 2 line 2: Argument of type 'string' is not assignable to parameter of type 'number'.",
  ]);
});

test("typeFaults() takes the code blocks of a page as cells, and ./lib as the front door", (context) => {
  const folder = mkdtempSync(join(tmpdir(), "check-"));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  for (const name of ["lib", "docs"]) mkdirSync(join(folder, name));
  writeFileSync(join(folder, "tsconfig.json"), readFileSync(join(root, "tsconfig.json")));
  writeFileSync(join(folder, "lib", "index.ts"), "export const one = 1;\n");
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  const blocks = ['import { one } from "./lib";\nconst two = 2 * one;', "const text: string = two;"];
  const page = blocks.map((block) => `Prose.\n\n\`\`\`ts\n${block}\n\`\`\`\n`).join("\n");
  const files = ["docs/README.md", "README.md"].map((name) => join(folder, name));
  writeFileSync(files[0], page);
  writeFileSync(files[1], page.replace("string", "number"));
  assert.deepEqual(typeFaults(folder, files), [
    "docs/README.md cell 2 line 1: Type 'number' is not assignable to type 'string'.",
  ]);
});

test("typeFaults() is strict", (context) => {
  assert.match(
    check(context, "function f(x) {\n  return x;\n}\nf(1);").join(),
    /cell 1 line 1: Parameter 'x' implicitly has an 'any' type/,
  );
});

test("a cell that cannot be parsed hides no fault of another, and its names stay known", (context) => {
  const faults = check(context, "const { a, b: [c] } = f({ ", 'const n: number = "text";', "a + c;\nd;");
  assert.ok(
    faults.some((fault) => fault.startsWith("a.ipynb cell 1 line 1: ")),
    faults.join("\n"),
  );
  const others = faults.filter((fault) => !fault.startsWith("a.ipynb cell 1 "));
  assert.deepEqual(others, [
    "a.ipynb cell 2 line 1: Type 'string' is not assignable to type 'number'.",
    "a.ipynb cell 3 line 2: Cannot find name 'd'.",
  ]);
});

test("typeFaults() says which notebook cannot be read", (context) => {
  const folder = mkdtempSync(join(tmpdir(), "check-"));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, "tsconfig.json"), '{ "files": [] }');
  writeFileSync(join(folder, "broken.ipynb"), '{ "cells": [');
  assert.throws(() => typeFaults(folder, [join(folder, "broken.ipynb")]), /Cannot read the notebook .*broken\.ipynb/);
});

test("lib, tests and the notebooks' code pass the strict type check", () => {
  const folder = join(root, "notebooks");
  const notebooks = readdirSync(folder).filter((name) => name.endsWith(".ipynb"));
  assert.deepEqual(
    typeFaults(
      root,
      notebooks.map((name) => join(folder, name)),
    ),
    [],
  );
});
