// `npm run kernel`: makes the project's kernel known to other front ends than `npm run lab`, such as VS Code or a Jupyter of one's own.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { childEnvironment, ROOT } from "../setup/environment.mjs";
import { print } from "../setup/visible.mjs";
import { runCommand, UsageError } from "./options.mjs";

const NAME = "nontrivial";
const KERNEL = join(ROOT, "lib", "jupyter", "kernel.cjs");

const COMMAND = {
  name: "kernel",
  summary:
    "Makes the TypeScript kernel of this checkout known to every Jupyter front end of this user, under the name nontrivial.\n" +
    "Without an option it says whether it is known, and changes nothing.",
  options: {
    install: { help: "write its kernelspec, which names this checkout, outside of the checkout" },
    uninstall: { help: "remove that again" },
  },
};

runCommand(COMMAND, async ({ install, uninstall }) => {
  if (install && uninstall) throw new UsageError("--install and --uninstall are not given together");
  const folder = join(dataFolder(process.env), "kernels", NAME);
  if (install) write(folder);
  if (uninstall) remove(folder);
  print(stateOf(folder));
});

/** Where Jupyter looks for what a user has installed (jupyter_core's `jupyter_data_dir` on Linux). */
function dataFolder({ JUPYTER_DATA_DIR, XDG_DATA_HOME }) {
  return JUPYTER_DATA_DIR || join(XDG_DATA_HOME || join(homedir(), ".local", "share"), "jupyter");
}

/** A kernelspec with absolute paths: the front end may stand anywhere, and know another Node.js or none. */
function write(folder) {
  const { TF_CPP_MIN_LOG_LEVEL, LD_LIBRARY_PATH, TF_FORCE_GPU_ALLOW_GROWTH, NVIDIA_TF32_OVERRIDE } = childEnvironment();
  const spec = {
    argv: [process.execPath, KERNEL, "{connection_file}"],
    display_name: "TypeScript (nontrivial)",
    language: "typescript",
    interrupt_mode: "signal",
    env: { TF_CPP_MIN_LOG_LEVEL, LD_LIBRARY_PATH, TF_FORCE_GPU_ALLOW_GROWTH, NVIDIA_TF32_OVERRIDE },
  };
  refuseForeign(folder);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "kernel.json"), `${JSON.stringify(spec, null, 2)}\n`);
}

function remove(folder) {
  refuseForeign(folder);
  rmSync(folder, { recursive: true, force: true });
}

/** @throws {Error} where something else has that name */
function refuseForeign(folder) {
  const known = knownKernel(folder);
  if (existsSync(folder) && !known?.endsWith(join("lib", "jupyter", "kernel.cjs")))
    throw new Error(`Cannot change "${folder}": expected a kernelspec of this project but found another's`);
}

/** The kernel.cjs that a kernelspec names. */
function knownKernel(folder) {
  try {
    return JSON.parse(readFileSync(join(folder, "kernel.json"), "utf8")).argv[1];
  } catch {
    return undefined;
  }
}

function stateOf(folder) {
  const known = knownKernel(folder);
  if (known === KERNEL) return `Known as "TypeScript (nontrivial)" by ${folder}: choose it in VS Code or Jupyter`;
  const other = known === undefined ? "there is none" : `that is of another checkout, ${known}`;
  return `Not known outside of npm run lab (looked for ${folder}: ${other}); --install makes it so`;
}
