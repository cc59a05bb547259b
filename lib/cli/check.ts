// `npm run check`: strict types of lib, tests and the notebooks' code, ESLint, and Prettier's formatting.
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { typeFaults } from "./check/types";

const HELP = `npm run check

Type-checks lib, tests and the code cells of notebooks/*.ipynb in strict mode, then runs ESLint and Prettier's check.
A fault in a notebook is named by its code cell, counted from 1 as Jupyter numbers them, and the line in it.
npm run format mends what Prettier finds.`;

const root = resolve(__dirname, "../..");

function main(): number {
  try {
    const { values } = parseArgs({ options: { help: { type: "boolean" } } });
    if (values.help) return say(HELP, 0);
  } catch (error) {
    return say(`${(error as Error).message.split(". ")[0]}. Known: --help`, 2);
  }
  const results = [
    checkTypes(),
    runTool("ESLint", "eslint/bin/eslint.js", ["."]),
    runTool("Prettier", "prettier/bin/prettier.cjs", ["--check", "."]),
  ];
  return results.every(Boolean) ? 0 : 1;
}

function checkTypes(): boolean {
  const folder = join(root, "notebooks");
  const notebooks = readdirSync(folder).filter((name) => name.endsWith(".ipynb"));
  const faults = typeFaults(
    root,
    notebooks.sort().map((name) => join(folder, name)),
  );
  faults.forEach((fault) => console.log(fault));
  return verdict("Types", faults.length === 0, `of lib, tests and ${notebooks.length} notebooks`);
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
