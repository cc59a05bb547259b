// Child processes of the commands: their output stays hidden unless they fail, and none outlives an interrupted command.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { basename, delimiter, join } from "node:path";
import { createInterface } from "node:readline";
import { setImmediate, setTimeout as sleep } from "node:timers/promises";

const KEPT = 20_000;
const SHOWN = 15;

/** @type {Set<import("node:child_process").ChildProcess>} */
const running = new Set();
let leaving = false;

/**
 * On Ctrl-C or a request to end: ends the children, waits for them, cleans up and leaves.
 * @param {() => void} cleanUp
 * @returns {() => void} stops listening
 */
export function onInterrupt(cleanUp) {
  const leave = async (signal) => {
    leaving = true;
    const ended = [...running].map((child) => once(child, "close"));
    for (const child of running) child.kill("SIGTERM");
    await Promise.race([Promise.all(ended), sleep(5000)]);
    await setImmediate(); // whoever waited for a child removes its unfinished files first
    cleanUp();
    process.stdout.write(
      `\nInterrupted (${signal}). What is done stays; run the same command again to go on from here.\n`,
    );
    process.exit(130);
  };
  process.on("SIGINT", leave).on("SIGTERM", leave);
  return () => process.off("SIGINT", leave).off("SIGTERM", leave);
}

/**
 * Runs a command to its end and returns what it printed.
 * @param {string} command
 * @param {string[]} args
 * @param {{cwd: string, env?: NodeJS.ProcessEnv, show?: boolean, onStart?: (pid: number) => void, onEnd?: () => void, onLine?: (line: string) => void}} options `show` leaves its output on the terminal
 * @returns {Promise<string>}
 * @throws {Error} when it cannot be started or ends with an error; `output` has its last lines, `advice` says what to do,
 *   `interrupted` that this process is being ended
 */
export function runChild(command, args, { cwd, env = process.env, show = false, onStart, onEnd, onLine }) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd,
      env,
      stdio: ["ignore", show ? "inherit" : "pipe", show ? "inherit" : "pipe"],
    });
    let output = "";
    const keep = (chunk) => (output = (output + chunk).slice(-KEPT));
    child.stdout?.on("data", keep);
    child.stderr?.on("data", keep);
    if (child.stdout && onLine) createInterface({ input: child.stdout }).on("line", onLine);
    running.add(child);
    if (child.pid) onStart?.(child.pid);
    const end = () => (running.delete(child), onEnd?.());
    child.on("error", (error) => (end(), reject(failure(`Cannot start ${command}: ${error.message}`, ""))));
    child.on("close", (code, signal) => {
      end();
      const how = signal ? `was ended by ${signal}` : `failed with exit code ${code}`;
      if (code === 0) resolve(output);
      else reject(failure(`"${summary(command, args)}" ${how}`, output));
    });
  });
}

function summary(command, args) {
  const words = [basename(command), ...args.filter((arg) => !arg.startsWith("--"))].join(" ");
  return words.length > 80 ? `${words.slice(0, 80)}…` : words;
}

function failure(message, output) {
  const lines = output.split(/\r?\n/).filter((line) => line.trim() !== "");
  const facts = { output: lines.slice(-SHOWN).join("\n"), advice: adviceFor(output), interrupted: leaving };
  return Object.assign(new Error(message), facts);
}

/**
 * Asks a command a quick question; the answer is undefined when it is missing, slow or fails.
 * @param {string} command
 * @param {string[]} args
 * @returns {string | undefined}
 */
export function ask(command, args) {
  const { status, stdout } = spawnSync(command, args, {
    encoding: "utf8",
    timeout: 20_000,
    stdio: ["ignore", "pipe", "ignore"],
  });
  return status === 0 ? stdout.trim() : undefined;
}

/**
 * The first of some commands that is on PATH, as an absolute path.
 * @param {string[]} names
 * @param {string} [path]
 * @returns {string | undefined}
 */
export function findCommand(names, path = process.env.PATH ?? "") {
  const places = names.flatMap((name) =>
    name.includes("/") ? [name] : path.split(delimiter).map((folder) => join(folder, name)),
  );
  return places.find((place) => existsSync(place));
}

/**
 * What to do about a failed npm or pip, from what it printed.
 * @param {string} output
 * @returns {string}
 */
export function adviceFor(output) {
  if (/ENOSPC|No space left/i.test(output))
    return "The disk is full: free about 3 GB (for a GPU about 8 GB) and try again.";
  if (
    /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|name resolution|Connection (refused|reset|timed out|broken)|Max retries/i.test(
      output,
    )
  )
    return "The package registry cannot be reached: check the network (npm's registry and PyPI have to be reached) and try again.";
  if (/EACCES|EPERM|Permission denied/i.test(output))
    return "This folder, or one in it, cannot be written to: check who owns it.";
  if (/No matching distribution/i.test(output))
    return "The package index PyPI cannot be reached, or has no build of this version for this Python and system.";
  return "Read the lines above; to begin anew delete node_modules and .venv, then: npm run setup";
}
