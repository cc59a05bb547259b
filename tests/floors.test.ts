import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { test } from "node:test";

/** From the bottom: a file imports from its own folder and from those before it in this list. */
const FLOORS = [
  ...["statistics", "text", "files", "data", "networks", "checkpoints", "engine", "ablations", "results"],
  ...["training", "runs", "sweeps", "study", "tables", "figures", "notebook", "pages", "index.ts", "cli"],
];

/** What a file imports: its relative imports as files of lib, type imports included, and the packages that it needs when it runs. */
function importsOf(file: string): { files: string[]; packages: string[] } {
  const text = fs.readFileSync(file, "utf8").replace(/^\s*(\/?\*|\/\/).*$/gm, "");
  const found = [
    ...text.matchAll(
      /\b(import|export)\b(\s+type\b)?[^"';]*?\bfrom\s+"([^"]+)"|\b(?:import|require)\s*\(?\s*"([^"]+)"/g,
    ),
  ];
  const specifiers = found.map(([, , type, from, direct]) => ({ type, name: from ?? direct }));
  const isOwn = ({ name }: { name: string }) => name.startsWith(".");
  return {
    files: specifiers.filter(isOwn).map(({ name }) => `${path.join(path.dirname(file), name)}.ts`),
    packages: specifiers.filter((each) => !isOwn(each) && !each.type).map(({ name }) => name),
  };
}

const graph = new Map(
  (fs.readdirSync("lib", { recursive: true }) as string[])
    .filter((name) => name.endsWith(".ts"))
    .map((name) => [path.join("lib", name), importsOf(path.join("lib", name))] as const),
);

const floorOf = (file: string): number => FLOORS.indexOf(file.split(path.sep)[1]);

/** All files behind a file, in the order in which they are found; a file that lies behind itself ends the search. */
function behind(file: string, found = new Set<string>()): Set<string> {
  for (const next of graph.get(file)?.files ?? [])
    if (!found.has(next)) {
      found.add(next);
      behind(next, found);
    }
  return found;
}

test("no file of lib imports from a floor above its own, and every file has a floor", () => {
  const upward = [...graph].flatMap(([file, { files }]) =>
    files.filter((target) => floorOf(target) > floorOf(file)).map((target) => `${file} imports ${target}`),
  );
  assert.deepEqual(upward, []);
  assert.deepEqual(
    [...graph.keys()].filter((file) => floorOf(file) < 0),
    [],
  );
});

test("no file of lib imports the index, and none lies behind itself: the kernel cannot load circles", () => {
  assert.ok(graph.size > 100 && [...graph.values()].flatMap(({ files }) => files).length > 400, "it read the imports");
  for (const [file, { files }] of graph) {
    assert.ok(!files.includes(path.join("lib", "index.ts")), `${file} imports the index`);
    assert.ok(!behind(file).has(file), `${file} imports itself, through others`);
  }
});

test("results and statistics run in a browser: nothing behind them needs the engine or Node", () => {
  // Seeded streams hash their labels; where numbers are drawn, a stream is handed in.
  const random = path.join("lib", "statistics", "random.ts");
  for (const file of graph.keys()) {
    if (!["results", "statistics"].includes(file.split(path.sep)[1]) || file === random) continue;
    for (const each of [file, ...behind(file)]) {
      assert.ok(floorOf(each) <= floorOf(file) && !each.includes("engine"), `${file} needs ${each}`);
      assert.deepEqual(graph.get(each)?.packages, [], `${file} needs what ${each} imports`);
    }
  }
});

test("only engine/backend.ts imports TensorFlow.js, and only the launcher of the kernel tslab", () => {
  const importers = (name: RegExp) =>
    [...graph].flatMap(([file, { packages }]) => (packages.some((each) => name.test(each)) ? [file] : []));
  assert.deepEqual(importers(/^@tensorflow\//), [path.join("lib", "engine", "backend.ts")]);
  assert.deepEqual(importers(/^tslab/), []);
});
