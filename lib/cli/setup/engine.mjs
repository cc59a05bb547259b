// Set-up's TensorFlow step: a Python wheel for its C++ library, and TensorFlow.js's binding compiled against it.
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { compilerArguments, firstThatWorks, wheelArguments, wheelsToTry } from "./choices.mjs";
import { ask, findCommand } from "./children.mjs";
import { sitePackages } from "./environment.mjs";
import { readJson, readStamp, removeStamp, writeStamp } from "./stamp.mjs";
import { installing, interpreter, PIP, readRequirements } from "./steps.mjs";

const WASM = "Without it everything but training works, slowly, on WebAssembly";

/** @type {import("./steps.mjs").Step} */
export const engine = {
  name: "TensorFlow",
  check({ root, flag }) {
    const [flavor] = flavors(root, flag);
    const made = standing(root, flavor);
    if (!made || (flag && flag !== lastWheel(root)?.flag)) return { ready: false, text: describe(root, flavor) };
    const { failed } = lastWheel(root);
    const notice =
      failed && `On the CPU, because the GPU wheel failed: ${failed}. To try it again: npm run setup -- --gpu`;
    return { ready: true, text: summary(made), notice };
  },
  async act(context) {
    const { root, flag, notice } = context;
    removeStamp(bindingStamp(root));
    const compiler = findCommand(compilers());
    if (!compiler)
      return giveUp(
        root,
        `no C++ compiler (tried ${compilers().join(", ")})`,
        "On Debian and Ubuntu: sudo apt install g++",
        notice,
      );
    const { value, choice, failures } = await firstThatWorks(flavors(root, flag), (flavor) =>
      build(context, flavor, compiler),
    );
    for (const { choice: flavor, error } of failures)
      notice(`The ${flavor.toUpperCase()} wheel failed: ${explain(error)}`);
    if (!value) return giveUp(root, "no TensorFlow wheel works here", failures.at(-1)?.error.advice, notice);
    const failed = choice === "cpu" ? failures[0]?.error.message : undefined;
    writeStamp(wheelStamp(root), wheelInputs(root, choice), { flavor: choice, flag, failed });
    return summary(value);
  },
};

/**
 * Installs one wheel, compiles the binding against it and computes 1 + 1 with it.
 * @param {import("./steps.mjs").Context} context
 * @param {"cpu" | "gpu"} flavor
 * @param {string} compiler
 */
async function build({ root, run, say, flag }, flavor, compiler) {
  if (!wheelStands(root, flavor)) {
    say(`pip install ${readRequirements(root)[flavor]}`);
    await installWheel({ root, run, flavor });
    writeStamp(wheelStamp(root), wheelInputs(root, flavor), { flavor, flag });
  }
  say(`compiling the binding with ${compiler}`);
  await compile({ root, run, compiler });
  say("loading it");
  const result = {
    compiler: `${compiler} ${ask(compiler, ["-dumpfullversion"]) ?? ""}`.trim(),
    ...(await tryOut({ root, run })),
  };
  writeStamp(bindingStamp(root), bindingInputs(root, flavor), result);
  return result;
}

async function installWheel({ root, run, flavor }) {
  const pip = (/** @type {string[]} */ args) => run(interpreter(root), [...PIP, ...args]);
  removeStamp(wheelStamp(root));
  await installing(root, async () => {
    await pip(["uninstall", "--yes", "tensorflow", "tensorflow-cpu"]);
    return pip(wheelArguments(flavor, readRequirements(root)[flavor]));
  });
}

async function compile({ root, run, compiler }) {
  const modules = join(root, "node_modules");
  const output = `${binding(root)}.${process.pid}.tmp`;
  rmSync(binding(root), { force: true });
  mkdirSync(join(output, ".."), { recursive: true });
  try {
    await run(
      compiler,
      compilerArguments({ modules, tensorflow: join(sitePackages(root) ?? "", "tensorflow"), output }),
    );
    renameSync(output, binding(root));
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

async function tryOut({ root, run }) {
  try {
    const output = await run(process.execPath, ["-e", TRIAL]);
    return JSON.parse(/TRIAL(.*)/.exec(output)?.[1] ?? "null");
  } catch (error) {
    rmSync(binding(root), { force: true }); // the lib takes the native engine wherever it finds this file
    throw error;
  }
}

function giveUp(root, reason, advice, notice) {
  rmSync(binding(root), { force: true });
  notice(`No native TensorFlow: ${reason}. ${WASM}.${advice ? ` ${advice}` : ""}`);
  return "not available, going on with WebAssembly";
}

const compilers = () => [process.env.CXX, "g++", "c++", "clang++"].filter(Boolean);
const binding = (root) => join(root, "node_modules/@tensorflow/tfjs-node/lib/napi-v8/tfjs_binding.node");
const bindingStamp = (root) => `${binding(root)}.json`;
const wheelStamp = (root) => join(root, ".venv", "stamps", "tensorflow.json");
const lastWheel = (root) => readJson(wheelStamp(root));
const flavors = (root, flag) => wheelsToTry({ flag, gpuFound: hasGpu(), last: lastWheel(root) });
const wheelInputs = (root, flavor) => ({ wheel: readRequirements(root)[flavor] });
const summary = ({ version, gpu }) => `${version}, on the ${gpu ? "GPU" : "CPU"}`;
const explain = (error) => [error.message, error.output].filter(Boolean).join("\n");

function bindingInputs(root, flavor) {
  const tfjs = readJson(join(root, "node_modules/@tensorflow/tfjs-node/package.json"))?.version;
  return { ...wheelInputs(root, flavor), folder: sitePackages(root), tfjs };
}

function wheelStands(root, flavor) {
  const library = join(sitePackages(root) ?? "", "tensorflow", "libtensorflow_cc.so.2");
  return readStamp(wheelStamp(root), wheelInputs(root, flavor)) !== undefined && existsSync(library);
}

function standing(root, flavor) {
  if (!wheelStands(root, flavor) || !existsSync(binding(root))) return undefined;
  return readStamp(bindingStamp(root), bindingInputs(root, flavor));
}

function describe(root, flavor) {
  return wheelStands(root, flavor) ? "compiling the binding" : `${flavor.toUpperCase()} wheel and binding`;
}

/** Whether an NVIDIA GPU is there and its driver answers. */
function hasGpu() {
  const smi = findCommand(["nvidia-smi", "/usr/lib/wsl/lib/nvidia-smi"]);
  return smi !== undefined && /GPU 0/.test(ask(smi, ["-L"]) ?? "");
}
