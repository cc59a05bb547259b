// `npm run check`: strict types of lib, tests and the notebooks' code, prose against outputs, ESLint, and Prettier's formatting.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { NAMES_PAGE, namesPage } from "./check/names";
import { EXAMPLES, PAGES, projectFaults } from "./check/project";
import { typeFaults } from "./check/types";

const HELP = `npm run check [-- --write]

Type-checks lib, tests, the code cells of notebooks/*.ipynb and the \`\`\`ts blocks of pages in strict mode, then runs ESLint and Prettier's check.
A fault in a notebook is named by its code cell, counted from 1 as Jupyter numbers them, and the line in it.
npm run format mends what Prettier finds; --write makes lib/NAMES.md, the list of names, anew.

Every number in the text of a notebook has to be shown by an output or a code cell above it, to the digits quoted, and the cells have to be
executed from top to bottom. README.md and the other pages name below each paragraph what shows its numbers. In Markdown, unseen:
  <!-- given: 91.25, 164 (He et al. 2015, Table 6); 95 (confidence) -->   these numbers come from elsewhere
  <!-- shown in: notebooks/03_train.ipynb -->                            the numbers of this paragraph are found there
  <!-- shown in: notebooks/03_train.ipynb#59bb74ec -->                   … in the cell with this id
  <!-- measured: npm run bench -->                                       all of them were measured, and no file shows them`;

const root = resolve(__dirname, "../..");

function main(): number {
  try {
    const { values } = parseArgs({ options: { help: { type: "boolean" }, write: { type: "boolean" } } });
    if (values.help) return say(HELP, 0);
    if (values.write) writeFileSync(join(root, NAMES_PAGE), namesPage(root));
  } catch (error) {
    return say(`${(error as Error).message.split(". ")[0]}. Known: --help, --write`, 2);
  }
  const results = [
    checkTypes(),
    checkProse(),
    checkNames(),
    runTool("ESLint", "eslint/bin/eslint.js", ["."]),
    runTool("Prettier", "prettier/bin/prettier.cjs", ["--check", "."]),
  ];
  return results.every(Boolean) ? 0 : 1;
}

function notebooks(): string[] {
  const names = readdirSync(join(root, "notebooks")).filter((name) => name.endsWith(".ipynb"));
  return names.sort().map((name) => join(root, "notebooks", name));
}

function checkTypes(): boolean {
  const faults = typeFaults(root, [...notebooks(), ...EXAMPLES.map((page) => join(root, page))]);
  faults.forEach((fault) => console.log(fault));
  return verdict("Types", faults.length === 0, `of lib, tests and ${notebooks().length} notebooks`);
}

function checkProse(): boolean {
  const faults = projectFaults(root, notebooks(), PAGES);
  faults.forEach((fault) => console.log(fault));
  return verdict("Prose", faults.length === 0, `of ${notebooks().length} notebooks and ${PAGES.length} pages`);
}

function checkNames(): boolean {
  const file = join(root, NAMES_PAGE);
  const same = existsSync(file) && readFileSync(file, "utf8") === namesPage(root);
  if (!same)
    console.log(`${NAMES_PAGE}: expected what lib/index.ts and the docstrings say; npm run check -- --write makes it`);
  return verdict("Names", same, `of ${NAMES_PAGE}`);
}

function runTool(name: string, script: string, args: readonly string[]): boolean {
  const { status } = spawnSync(process.execPath, [join(root, "node_modules", script), ...args], {
    cwd: root,
    stdio: "inherit",
  });
  return verdict(name, status === 0, "");
}

function verdict(name: string, ok: boolean, of: string): boolean {
  console.log(`${ok ? "✓" : "✗"} ${name.padEnd(9)} ${of}`.trimEnd());
  return ok;
}

function say(text: string, status: number): number {
  console.log(text);
  return status;
}

process.exitCode = main();
