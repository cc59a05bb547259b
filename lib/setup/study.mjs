// The step for studies, taken when the first one is run: Snakemake in an environment of its own.
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { choosePython, installArguments, PYTHON_COMMANDS } from "./choices.mjs";
import { describePython, PIP, readRequirements, wheelsDigest } from "./python.mjs";
import { readStamp, writeStamp } from "./stamp.mjs";

// Inside .venv, so that nothing new lies in the checkout; apart from Jupyter, as neither may move what the other needs.
const FOLDER = join(".venv", "study");

/** The Python that has Snakemake. */
export const studyPython = (root) => join(root, FOLDER, "bin", "python");

export const snakemake = {
  name: "Snakemake",
  check({ root }) {
    const ready = readStamp(stamp(root), inputs(root)) && existsSync(studyPython(root));
    return ready
      ? { ready, text: wanted(root).join(", ") }
      : { ready: false, text: `pip install ${wanted(root).join(" ")}` };
  },
  async act({ root, run, ask }) {
    const { command } = choosePython(PYTHON_COMMANDS.flatMap((each) => describePython(each, ask)));
    rmSync(join(root, FOLDER), { recursive: true, force: true });
    await run(command, ["-m", "venv", join(root, FOLDER)]);
    await run(studyPython(root), [...PIP, ...installArguments("study")]);
    writeStamp(stamp(root), inputs(root));
    return `installed ${wanted(root).join(", ")}`;
  },
};

const wanted = (root) => readRequirements(root).study;
const inputs = (root) => ({ folder: join(root, FOLDER), wheels: wheelsDigest(root, "study") });
const stamp = (root) => join(root, FOLDER, "stamp.json");
