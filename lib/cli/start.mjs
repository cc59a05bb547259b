// Starts Node with TypeScript support and TensorFlow's environment: `node lib/cli/start.mjs lib/cli/train.ts --epochs 15`.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { constants } from "node:os";
import Module, { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { childEnvironment, ROOT } from "../setup/environment.mjs";
import { onNpmEnd } from "../setup/parents.mjs";

if (!existsSync(join(ROOT, "node_modules", "tsx", "package.json"))) {
  console.error("Cannot start: the npm packages are not installed; run `npm run setup` first.");
  process.exit(1);
}

const words = process.argv.slice(2);
// npm says where the user stands; tests stand in the project's folder.
const { npm_lifecycle_event: script, INIT_CWD } = process.env;
const here = words[0]?.startsWith("-") ? ROOT : ((script ? INIT_CWD : undefined) ?? process.cwd());
if (words[0]?.startsWith("lib/cli/") && words.includes("--help")) help(words);
else start(words);

/** Shows a command's help in a third of the time that TypeScript support alone takes: bundled here, whatever it loads later left out. */
function help([script, ...rest]) {
  const file = resolve(ROOT, script);
  const { buildSync } = createRequire(file)("esbuild");
  const how = { bundle: true, write: false, platform: "node", format: "cjs", packages: "external" };
  const [{ text }] = buildSync({ ...how, entryPoints: [file], logLevel: "error" }).outputFiles;
  process.argv = [process.argv[0], file, ...rest];
  process.env.INIT_CWD = here;
  process.chdir(ROOT);
  const module = Object.assign(new Module(file), { filename: file, paths: Module._nodeModulePaths(dirname(file)) });
  module._compile(text, file);
}

function start(words) {
  const child = spawn(process.execPath, ["--import", "tsx", ...words], {
    cwd: ROOT,
    env: { ...childEnvironment(), INIT_CWD: here },
    stdio: ["inherit", "inherit", "inherit", "ipc"], // a channel that closes when this process is gone, however it ended
  });
  // A terminal's interrupt reaches the child by itself; this process waits for how it ends.
  process.on("SIGINT", () => process.stdin.isTTY || child.kill("SIGINT"));
  for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  onNpmEnd(() => child.kill("SIGTERM"));
  child.on("close", (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
}
