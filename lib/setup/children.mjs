// Child processes of the commands: their output stays hidden unless they fail, and none outlives an interrupted command.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { basename, delimiter, join } from "node:path";
import { createInterface } from "node:readline";
import { setImmediate, setTimeout as sleep } from "node:timers/promises";

const KEPT = 20_000; // characters of output
const SHOWN = 15; // lines of it

const running = new Set();
let leaving = false;

/** On Ctrl-C or a request to end: ends the children, waits for them and leaves. Returns what stops listening. */
export function onInterrupt() {
  const leave = async (signal) => {
    leaving = true;
    const ended = [...running].map((child) => once(child, "close"));
    for (const child of running) child.kill("SIGTERM");
    await Promise.race([Promise.all(ended), sleep(5000)]);
    await setImmediate(); // whoever waited for a child removes its unfinished files first
    console.log(`\nInterrupted (${signal}). What is done stays; run the same command again to go on from here.`);
    process.exit(130);
  };
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"]; // the last one: its terminal was closed
  for (const signal of signals) process.on(signal, leave);
  return () => signals.forEach((signal) => process.off(signal, leave));
}

/**
 * Runs a command to its end and returns what it printed.
 * @param {string} command
 * @param {string[]} args
 * @param {{cwd?: string, env?: NodeJS.ProcessEnv, show?: boolean, handle?: number, onLine?: (line: string) => void}} [options] `show`
 *   leaves its output on the terminal; it gets an open file's `handle` as number 3
 * @returns {Promise<string>}
 * @throws {Error} when it cannot be started or ends with an error; `output` has its last lines, `advice` says what to do,
 *   `interrupted` that this process is being ended
 */
export async function runChild(command, args, { show = false, handle, onLine, ...options } = {}) {
  const out = show ? "inherit" : "pipe";
  const stdio = ["ignore", out, out, ...(handle === undefined ? [] : [handle])];
  const child = spawn(command, args, { ...options, stdio });
  let output = "";
  const keep = (chunk) => (output = (output + chunk).slice(-KEPT));
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", keep);
  if (child.stdout && onLine) createInterface({ input: child.stdout }).on("line", onLine);
  running.add(child);
  try {
    const [code, signal] = await once(child, "close");
    if (code === 0) return output;
    const words = [basename(command), ...args.filter((arg) => !arg.startsWith("--"))].join(" ");
    const how = signal ? `was ended by ${signal}` : `failed with exit code ${code}`;
    throw new Error(`"${words.length > 80 ? `${words.slice(0, 80)}…` : words}" ${how}`);
  } catch (error) {
    const lines = output.split(/\r?\n/).filter((line) => line.trim() !== "");
    const facts = { output: lines.slice(-SHOWN).join("\n"), advice: adviceFor(output), interrupted: leaving };
    throw Object.assign(error.code ? new Error(`Cannot start ${command}: ${error.message}`) : error, facts);
  } finally {
    running.delete(child);
  }
}

/** Asks a command a quick question; the answer is undefined when it is missing, slow or fails. */
export function ask(command, args, cwd = process.cwd()) {
  const options = { cwd, encoding: "utf8", timeout: 20_000, stdio: ["ignore", "pipe", "ignore"] };
  const { status, stdout } = spawnSync(command, args, options);
  return status === 0 ? stdout.trim() : undefined;
}

/** The first of some commands that is on PATH, as an absolute path. */
export function findCommand(names, path = process.env.PATH ?? "") {
  const folders = path.split(delimiter);
  const places = names.flatMap((name) => (name.includes("/") ? [name] : folders.map((folder) => join(folder, name))));
  return places.find((place) => existsSync(place));
}

const OFFLINE =
  /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|name resolution|Connection (refused|reset|timed out|broken)|Max retries/i;

/**
 * What a failed npm or pip prints, and what to do about it.
 * @type {[RegExp, string][]}
 */
const ADVICE = [
  [/ENOSPC|No space left/i, "The disk is full: free about 3 GB (for a GPU about 8 GB) and try again."],
  [
    OFFLINE,
    "The package registry cannot be reached: check the network (npm's registry and PyPI have to be reached) and try again.",
  ],
  [/EACCES|EPERM|Permission denied/i, "This folder, or one in it, cannot be written to: check who owns it."],
  [
    /No matching distribution/i,
    "The package index PyPI cannot be reached, or has no build of this version for this Python and system.",
  ],
  [/(?:)/, "Read the lines above; to begin anew delete node_modules and .venv, then: npm run setup"],
];

/** What to do about a failed npm or pip, from what it printed. */
export function adviceFor(output) {
  return ADVICE.find(([symptom]) => symptom.test(output))[1];
}
