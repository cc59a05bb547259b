// Set-up's steps but for Python and TensorFlow. A step's `check` is quick and changes nothing; `act` makes it true and returns the words
// for what was done; one that `talks` prints its own progress. Both get the checkout's `root`, the `flag` "cpu" or "gpu", and what they
// may do: `run` a child to its end, `ask` a quick question, `find` a command, `say` what is going on, give `notice`.
import { statSync } from "node:fs";
import { join } from "node:path";
import { packagesAgree } from "./choices.mjs";
import { readJson } from "./stamp.mjs";

const installed = (root) => readJson(join(root, "node_modules", ".package-lock.json"));

export const packages = {
  name: "npm packages",
  check({ root }) {
    const found = installed(root);
    if (packagesAgree(readJson(join(root, "package-lock.json")), found))
      return { ready: true, text: `${Object.keys(found.packages).length} packages as in package-lock.json` };
    const why = found ? "node_modules differs from package-lock.json" : "no complete node_modules";
    return { ready: false, text: `npm ci (${why})` };
  },
  async act({ root, run }) {
    await run("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"]);
    return `installed, ${Object.keys(installed(root).packages).length} packages`;
  },
};

const CIFAR_FILES = ["data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5", "test_batch"];
const CIFAR_BYTES = 30_730_000; // 10,000 images of 1 label byte and 3072 pixel bytes (the binary version's own page)
const CIFAR_READY = "60,000 images in data/cifar-10";

export const data = {
  name: "CIFAR-10",
  talks: true,
  check({ root }) {
    const sizeOf = (name) => statSync(join(root, "data/cifar-10", `${name}.bin`), { throwIfNoEntry: false })?.size;
    const ready = CIFAR_FILES.every((name) => sizeOf(name) === CIFAR_BYTES);
    return { ready, text: ready ? CIFAR_READY : "fetching the images" };
  },
  async act({ run }) {
    await run(process.execPath, ["--import", "tsx", "lib/cli/data.ts"], { show: true });
    return CIFAR_READY;
  },
};

const COMPILED = "lib/, compiled for the kernel";

/** What a kernel would otherwise do at the first import of a notebook, a quarter of a minute long; it makes edited files anew by itself. */
export const library = {
  name: "Library",
  check({ root, ask }) {
    const stale = ask(process.execPath, [join(root, "lib/jupyter/modules.cjs"), "./lib"], root);
    return {
      ready: stale === "0",
      text: stale === "0" ? COMPILED : `compiling ${stale ?? "all"} files of lib/ for the kernel`,
    };
  },
  async act({ root, run }) {
    await run(process.execPath, [join(root, "lib/jupyter/compile.cjs"), "./lib"]);
    return COMPILED;
  },
};
