// TensorFlow.js's native binding: tfjs-node's own C++ source, compiled against the TensorFlow of a Python wheel.
import { mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { compilerArguments } from "./choices.mjs";
import { sitePackages } from "./environment.mjs";

/** The file that tfjs-node loads. @param {string} root */
export function bindingFile(root) {
  return join(root, "node_modules/@tensorflow/tfjs-node/lib/napi-v8/tfjs_binding.node");
}

/** The compilers to look for, best first. */
export function compilers() {
  return [process.env.CXX, "g++", "c++", "clang++"].filter(Boolean);
}

/**
 * Compiles the binding against the wheel that is installed; the old one goes first, the new one appears when it is complete.
 * @param {import("./steps.mjs").Context} context
 * @param {string} compiler
 */
export async function compile({ root, run }, compiler) {
  const paths = { modules: join(root, "node_modules"), tensorflow: join(sitePackages(root) ?? "", "tensorflow") };
  const output = `${bindingFile(root)}.${process.pid}.tmp`;
  rmSync(bindingFile(root), { force: true });
  mkdirSync(join(output, ".."), { recursive: true });
  try {
    await run(compiler, compilerArguments({ ...paths, output }));
    renameSync(output, bindingFile(root));
  } finally {
    rmSync(output, { force: true });
  }
}

// isNullOrUndefined: tfjs-node 4.22 still calls it, and Node 23 has dropped it.
const TRIAL = `
const util = require("node:util");
util.isNullOrUndefined ??= (value) => value == null;
util.isArray ??= Array.isArray;
const tf = require("@tensorflow/tfjs-node");
const sum = tf.add(1, 1).dataSync()[0];
if (sum !== 2) throw new Error("1 + 1 gave " + sum);
console.log("TRIAL" + JSON.stringify({ version: tf.backend().binding.TF_Version, gpu: tf.backend().isUsingGpuDevice }));`;

/**
 * Loads the binding in a process of its own, where a crash does no harm, and computes with it.
 * @param {import("./steps.mjs").Context} context
 * @returns {Promise<{version: string, gpu: boolean}>}
 */
export async function tryOut({ run }) {
  const output = await run(process.execPath, ["-e", TRIAL]);
  return JSON.parse(/TRIAL(.*)/.exec(output)?.[1] ?? "null");
}
