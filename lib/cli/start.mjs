// Starts Node with TypeScript support and TensorFlow's environment: `node lib/cli/start.mjs lib/cli/train.ts --epochs 15`.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { childEnvironment, ROOT } from "../setup/environment.mjs";
import { onNpmEnd } from "../setup/parents.mjs";

if (!existsSync(join(ROOT, "node_modules", "tsx", "package.json"))) {
  console.error("Cannot start: the npm packages are not installed; run `npm run setup` first.");
  process.exit(1);
}

const child = spawn(process.execPath, ["--import", "tsx", ...process.argv.slice(2)], {
  cwd: ROOT,
  env: childEnvironment(),
  stdio: ["inherit", "inherit", "inherit", "ipc"], // a channel that closes when this process is gone, however it ended
});
// A terminal's interrupt reaches the child by itself; this process waits for how it ends.
process.on("SIGINT", () => process.stdin.isTTY || child.kill("SIGINT"));
for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
onNpmEnd(() => child.kill("SIGTERM"));
child.on("close", (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
