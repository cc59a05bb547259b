// Set-up's TensorFlow step: a Python wheel for its C++ library, CPU or GPU, and tfjs-node's own C++ source compiled against it.
import { existsSync, mkdirSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { compilerArguments, installArguments, quietArguments, wheelsToTry } from "./choices.mjs";
import { sitePackages } from "./environment.mjs";
import { installing, interpreter, PIP, readRequirements, wheelsDigest } from "./python.mjs";
import { readJson, readStamp, writeStamp } from "./stamp.mjs";

const WASM = "Without it everything but training works, slowly, on WebAssembly";
const COMPILERS = [process.env.CXX, "g++", "c++", "clang++"].filter(Boolean);

export const engine = {
  name: "TensorFlow",
  check(context) {
    const { root, flag } = context;
    const [flavor] = flavors(context);
    const made = standing(root, flavor);
    const last = lastWheel(root);
    if (!made || (flag && flag !== last.flag))
      return {
        ready: false,
        text: wheelStands(root, flavor) ? "compiling the binding" : `${nameOf(flavor)} and binding`,
      };
    const again = "To try it again: npm run setup -- --gpu";
    const notice = last.failed && `On the CPU, because the GPU wheel failed: ${last.failed}. ${again}`;
    return { ready: true, text: summary(made), notice };
  },
  async act(context) {
    const { root, flag, notice, find } = context;
    const last = lastWheel(root);
    // What is remembered: the last flag, and that the GPU wheel failed until it is asked for again.
    let memory = { flag: flag ?? last?.flag, failed: flag ? undefined : last?.failed };
    const wanted = flavors(context);
    const compiler = find(COMPILERS);
    const apt = "On Debian and Ubuntu: sudo apt install g++";
    if (!compiler) return giveUp(context, `no C++ compiler (tried ${COMPILERS.join(", ")})`, apt);
    let advice;
    for (const flavor of wanted) {
      try {
        const made = await build(context, { flavor, compiler, memory });
        if (flavor === "gpu" && !made.gpu)
          notice("The GPU wheel is installed, but TensorFlow finds no GPU to use (see nvidia-smi)");
        writeStamp(wheelStamp(root), wheelInputs(root, flavor), { ...memory, flavor });
        return summary(made);
      } catch (error) {
        if (error.interrupted) throw error;
        notice(`The ${nameOf(flavor)} failed: ${[error.message, error.output].filter(Boolean).join("\n")}`);
        memory = { ...memory, failed: error.message };
        ({ advice } = error);
      }
    }
    return giveUp(context, "no TensorFlow wheel works here", advice);
  },
};

/** Installs one wheel, compiles the binding against it and computes 1 + 1 with it; leaves out what stands. */
async function build(context, { flavor, compiler, memory }) {
  const { root, run, say } = context;
  const made = standing(root, flavor);
  if (made) return made;
  rmSync(bindingStamp(root), { force: true });
  if (!wheelStands(root, flavor)) await installWheel(context, flavor, memory);
  say(`compiling the binding with ${compiler}`);
  await compile(context, compiler);
  say("loading it");
  const trial = JSON.parse(/TRIAL(.*)/.exec(await run(process.execPath, ["-e", TRIAL]))?.[1] ?? "null");
  writeStamp(bindingStamp(root), bindingInputs(root, flavor), { ...trial, bytes: sizeOf(bindingFile(root)) });
  return trial;
}

async function installWheel({ root, run, say }, flavor, memory) {
  const inputs = wheelInputs(root, flavor);
  const pip = (args) => run(interpreter(root), [...PIP, ...args]);
  say(`pip install ${inputs.wheel}`);
  rmSync(wheelStamp(root), { force: true });
  await installing(root, async () => {
    await pip(["uninstall", "--yes", "tensorflow", "tensorflow-cpu"]);
    await pip(installArguments(flavor));
  });
  writeStamp(wheelStamp(root), inputs, { ...memory, flavor });
}

/**
 * Compiles the binding against the wheel that is installed, and what keeps TensorFlow quiet beside it; the old binding goes first, the new
 * one appears when it is complete.
 */
async function compile({ root, run }, compiler) {
  const paths = { modules: join(root, "node_modules"), tensorflow: join(sitePackages(root) ?? "", "tensorflow") };
  const output = `${bindingFile(root)}.tmp`;
  rmSync(bindingFile(root), { force: true });
  mkdirSync(dirname(output), { recursive: true });
  await run(compiler, quietArguments({ root, output: join(dirname(output), "quiet.node") }));
  await run(compiler, compilerArguments({ ...paths, output }));
  renameSync(output, bindingFile(root));
}

// In a process of its own, where a crash does no harm. isNullOrUndefined: tfjs-node 4.22 still calls it, and Node 23 has dropped it.
const TRIAL = `
const util = require("node:util");
util.isNullOrUndefined ??= (value) => value == null;
util.isArray ??= Array.isArray;
const tf = require("@tensorflow/tfjs-node");
const sum = tf.add(1, 1).dataSync()[0];
if (sum !== 2) throw new Error("1 + 1 gave " + sum);
console.log("TRIAL" + JSON.stringify({ version: tf.backend().binding.TF_Version, gpu: tf.backend().isUsingGpuDevice }));`;

function giveUp({ root, notice }, reason, advice) {
  rmSync(bindingFile(root), { force: true }); // the lib takes the native engine wherever it finds this file
  notice(`No native TensorFlow: ${reason}. ${WASM}.${advice ? ` ${advice}` : ""}`);
  return "not available, going on with WebAssembly";
}

const bindingFile = (root) => join(root, "node_modules/@tensorflow/tfjs-node/lib/napi-v8/tfjs_binding.node");
const bindingStamp = (root) => `${bindingFile(root)}.json`;
const wheelStamp = (root) => join(root, ".venv", "stamps", "tensorflow.json");
const lastWheel = (root) => readJson(wheelStamp(root));
const sizeOf = (file) => statSync(file, { throwIfNoEntry: false })?.size ?? 0;
const summary = ({ version, gpu }) => `${version}, on the ${gpu ? "GPU" : "CPU"}`;
const nameOf = (flavor) => `${flavor.toUpperCase()} wheel`;
const wheelInputs = (root, flavor) => ({
  wheel: readRequirements(root)[flavor],
  wheels: wheelsDigest(root, flavor),
});

function bindingInputs(root, flavor) {
  const tfjs = readJson(join(root, "node_modules/@tensorflow/tfjs-node/package.json"))?.version;
  return { ...wheelInputs(root, flavor), folder: sitePackages(root), tfjs, with: "quiet.node" };
}

function wheelStands(root, flavor) {
  const library = join(sitePackages(root) ?? "", "tensorflow", "libtensorflow_cc.so.2");
  return readStamp(wheelStamp(root), wheelInputs(root, flavor)) !== undefined && existsSync(library);
}

/** What the binding's stamp says, where the binding and the wheel it was compiled against are there. */
function standing(root, flavor) {
  const stamp = wheelStands(root, flavor) ? readStamp(bindingStamp(root), bindingInputs(root, flavor)) : undefined;
  return stamp?.bytes === sizeOf(bindingFile(root)) ? stamp : undefined;
}

/** The wheels to try; a GPU is there where NVIDIA's driver answers. */
function flavors({ root, flag, find, ask }) {
  const smi = find(["nvidia-smi", "/usr/lib/wsl/lib/nvidia-smi"]);
  const gpuFound = smi !== undefined && /GPU 0/.test(ask(smi, ["-L"]) ?? "");
  return wheelsToTry({ flag, gpuFound, last: lastWheel(root) });
}
