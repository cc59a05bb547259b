// Tests of lib/jupyter/tfjs-node.cjs, the preload that stands in for a missing TensorFlow.js binding.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { describe, test } from "node:test";

describe("tfjs-node.cjs", () => {
  /** A project of its own, with stand-ins for the two packages and, if wanted, an (empty) binding. */
  function project(binding: boolean): string {
    const root = fs.mkdtempSync(path.join(os.tmpdir(), "tfjs-node-test-"));
    const write = (file: string, text: string) => {
      fs.mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
      fs.writeFileSync(path.join(root, file), text);
    };
    write("lib/jupyter/tfjs-node.cjs", fs.readFileSync("lib/jupyter/tfjs-node.cjs", "utf8"));
    write("node_modules/@tensorflow/tfjs/index.js", `module.exports = "plain";`);
    write("node_modules/@tensorflow/tfjs-node/index.js", `module.exports = "native";`);
    if (binding) write("node_modules/@tensorflow/tfjs-node/lib/napi-v8/tfjs_binding.node", "");
    return root;
  }

  for (const [binding, wanted] of [
    [true, "native"],
    [false, "plain"],
  ] as const) {
    test(`gives ${wanted} TensorFlow.js ${binding ? "with" : "without"} a compiled binding`, () => {
      const root = project(binding);
      const code = `process.stdout.write(require("@tensorflow/tfjs-node") + typeof require("util").isNullOrUndefined)`;
      const found = execFileSync("node", ["--require", "./lib/jupyter/tfjs-node.cjs", "--eval", code], {
        cwd: root,
        encoding: "utf8",
      });
      fs.rmSync(root, { recursive: true });
      assert.equal(found, `${wanted}function`);
    });
  }
});
