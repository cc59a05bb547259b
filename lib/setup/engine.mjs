// Set-up's TensorFlow step: a Python wheel for its C++ library, CPU or GPU, and TensorFlow.js's binding for it.
import { existsSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { bindingFile, compile, compilers, tryOut } from "./binding.mjs";
import { firstThatWorks, wheelArguments, wheelsToTry } from "./choices.mjs";
import { sitePackages } from "./environment.mjs";
import { readJson, readStamp, removeStamp, writeStamp } from "./stamp.mjs";
import { installing, interpreter, PIP, readRequirements } from "./python.mjs";

const WASM = "Without it everything but training works, slowly, on WebAssembly";
const APT = "On Debian and Ubuntu: sudo apt install g++";

/** @type {import("./steps.mjs").Step} */
export const engine = {
  name: "TensorFlow",
  check(context) {
    const { root, flag } = context;
    const [flavor] = flavors(context);
    const made = standing(root, flavor);
    const last = lastWheel(root);
    if (!made || (flag && flag !== last.flag)) return { ready: false, text: describe(root, flavor) };
    const again = "To try it again: npm run setup -- --gpu";
    const notice = last.failed && `On the CPU, because the GPU wheel failed: ${last.failed}. ${again}`;
    return { ready: true, text: summary(made), notice };
  },
  async act(context) {
    const { root, notice, find } = context;
    const wanted = flavors(context);
    const memory = remembered(context);
    const compiler = find(compilers());
    if (!compiler) return giveUp(context, `no C++ compiler (tried ${compilers().join(", ")})`, APT);
    const { value, choice, failures } = await firstThatWorks(wanted, (flavor) => build(context, flavor, compiler));
    failures.forEach((failure) =>
      notice(`The ${failure.choice.toUpperCase()} wheel failed: ${explain(failure.error)}`),
    );
    if (!value) return giveUp(context, "no TensorFlow wheel works here", failures.at(-1)?.error.advice);
    if (choice === "gpu" && !value.gpu)
      notice("The GPU wheel is installed, but TensorFlow finds no GPU to use (see nvidia-smi)");
    const failed = failures[0]?.error.message ?? memory.failed;
    writeStamp(wheelStamp(root), wheelInputs(root, choice), { ...memory, flavor: choice, failed });
    return summary(value);
  },
};

/** What the stamp of the wheel is to remember: the last flag, and that the GPU wheel failed until it is asked for again. */
function remembered({ root, flag }) {
  const last = lastWheel(root);
  return { flag: flag ?? last?.flag, failed: flag ? undefined : last?.failed };
}

/** Installs one wheel, compiles the binding against it and computes 1 + 1 with it; leaves out what stands. */
async function build(context, flavor, compiler) {
  const { root, say } = context;
  const made = standing(root, flavor);
  if (made) return made;
  removeStamp(bindingStamp(root));
  if (!wheelStands(root, flavor)) {
    const memory = remembered(context);
    say(`pip install ${readRequirements(root)[flavor]}`);
    await installWheel(context, flavor);
    writeStamp(wheelStamp(root), wheelInputs(root, flavor), { ...memory, flavor });
  }
  say(`compiling the binding with ${compiler}`);
  await compile(context, compiler);
  say("loading it");
  const version = context.ask(compiler, ["-dumpfullversion"]) ?? "";
  const trial = await tryOut(context);
  const result = { ...trial, compiler: `${compiler} ${version}`.trim(), bytes: sizeOf(bindingFile(root)) };
  writeStamp(bindingStamp(root), bindingInputs(root, flavor), result);
  return result;
}

async function installWheel({ root, run }, flavor) {
  const pip = (args) => run(interpreter(root), [...PIP, ...args]);
  removeStamp(wheelStamp(root));
  await installing(root, async () => {
    await pip(["uninstall", "--yes", "tensorflow", "tensorflow-cpu"]);
    return pip(wheelArguments(flavor, readRequirements(root)[flavor]));
  });
}

function giveUp({ root, notice }, reason, advice) {
  rmSync(bindingFile(root), { force: true }); // the lib takes the native engine wherever it finds this file
  notice(`No native TensorFlow: ${reason}. ${WASM}.${advice ? ` ${advice}` : ""}`);
  return "not available, going on with WebAssembly";
}

const bindingStamp = (root) => `${bindingFile(root)}.json`;
const sizeOf = (file) => statSync(file, { throwIfNoEntry: false })?.size ?? 0;
const wheelStamp = (root) => join(root, ".venv", "stamps", "tensorflow.json");
const lastWheel = (root) => readJson(wheelStamp(root));
const flavors = (context) =>
  wheelsToTry({ flag: context.flag, gpuFound: hasGpu(context), last: lastWheel(context.root) });
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
  if (!wheelStands(root, flavor)) return undefined;
  const stamp = readStamp(bindingStamp(root), bindingInputs(root, flavor));
  return stamp?.bytes === sizeOf(bindingFile(root)) ? stamp : undefined;
}

function describe(root, flavor) {
  return wheelStands(root, flavor) ? "compiling the binding" : `${flavor.toUpperCase()} wheel and binding`;
}

/** Whether an NVIDIA GPU is there and its driver answers. */
function hasGpu({ find, ask }) {
  const smi = find(["nvidia-smi", "/usr/lib/wsl/lib/nvidia-smi"]);
  return smi !== undefined && /GPU 0/.test(ask(smi, ["-L"]) ?? "");
}
