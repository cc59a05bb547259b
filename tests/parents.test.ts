// Commands end with the npm that started them, whatever ended that: real npm, real trainings, a real JupyterLab.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

const FOLDER = mkdtempSync(path.join(tmpdir(), "nontrivial-parents-"));
after(() => rmSync(FOLDER, { recursive: true, force: true }));

/** The numbers of living processes whose command line holds a text. */
const processesWith = (text: string): number[] =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && commandOf(name).includes(text))
    .map(Number);

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
  } catch {
    return "";
  }
}

/** Waits until something holds. @throws where it does not within a minute */
async function until(holds: () => boolean, what: string): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    if (holds()) return;
    await sleep(100);
  }
  assert.fail(`waited a minute for ${what}`);
}

const npm = (...words: string[]): ChildProcess => spawn("npm", ["run", "--silent", ...words], { stdio: "ignore" });

for (const signal of ["SIGTERM", "SIGHUP", "SIGKILL"] as const)
  test(`a training ends soon after its npm got ${signal}, and its folder is free again`, async () => {
    const dir = path.join(FOLDER, signal);
    const lock = path.join(dir, "checkpoint.lock");
    const parent = npm("train", "--", "--network", "resnet20", "--epochs", "9", "--out", dir);
    await until(() => existsSync(lock), "the training to begin");
    assert.ok(processesWith(dir).length > 0);
    parent.kill(signal);
    await until(() => processesWith(dir).length === 0, `the processes of ${dir} to end`);
  });

test("a training ends when the process between it and npm is killed", async () => {
  const dir = path.join(FOLDER, "between");
  npm("train", "--", "--network", "resnet20", "--epochs", "9", "--out", dir);
  await until(() => existsSync(path.join(dir, "checkpoint.lock")), "the training to begin");
  const between = processesWith(dir).find((pid) => commandOf(String(pid)).includes("start.mjs"))!;
  process.kill(between, "SIGKILL");
  await until(() => processesWith(dir).length === 0, "the training to end");
});

for (const killed of ["npm run", "lab.mjs"])
  test(`JupyterLab ends when "${killed}" is killed`, async () => {
    const port = killed === "lab.mjs" ? "18951" : "18961";
    const parent = npm("lab", "--", "--no-browser", "--port", port);
    const words = `--port=${port}`;
    await until(() => processesWith(words).some((pid) => commandOf(String(pid)).includes("jupyterlab")), "JupyterLab");
    await sleep(1000);
    if (killed === "npm run") parent.kill("SIGKILL");
    else process.kill(processesWith(`lab.mjs --no-browser --port ${port}`).at(-1)!, "SIGKILL");
    await until(() => processesWith(words).length === 0, "JupyterLab to end");
  });
