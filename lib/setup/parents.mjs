// Commands that end with the npm that started them: npm passes on no signal, and none at all when it is killed.
import { readFileSync } from "node:fs";

const SHELLS = ["sh", "dash", "bash", "ash", "busybox"];

/**
 * Calls `ended` when the npm that runs this process, or the shell between them, has ended. Does nothing without npm: who starts a command
 * by itself may leave it alone on purpose.
 * @param {() => void} ended
 * @param {{every?: number, environment?: NodeJS.ProcessEnv}} [options] `every`: milliseconds between two looks
 */
export function onNpmEnd(ended, { every = 500, environment = process.env } = {}) {
  if (!environment.npm_lifecycle_event) return;
  const before = parents().join();
  const timer = setInterval(() => {
    if (parents().join() === before) return;
    clearInterval(timer);
    ended();
  }, every);
  timer.unref();
}

/** The numbers of the processes above this one up to the first that is no shell: npm's shell, and npm. */
function parents() {
  const found = [];
  for (let pid = process.ppid; pid > 0;) {
    const { name, parent } = processOf(pid);
    found.push(pid);
    if (!SHELLS.includes(name)) break;
    pid = parent;
  }
  return found;
}

/** Name and parent of a process, as `/proc/PID/stat` has them: "12 (name) S 11 ..."; the name may hold anything. */
function processOf(pid) {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    const [begin, end] = [text.indexOf("("), text.lastIndexOf(")")];
    return { name: text.slice(begin + 1, end), parent: Number(text.slice(end + 2).split(" ")[1]) };
  } catch {
    return { name: "", parent: 0 }; // it has ended
  }
}
