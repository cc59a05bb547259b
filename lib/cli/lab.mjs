// `npm run lab`: JupyterLab with the project's kernel, for this computer only, on a free port.
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { createServer } from "node:net";
import { constants } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { childEnvironment, ROOT } from "../setup/environment.mjs";
import { onNpmEnd } from "../setup/parents.mjs";
import { runCommand, UsageError } from "./options.mjs";

/** Linux ends the process when the one that started it is gone, killed for example: prctl's PR_SET_PDEATHSIG, which stays through exec. */
const WITH_PARENT =
  "import ctypes, os, signal, sys; ctypes.CDLL(None).prctl(1, signal.SIGTERM); os.execv(sys.executable, [sys.executable, *sys.argv[1:]])";

const COMMAND = {
  name: "lab",
  summary:
    "Opens JupyterLab with the TypeScript kernel on this checkout, reachable from this computer alone, and prints its address.",
  options: {
    port: {
      value: "N",
      help: "the first port to try; the next free one is taken",
      preset: "8888",
      read(_, text) {
        const port = Number(text);
        if (Number.isInteger(port) && port >= 1 && port <= 65_535) return port;
        throw new UsageError(`Cannot use port "${text}": wanted a number from 1 to 65535`);
      },
    },
    "no-browser": { help: "only print the address (so it is anyway where there is no display)" },
  },
};

runCommand(COMMAND, async (given) => {
  if (!existsSync(join(ROOT, ".venv", "bin", "jupyter-lab")))
    throw new Error("Cannot start JupyterLab: it is not installed; run `npm run setup` first.");
  const port = await freePort(given.port);
  const token = randomBytes(24).toString("hex");
  const address = `http://127.0.0.1:${port}/lab?token=${token}`;
  const lab = spawn(join(ROOT, ".venv", "bin", "python"), ["-c", WITH_PARENT, ...labArguments(port)], {
    cwd: ROOT,
    env: { ...childEnvironment(), JUPYTER_TOKEN: token }, // not an argument: other users of this computer see those
    stdio: ["ignore", "inherit", "inherit"],
  });
  process.on("SIGINT", () => process.stdin.isTTY || lab.kill("SIGINT")); // a terminal's Ctrl-C reaches JupyterLab by itself
  for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => lab.kill("SIGTERM"));
  onNpmEnd(() => lab.kill("SIGTERM"));
  lab.on("close", (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
  await answers(`http://127.0.0.1:${port}/api/status?token=${token}`);
  console.log(`\nJupyterLab is ready:\n  ${address}\nStop it with Ctrl-C.`);
  if (hasDisplay() && !given["no-browser"]) openBrowser(address);
});

function labArguments(port) {
  const root = process.getuid?.() === 0 ? ["--allow-root"] : []; // in a container; Jupyter refuses otherwise
  return [
    "-m",
    "jupyterlab",
    "--no-browser",
    "--ip=127.0.0.1",
    `--port=${port}`,
    "--ServerApp.port_retries=0",
    `--ServerApp.root_dir=${ROOT}`,
    "--MultiKernelManager.default_kernel_name=tslab",
    "--ZMQChannelsWebsocketConnection.iopub_data_rate_limit=1e12", // what is more, is dropped; the kernel ends prints after 16 MB
    "--Application.log_level=WARN",
    "--LabApp.news_url=None",
    "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ...root,
  ];
}

/** @param {number} port the first to try */
async function freePort(port) {
  for (let each = port; each < port + 100 && each <= 65_535; each++) if (await isFree(each)) return each;
  throw new Error(
    `Cannot start JupyterLab: tried ports ${port} to ${Math.min(port + 99, 65_535)}, all are taken; choose with --port`,
  );
}

function isFree(port) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}

async function answers(url) {
  while (
    !(await fetch(url).then(
      (reply) => reply.ok,
      () => false,
    ))
  )
    await sleep(200);
}

function hasDisplay() {
  return process.platform === "darwin" || Boolean(process.env.DISPLAY || process.env.WAYLAND_DISPLAY);
}

function openBrowser(address) {
  const opener = spawn(process.platform === "darwin" ? "open" : "xdg-open", [address], {
    stdio: "ignore",
    detached: true,
  });
  opener.on("error", () => {}); // the address is printed
  opener.unref();
}
