// Set-up's Python steps: the environment .venv, and Jupyter in it.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { choosePython, parseRequirements, PYTHON_COMMANDS } from "./choices.mjs";
import { readStamp, removeStamp, writeStamp } from "./stamp.mjs";

/** @type {import("./steps.mjs").Step} */
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
  async act({ root, run, ask }) {
    const chosen = choosePython(PYTHON_COMMANDS.flatMap((command) => describePython(command, ask)));
    rmSync(join(root, ".venv"), { recursive: true, force: true });
    mkdirSync(join(root, ".venv"));
    await installing(root, () => run(chosen.command, ["-m", "venv", join(root, ".venv")]));
    return `${chosen.version} in .venv, made by ${chosen.command}`;
  },
};

/** @type {import("./steps.mjs").Step} */
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
 * Lets venv or pip work on .venv. One that was interrupted may leave a package half there that later looks whole, so a mark
 * stays until it has ended by itself, and a .venv with the mark is made anew.
 * @param {string} root
 * @param {() => Promise<string>} action
 */
export async function installing(root, action) {
  writeFileSync(unfinished(root), "");
  const result = await action().catch((error) => {
    if (!error.interrupted) finished(root);
    throw error;
  });
  finished(root);
  return result;
}

const finished = (root) => rmSync(unfinished(root), { force: true });
const unfinished = (root) => join(root, ".venv", "unfinished");
const jupyterStamp = (root) => join(root, ".venv", "stamps", "jupyter.json");

function versionOf(root) {
  const file = join(root, ".venv", "pyvenv.cfg");
  return existsSync(file) ? /^version *= *(\S+)/m.exec(readFileSync(file, "utf8"))?.[1] : undefined;
}

// The commands in .venv/bin name their Python by its full path, so they break when the checkout moves.
function hasMoved(root) {
  const folder = join(root, ".venv", "bin");
  const script = readdirSync(folder).find((name) => name === "pip");
  return script !== undefined && !readFileSync(join(folder, script), "utf8").startsWith(`#!${join(folder, "python")}`);
}

function describePython(command, ask) {
  const script =
    "import sys, importlib.util as u; print('.'.join(map(str, sys.version_info[:3])), all(map(u.find_spec, ['venv', 'ensurepip'])))";
  const [version, ensurepip] = ask(command, ["-c", script])?.split(" ") ?? [];
  return version ? [{ command, version, ensurepip: ensurepip === "True" }] : [];
}
