// Where things lie in a checkout, and the environment that Jupyter, tests and training need before they start.
import { existsSync, readdirSync, realpathSync } from "node:fs";
import { delimiter, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** The project's folder. */
export const ROOT = resolve(dirname(realpathSync(fileURLToPath(import.meta.url))), "../..");

const namesIn = (folder) => (existsSync(folder) ? readdirSync(folder) : []);

/** The site-packages folder of a checkout's .venv; undefined where there is none. */
export function sitePackages(root) {
  const python = namesIn(join(root, ".venv", "lib")).find((name) => name.startsWith("python3"));
  return python && join(root, ".venv", "lib", python, "site-packages");
}

/** The folders with CUDA's libraries, which the GPU wheel brings along as nvidia/<part>/lib into site-packages. */
export function cudaFolders(packages) {
  const nvidia = join(packages, "nvidia");
  const folders = namesIn(nvidia).map((part) => join(nvidia, part, "lib"));
  return folders.filter((folder) => existsSync(folder)).sort();
}

/**
 * The environment of every process that may load TensorFlow or Jupyter. Libraries are searched along LD_LIBRARY_PATH as it
 * was when a process started, so this must be given to a child and cannot be set later.
 * @param {{root: string, base: NodeJS.ProcessEnv, cuda: string[]}} facts
 * @returns {NodeJS.ProcessEnv}
 */
export function environment({ root, base, cuda }) {
  const joined = (...folders) => folders.filter(Boolean).join(delimiter);
  return {
    ...base,
    PATH: joined(join(root, ".venv", "bin"), base.PATH),
    PYTHONPATH: joined(join(root, "lib", "jupyter", "papermill"), base.PYTHONPATH), // papermill's translator
    JUPYTER_PATH: joined(join(root, "lib", "jupyter"), base.JUPYTER_PATH),
    // labconfig/ switches off JupyterLab's news, which it would ask for on the network.
    JUPYTER_CONFIG_PATH: joined(join(root, "lib", "jupyter"), base.JUPYTER_CONFIG_PATH),
    TF_CPP_MIN_LOG_LEVEL: base.TF_CPP_MIN_LOG_LEVEL ?? "3",
    PYDEVD_DISABLE_FILE_VALIDATION: "1",
    ...(cuda.length > 0 && {
      LD_LIBRARY_PATH: joined(...cuda, base.LD_LIBRARY_PATH),
      TF_FORCE_GPU_ALLOW_GROWTH: base.TF_FORCE_GPU_ALLOW_GROWTH ?? "true",
      // By itself a GPU multiplies float32 with 10 bits of mantissa instead of 23.
      NVIDIA_TF32_OVERRIDE: base.NVIDIA_TF32_OVERRIDE ?? "0",
    }),
  };
}

/** The environment for child processes of the checkout at `root`, from what lies there now. */
export function childEnvironment(root = ROOT) {
  return environment({ root, base: process.env, cuda: cudaFolders(sitePackages(root) ?? root) });
}
