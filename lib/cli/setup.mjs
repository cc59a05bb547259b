// `npm run setup`: prepares this checkout (packages, Python, TensorFlow, data). Written so that an old Node can still read it.
import { supportsNode } from "../setup/choices.mjs";

const COMMAND = {
  name: "setup",
  summary: `Prepares this checkout: npm packages, .venv with Jupyter and TensorFlow's wheel, the TensorFlow.js binding, and CIFAR-10.
Does only what is missing; a call that finds all of it takes a moment.`,
  options: {
    gpu: { help: "take TensorFlow's wheel for NVIDIA GPUs (the default where nvidia-smi finds a GPU)" },
    cpu: { help: "take the CPU wheel; the choice is remembered" },
    quiet: { help: "say only what is done, not what stands already" },
  },
};

if (supportsNode(process.versions.node)) start();
else {
  console.error(
    `Node.js ${process.versions.node} was found, but 20.19 or later in 20.x, or 22.12 or later, is wanted.`,
  );
  console.error("Install a current version from https://nodejs.org or with nvm (nvm install 22), then try again.");
  process.exit(1);
}

async function start() {
  const { runCommand, UsageError } = await import("./options.mjs");
  const { setUp } = await import("../setup/main.mjs");
  const { createReport } = await import("../setup/report.mjs");
  await runCommand(COMMAND, async ({ gpu, cpu, quiet }) => {
    if (gpu && cpu) throw new UsageError("Cannot set up: --gpu and --cpu were both given, one or none is wanted");
    const flag = gpu ? "gpu" : cpu ? "cpu" : undefined;
    if (!(await setUp({ flag, report: createReport({ quiet }) }))) process.exitCode = 1;
  });
}
