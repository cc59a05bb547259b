// The front door: few names, all there, each with a sentence, in groups; and no file of lib/ goes through it.
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { test } from "node:test";
import { ESLint } from "eslint";
import * as lab from "../lib";
import { NAMES_PAGE, namesPage, readNames } from "../lib/cli/check/names";
import { PAGES } from "../lib/cli/check/project";

const ROOT = resolve(__dirname, "..");
const GROUPS = readNames(ROOT);

test("the front door has about a hundred names, and all of them are there when it is loaded", () => {
  const values = GROUPS.flatMap(({ names }) => names).filter(({ isType }) => !isType);
  assert.deepEqual(values.map(({ name }) => name).sort(), Object.keys(lab).sort());
  assert.ok(values.length <= 111, `expected at most 111 names but found ${values.length}`);
});

test("its groups come in reading order, each with a sentence, and so does every name", () => {
  assert.deepEqual(
    GROUPS.map(({ title }) => title),
    ["Data", "Networks", "Training", "Ablations", "Sweeps", "Results", "Tables", "Figures", "Notebook"],
  );
  for (const { title, sentence, names } of GROUPS) {
    assert.match(sentence, /\w/, title);
    for (const each of names)
      for (const { name, meaning } of [each, ...each.members]) assert.match(meaning, /\w{3}/, name);
  }
});

test("lib/NAMES.md is what the front door and the docstrings say", () => {
  assert.equal(readFileSync(resolve(ROOT, NAMES_PAGE), "utf8"), namesPage(ROOT));
});

test("notebooks import of lib from the front door alone, in one line for values and one for types", () => {
  for (const name of readdirSync(resolve(ROOT, "notebooks")).filter((file) => file.endsWith(".ipynb"))) {
    const { cells } = JSON.parse(readFileSync(resolve(ROOT, "notebooks", name), "utf8"));
    const code = cells.filter((cell: { cell_type: string }) => cell.cell_type === "code");
    const sources: string[] = code.map(({ source }: { source: string | string[] }) => [source].flat().join(""));
    const imports = sources.flatMap((source) => [...source.matchAll(/^import (type )?[^;]*? from "(\.[^"]*)"/gm)]);
    assert.deepEqual([...new Set(imports.map(([, , from]) => from))], ["./lib"], name);
    assert.ok(imports.length <= 2 && imports.filter(([, type]) => !type).length <= 1, name);
  }
});

test("what pages link to is there", () => {
  for (const page of [...PAGES, NAMES_PAGE])
    for (const [, link] of readFileSync(resolve(ROOT, page), "utf8").matchAll(/\]\((?!https?:)([^)#\s]+)[^)]*\)/g))
      assert.ok(existsSync(resolve(ROOT, dirname(page), link)), `${page} links to ${link}`);
});

test("the linter lets no file of lib/ import the front door", async () => {
  const eslint = new ESLint({ cwd: ROOT });
  const faultsOf = async (code: string, filePath: string) =>
    (await eslint.lintText(code, { filePath }))[0].messages.filter(({ ruleId }) => ruleId === "no-restricted-imports");
  for (const from of ["..", "../", "../index", "../../lib", "../../lib/index"])
    assert.equal((await faultsOf(`export { show } from "${from}";\n`, "lib/data/a.ts")).length, 1, from);
  assert.equal((await faultsOf(`import { show } from "./index";\nshow;\n`, "lib/a.ts")).length, 1);
  assert.equal((await faultsOf(`export { show } from "../notebook/show";\n`, "lib/data/a.ts")).length, 0);
});
