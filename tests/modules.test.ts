// What the kernel makes of the project's files (lib/jupyter/modules.cjs, compile.cjs): once, by content, and never wrongly.
import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { describe, test, type TestContext } from "node:test";
import { promisify } from "node:util";
import { ask } from "../lib/setup/children.mjs";
import { library } from "../lib/setup/steps.mjs";

interface Made {
  readonly declarations: string;
  readonly code: string;
}
interface Answer {
  readonly faults: { fileName: string; start: { line: number }; messageText: string }[];
  readonly made: Record<string, Made>;
}

const OWN = ["lib/jupyter/modules.cjs", "lib/jupyter/compile.cjs", "tsconfig.json", "package-lock.json"];
const PACKAGES = ["@tslab", "esbuild", "@esbuild"];
const KEPT = "node_modules/.cache/nontrivial/kernel";

const FILES = {
  "lib/index.ts": `export { area } from "./area";\nexport * as words from "./words";\n`,
  "lib/area.ts": `import { square } from "./square";\n\n/** How much it covers. */\nexport const area = (side: number) => square(side);\n`,
  "lib/square.ts": `export function square(x: number) {\n  return x * x;\n}\n`,
  "lib/words.ts": `export const words = ["one"];\n`,
};

describe("what the kernel makes of files", () => {
  /** A checkout of a few files, with the packages of this one. */
  function checkout(context: TestContext) {
    const root = fs.mkdtempSync(path.join(os.tmpdir(), "modules-test-"));
    context.after(() => fs.rmSync(root, { recursive: true }));
    const write = (name: string, text: string) => {
      fs.mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
      fs.writeFileSync(path.join(root, name), text);
    };
    for (const name of OWN) write(name, fs.readFileSync(name, "utf8"));
    for (const [name, text] of Object.entries(FILES)) write(name, text);
    fs.mkdirSync(path.join(root, "node_modules"));
    for (const name of PACKAGES)
      fs.symlinkSync(path.resolve("node_modules", name), path.join(root, "node_modules", name));
    const command = [path.join(root, "lib/jupyter/compile.cjs"), "./lib"] as const;
    const named = (text: string): { faults: Answer["faults"]; made: Record<string, Made>; names: string[] } => {
      const { faults, made } = JSON.parse(text) as Answer;
      const files = Object.entries(made).map(([file, what]) => [path.relative(root, file), what] as const);
      return { faults, made: Object.fromEntries(files), names: files.map(([name]) => name).sort() };
    };
    const make = () => named(execFileSync(process.execPath, command, { cwd: root, encoding: "utf8" }));
    const makeAside = async () => named((await promisify(execFile)(process.execPath, command, { cwd: root })).stdout);
    return { root, write, make, makeAside };
  }

  test("is declarations with their docstrings, and code with its lines, once", (context) => {
    const { make } = checkout(context);
    const { faults, made, names } = make();
    assert.deepEqual([faults, names], [[], Object.keys(FILES).sort()]);
    assert.match(
      made["lib/area.ts"].declarations,
      /\/\*\* How much it covers. \*\/\nexport declare const area: \(side: number\) => number;/,
    );
    assert.match(made["lib/area.ts"].code, /require\("\.\/square"\)[^]*sourceMappingURL=data:/);
    assert.deepEqual(make().names, []);
  });

  test("is made by set-up, which looks first whether it is there", async (context) => {
    const { root, make, write } = checkout(context);
    const run = (command: string, args: string[]) => Promise.resolve(execFileSync(command, args, { cwd: root }));
    const step = () => library.check({ root, ask });
    assert.deepEqual(step(), { ready: false, text: "compiling 4 files of lib/ for the kernel" });
    await library.act({ root, run });
    assert.equal(step().ready, true);
    assert.deepEqual(make().names, []);
    write("lib/square.ts", FILES["lib/square.ts"].replace("x * x", "x ** 2"));
    assert.match(step().text, /compiling 1 files/);
  });

  test("is made anew for an edited file alone while what it declares stays, and else for its importers too", (context) => {
    const { make, write } = checkout(context);
    make();
    write("lib/square.ts", FILES["lib/square.ts"].replace("x * x", "x ** 2"));
    assert.deepEqual(make().names, ["lib/square.ts"]);
    write("lib/square.ts", FILES["lib/square.ts"].replace("x * x", "`${x * x}`"));
    const { made, names } = make();
    assert.deepEqual(names, ["lib/area.ts", "lib/index.ts", "lib/square.ts"]);
    assert.match(made["lib/area.ts"].declarations, /=> string;/);
  });

  test("is not made of a file with a fault, nor of its importers: the fault is found each time, with its line", (context) => {
    const { make, write } = checkout(context);
    write("lib/square.ts", FILES["lib/square.ts"].replace("x * x", `x * "x"`));
    const first = make();
    assert.deepEqual(first.names, ["lib/words.ts"]);
    for (const { faults, names } of [first, make()]) {
      assert.deepEqual(
        faults.map(({ fileName, start }) => [fileName, start.line]),
        [["lib/square.ts", 1]],
      );
      assert.ok(names.length < 2);
    }
    write("lib/square.ts", FILES["lib/square.ts"]);
    assert.deepEqual(make().names, ["lib/area.ts", "lib/index.ts", "lib/square.ts"]);
  });

  test("finds faults that an edit makes in an importer", (context) => {
    const { make, write } = checkout(context);
    make();
    write("lib/square.ts", FILES["lib/square.ts"].replaceAll("square", "squared"));
    const { faults } = make();
    assert.deepEqual(
      faults.map(({ fileName, messageText }) => [fileName, /no exported member/.test(messageText)]),
      [["lib/area.ts", true]],
    );
  });

  test("is whole though two processes make it at once, and one was killed while it wrote", async (context) => {
    const { root, make, makeAside } = checkout(context);
    fs.mkdirSync(path.join(root, KEPT, "lib"), { recursive: true });
    fs.writeFileSync(path.join(root, KEPT, "lib/area.ts.json"), `{"version": "`);
    const answers = await Promise.all([makeAside(), makeAside()]);
    for (const { faults } of answers) assert.deepEqual(faults, []);
    assert.deepEqual(make().names, []);
    for (const name of fs.readdirSync(path.join(root, KEPT, "lib"))) {
      assert.match(name, /^\w+\.ts\.json$/);
      JSON.parse(fs.readFileSync(path.join(root, KEPT, "lib", name), "utf8"));
    }
  });

  test("is made by each process for itself where nothing can be written", (context) => {
    const { root, make } = checkout(context);
    fs.writeFileSync(path.join(root, "node_modules/.cache"), "a file where the folder would be");
    for (const { faults, names } of [make(), make()])
      assert.deepEqual([faults, names], [[], Object.keys(FILES).sort()]);
  });

  test("is made anew when packages changed", (context) => {
    const { make, write } = checkout(context);
    make();
    write("package-lock.json", "{}");
    assert.equal(make().names.length, Object.keys(FILES).length);
  });
});
