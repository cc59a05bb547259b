// Set-up's Python steps: the environment .venv, and Jupyter in it.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { choosePython, installArguments, parseRequirements, PYTHON_COMMANDS, WHEELS } from "./choices.mjs";
import { readStamp, writeStamp } from "./stamp.mjs";

export const python = {
  name: "Python",
  check({ root }) {
    const version = /^version *= *(\S+)/m.exec(textOf(join(root, ".venv", "pyvenv.cfg")))?.[1];
    const whole = version && existsSync(interpreter(root)) && !existsSync(unfinished(root));
    if (whole && !hasMoved(root)) return { ready: true, text: `${version} in .venv` };
    const old = "the old one was left unfinished, or moved, or its Python is gone";
    return { ready: false, text: `making .venv (${existsSync(join(root, ".venv")) ? old : "not there yet"})` };
  },
  async act({ root, run, ask }) {
    const chosen = choosePython(PYTHON_COMMANDS.flatMap((command) => describePython(command, ask)));
    rmSync(join(root, ".venv"), { recursive: true, force: true });
    mkdirSync(join(root, ".venv"));
    await installing(root, () => run(chosen.command, ["-m", "venv", join(root, ".venv")]));
    return `${chosen.version} in .venv, made by ${chosen.command}`;
  },
};

export const jupyter = {
  name: "Jupyter",
  check({ root }) {
    const { jupyter: wanted } = readRequirements(root);
    const ready =
      readStamp(jupyterStamp(root), jupyterInputs(root)) && existsSync(join(root, ".venv", "bin", "jupyter-lab"));
    return ready ? { ready, text: wanted.join(", ") } : { ready: false, text: `pip install ${wanted.join(" ")}` };
  },
  async act({ root, run }) {
    const { jupyter: wanted } = readRequirements(root);
    rmSync(jupyterStamp(root), { force: true });
    await installing(root, () => run(interpreter(root), [...PIP, ...installArguments("jupyter")]));
    writeStamp(jupyterStamp(root), jupyterInputs(root));
    return `installed ${wanted.join(", ")}`;
  },
};

export const PIP = ["-m", "pip", "--disable-pip-version-check", "--no-input"];

/** The Python of .venv. */
export const interpreter = (root) => join(root, ".venv", "bin", "python");

/** What requirements.txt says. */
export const readRequirements = (root) => parseRequirements(readFileSync(join(root, "requirements.txt"), "utf8"));

/**
 * Lets venv or pip work on .venv. One that was interrupted may leave a package half there that later looks whole, so a mark
 * stays until it has ended by itself, and a .venv with the mark is made anew.
 */
export async function installing(root, action) {
  const finished = () => rmSync(unfinished(root), { force: true });
  writeFileSync(unfinished(root), "");
  await action().catch((error) => {
    if (!error.interrupted) finished();
    throw error;
  });
  finished();
}

/** The digest of a list of wheels, by which a stamp tells whether another one was installed. */
export function wheelsDigest(root, name) {
  return createHash("sha256")
    .update(textOf(join(root, WHEELS, `${name}.txt`)))
    .digest("hex");
}

const jupyterInputs = (root) => ({ wanted: readRequirements(root).jupyter, wheels: wheelsDigest(root, "jupyter") });
const unfinished = (root) => join(root, ".venv", "unfinished");
const jupyterStamp = (root) => join(root, ".venv", "stamps", "jupyter.json");
const textOf = (file) => (existsSync(file) ? readFileSync(file, "utf8") : "");

// The commands in .venv/bin name their Python by its full path, so they break when the checkout moves.
function hasMoved(root) {
  const pip = textOf(join(root, ".venv", "bin", "pip"));
  return pip !== "" && !pip.startsWith(`#!${interpreter(root)}`);
}

const DESCRIBE =
  "import sys, importlib.util as u; print('.'.join(map(str, sys.version_info[:3])), all(map(u.find_spec, ['venv', 'ensurepip'])))";

/** The version of a Python command, and whether it can make environments; nothing where there is no such command. */
export function describePython(command, ask) {
  const [version, ensurepip] = ask(command, ["-c", DESCRIBE])?.split(" ") ?? [];
  return version ? [{ command, version, ensurepip: ensurepip === "True" }] : [];
}
