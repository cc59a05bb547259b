// `npm run check`: strict types of lib, tests and the notebooks' code, prose against outputs, ESLint, and Prettier's formatting.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { defineCommand, type GivenTo, runCommand } from "./command";

const COMMAND = defineCommand({
  name: "check",
  summary: `Type-checks lib, tests, the code cells of notebooks/*.ipynb and the \`\`\`ts blocks of pages in strict mode, then runs ESLint and Prettier's check.
A fault in a notebook is named by its code cell, counted from 1 as Jupyter numbers them, and the line in it.
npm run format mends what Prettier finds; --write makes lib/NAMES.md, the list of names, anew.

Every number in the text of a notebook has to be shown by an output or a code cell above it, to the digits quoted, and the cells have to be
executed from top to bottom. README.md and the other pages name below each paragraph what shows its numbers. In Markdown, unseen:
  <!-- given: 91.25, 164 (He et al. 2015, Table 6); 95 (confidence) -->   these numbers come from elsewhere
  <!-- shown in: notebooks/03_train.ipynb -->                            the numbers of this paragraph are found there
  <!-- shown in: notebooks/03_train.ipynb#59bb74ec -->                   … in the cell with this id
  <!-- measured: npm run bench -->                                       all of them were measured, and no file shows them`,
  options: { write: { help: "make lib/NAMES.md, the list of names, anew" } },
});

const root = resolve(__dirname, "../..");

async function checkCommand({ write }: GivenTo<typeof COMMAND>): Promise<void> {
  if (write) await writeNames();
  const results = [
    await checkTypes(),
    await checkProse(),
    await checkNames(),
    runTool("ESLint", "eslint/bin/eslint.js", ["."]),
    runTool("Prettier", "prettier/bin/prettier.cjs", ["--check", "."]),
  ];
  if (!results.every(Boolean)) process.exitCode = 1;
}

function notebooks(): string[] {
  const names = readdirSync(join(root, "notebooks")).filter((name) => name.endsWith(".ipynb"));
  return names.sort().map((name) => join(root, "notebooks", name));
}

async function checkTypes(): Promise<boolean> {
  const { typeFaults } = await import("./check/types"); // the compiler, which --help can do without
  const { EXAMPLES } = await import("./check/project");
  const faults = typeFaults(root, [...notebooks(), ...EXAMPLES.map((page) => join(root, page))]);
  faults.forEach((fault) => console.log(fault));
  return verdict("Types", faults.length === 0, `of lib, tests and ${notebooks().length} notebooks`);
}

async function checkProse(): Promise<boolean> {
  const { PAGES, projectFaults } = await import("./check/project");
  const faults = projectFaults(root, notebooks(), PAGES);
  faults.forEach((fault) => console.log(fault));
  return verdict("Prose", faults.length === 0, `of ${notebooks().length} notebooks and ${PAGES.length} pages`);
}

async function checkNames(): Promise<boolean> {
  const { NAMES_PAGE, namesPage } = await import("./check/names");
  const file = join(root, NAMES_PAGE);
  const same = existsSync(file) && readFileSync(file, "utf8") === namesPage(root);
  if (!same)
    console.log(`${NAMES_PAGE}: expected what lib/index.ts and the docstrings say; npm run check -- --write makes it`);
  return verdict("Names", same, `of ${NAMES_PAGE}`);
}

async function writeNames(): Promise<void> {
  const { NAMES_PAGE, namesPage } = await import("./check/names");
  writeFileSync(join(root, NAMES_PAGE), namesPage(root));
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

void runCommand(COMMAND, checkCommand);
