import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { startEngine, tf } from "../lib/engine/backend";
import { evaluate } from "../lib/evaluate";
import { sweep } from "../lib/sweep";
import { smallDataset, smallNetwork } from "./small";

test("the native engine runs here, in one copy that danfojs-node shares", async () => {
  const engine = await startEngine();
  assert.equal(engine.backend, "tensorflow");
  assert.match(engine.library!, /^2\.\d+\.\d+$/);
  const danfo = require("danfojs-node") as { tensorflow: { engine(): unknown } };
  assert.equal(danfo.tensorflow.engine(), tf.engine());
});

test("without the binding, evaluations and sweeps give the same predictions on WebAssembly, and training says what it needs", async () => {
  const words = ["--require", "./tests/without-binding.cjs", "--import", "tsx", "tests/fallback.ts"];
  const output = execFileSync(process.execPath, words, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  const found = JSON.parse(output.trim().split("\n").pop()!) as Record<string, unknown>;
  const [network, dataset] = [smallNetwork(), smallDataset(12)];
  assert.equal(found.backend, "wasm");
  assert.deepEqual(found.predictions, [...(await evaluate(network, dataset)).predictions]);
  assert.deepEqual(
    found.rows,
    (await sweep(network, dataset)).predictions.map((row) => [...row]),
  );
  assert.match(
    String(found.refusal),
    /the native engine was not built here; `npm run setup` says why \(training needs it\)/,
  );
});

/** The files of lib/ (not of its folders) that import or require a module whose name matches. */
function importers(module: RegExp): string[] {
  const imports = (file: string) => [
    ...readFileSync(`lib/${file}`, "utf8").matchAll(/(?:from|require\(|import\() ?"([^"]+)"/g),
  ];
  const files = readdirSync("lib").filter((file) => file.endsWith(".ts"));
  return files.filter((file) => imports(file).some(([, name]) => module.test(name)));
}

test("only backend.ts imports TensorFlow.js, and only notebook.ts the kernel", () => {
  assert.deepEqual(importers(/^@tensorflow\//), ["backend.ts"]);
  assert.deepEqual(importers(/^tslab/), []);
});

test("the files of lib/ import each other without circles, which the kernel cannot load", () => {
  const files = readdirSync("lib").filter((file) => file.endsWith(".ts"));
  const uses = new Map(files.map((file) => [file.replace(".ts", ""), localImports(file)]));
  const settled = new Set<string>();
  const visit = (file: string, path: readonly string[]): void => {
    assert.ok(!path.includes(file), `circle: ${[...path, file].join(" -> ")}`);
    if (settled.has(file)) return;
    for (const used of uses.get(file) ?? []) visit(used, [...path, file]);
    settled.add(file);
  };
  for (const file of uses.keys()) visit(file, []);
  assert.ok(settled.size >= files.length);
});

/** The files of lib/ that a file imports values from; types alone make no circle at run time. */
function localImports(file: string): string[] {
  const text = readFileSync(`lib/${file}`, "utf8");
  return [...text.matchAll(/^(?:import|export) (?!type )[^;]*?from "\.\/([\w-]+)"/gms)].map(([, name]) => name);
}
