// Set-up's steps but for TensorFlow: what each looks at to know that it is done, and what it does otherwise.
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { choosePython, packagesAgree, parseRequirements, PYTHON_COMMANDS } from "./choices.mjs";
import { ask } from "./children.mjs";
import { hashOf, readJson, readStamp, removeStamp, writeStamp } from "./stamp.mjs";

/**
 * One step. `check` is quick and changes nothing; `act` makes it true and returns the words for what was done.
 * @typedef {object} Step
 * @property {string} name
 * @property {(context: Context) => {ready: boolean, text: string, notice?: string}} check
 * @property {(context: Context) => Promise<string>} act
 *
 * @typedef {object} Context
 * @property {string} root
 * @property {"cpu" | "gpu" | undefined} flag
 * @property {(command: string, args: string[], options?: {show?: boolean}) => Promise<string>} run
 * @property {(text: string) => void} notice
 * @property {(text: string) => void} say
 */

/** @type {Step} */
export const packages = {
  name: "npm packages",
  check({ root }) {
    const found = readJson(join(root, "node_modules", ".package-lock.json"));
    if (packagesAgree(readJson(join(root, "package-lock.json")), found)) {
      return { ready: true, text: `${Object.keys(found.packages).length} packages as in package-lock.json` };
    }
    const why = found ? "node_modules differs from package-lock.json" : "no complete node_modules";
    return { ready: false, text: `npm ci (${why})` };
  },
  async act({ root, run }) {
    await run("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"]);
    return `installed, ${Object.keys(readJson(join(root, "node_modules", ".package-lock.json")).packages).length} packages`;
  },
};

/** @type {Step} */
export const python = {
  name: "Python",
  check({ root }) {
    const version = versionOf(root);
    const whole = version && existsSync(interpreter(root)) && !existsSync(unfinished(root));
    if (whole && !hasMoved(root)) return { ready: true, text: `${version} in .venv` };
    const why = existsSync(join(root, ".venv"))
      ? "the old one was left unfinished, or moved, or its Python is gone"
      : "not there yet";
    return { ready: false, text: `making .venv (${why})` };
  },
  async act({ root, run }) {
    const chosen = choosePython(PYTHON_COMMANDS.flatMap(describePython));
    rmSync(join(root, ".venv"), { recursive: true, force: true });
    await run(chosen.command, ["-m", "venv", join(root, ".venv")]);
    return `${chosen.version} in .venv, made by ${chosen.command}`;
  },
};

/** @type {Step} */
export const jupyter = {
  name: "Jupyter",
  check({ root }) {
    const { jupyter: wanted } = readRequirements(root);
    const ready = readStamp(jupyterStamp(root), { wanted }) && existsSync(join(root, ".venv", "bin", "jupyter-lab"));
    return ready ? { ready, text: wanted.join(", ") } : { ready: false, text: `pip install ${wanted.join(" ")}` };
  },
  async act({ root, run }) {
    const { jupyter: wanted } = readRequirements(root);
    removeStamp(jupyterStamp(root));
    await installing(root, () => run(interpreter(root), [...PIP, "install", "-r", "requirements.txt"]));
    writeStamp(jupyterStamp(root), { wanted });
    return `installed ${wanted.join(", ")}`;
  },
};

/** @type {Step} */
export const kernel = {
  name: "Kernel",
  check({ root }) {
    const file = join(root, "lib", "jupyter", "kernels", "tslab", "kernel.json");
    const ready = readStamp(kernelStamp(root), { root, kernel: hashOf(file) }) !== undefined;
    return { ready, text: ready ? "tslab, from lib/jupyter/kernels" : "asking Jupyter for the kernel tslab" };
  },
  async act({ root, run }) {
    const folder = join(root, "lib", "jupyter", "kernels", "tslab");
    const { kernelspecs } = JSON.parse(
      await run(join(root, ".venv", "bin", "jupyter"), ["kernelspec", "list", "--json", "--log-level=ERROR"]),
    );
    const found = kernelspecs.tslab?.resource_dir;
    if (found !== folder) {
      const advice =
        "Check lib/jupyter/kernels/tslab/kernel.json (git status) and that JUPYTER_PATH names no other tslab.";
      throw Object.assign(
        new Error(`Jupyter should find the kernel tslab in ${folder}, but found ${found ?? "none"}`),
        { advice },
      );
    }
    writeStamp(kernelStamp(root), { root, kernel: hashOf(join(folder, "kernel.json")) });
    return "tslab, from lib/jupyter/kernels";
  },
};

const CIFAR_FILES = ["data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5", "test_batch"];
const CIFAR_BYTES = 30_730_000; // 10,000 images of 1 label byte and 3072 pixel bytes (the binary version's own page)

/** @type {Step} */
export const data = {
  name: "CIFAR-10",
  check({ root }) {
    const folder = join(root, "data", "cifar-10");
    const size = (/** @type {string} */ name) => statSync(join(folder, `${name}.bin`), { throwIfNoEntry: false })?.size;
    const ready = CIFAR_FILES.every((name) => size(name) === CIFAR_BYTES);
    return { ready, text: ready ? "60,000 images in data/cifar-10" : "fetching the images" };
  },
  async act({ run }) {
    await run(process.execPath, ["--import", "tsx", "lib/cli/data.ts"], { show: true });
    return "60,000 images in data/cifar-10";
  },
};

export const PIP = ["-m", "pip", "--disable-pip-version-check", "--no-input"];

/** The Python of .venv. @param {string} root */
export function interpreter(root) {
  return join(root, ".venv", "bin", "python");
}

/** @param {string} root */
export function readRequirements(root) {
  return parseRequirements(readFileSync(join(root, "requirements.txt"), "utf8"));
}

/**
 * Lets pip work on .venv. One that was interrupted may leave a package half there that later looks whole, so a mark stays
 * until pip has ended by itself, and a .venv with the mark is made anew.
 * @param {string} root
 * @param {() => Promise<string>} action
 */
export async function installing(root, action) {
  writeFileSync(unfinished(root), "");
  try {
    return await action();
  } finally {
    rmSync(unfinished(root), { force: true });
  }
}

const unfinished = (/** @type {string} */ root) => join(root, ".venv", "unfinished");
const jupyterStamp = (/** @type {string} */ root) => join(root, ".venv", "stamps", "jupyter.json");
const kernelStamp = (/** @type {string} */ root) => join(root, ".venv", "stamps", "kernel.json");

/** @param {string} root */
function versionOf(root) {
  const file = join(root, ".venv", "pyvenv.cfg");
  return existsSync(file) ? /^version *= *(\S+)/m.exec(readFileSync(file, "utf8"))?.[1] : undefined;
}

// The commands in .venv/bin name their Python by its full path, so they break when the checkout moves.
/** @param {string} root */
function hasMoved(root) {
  const folder = join(root, ".venv", "bin");
  const script = readdirSync(folder).find((name) => name === "pip");
  return script !== undefined && !readFileSync(join(folder, script), "utf8").startsWith(`#!${join(folder, "python")}`);
}

/** @param {string} command */
function describePython(command) {
  const script =
    "import sys, importlib.util as u; print('.'.join(map(str, sys.version_info[:3])), all(map(u.find_spec, ['venv', 'ensurepip'])))";
  const [version, ensurepip] = ask(command, ["-c", script])?.split(" ") ?? [];
  return version ? [{ command, version, ensurepip: ensurepip === "True" }] : [];
}
