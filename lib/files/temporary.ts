// Temporary files and folders, named after the process that made them: what was left by killed ones is told from what is in use.
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** What nobody here can say the owner of is left over after this long: it may be of another container, whose processes are not seen. */
const LONGEST_MS = 7 * 24 * 3600 * 1000;

const FILE = /\.(\d+(?:-\d+-\d+)?)\.tmp$/;
const FOLDER = /^nontrivial-(?:browser|graph|results|share)-(?:(\d+-\d+-\d+)-)?[A-Za-z0-9]{6}$/;

/** This process among all that ever ran: its number, when it began (in ticks since the start of the machine), and its container's numbering. */
export const ownerTag = (pid = process.pid): string => [pid, beginOf(pid) ?? 0, numbering()].join("-");

/** The name under which a file is written before it is put in its place. */
export const temporaryName = (name: string): string => `${name}.${ownerTag()}.tmp`;

/** Removes the temporary files in a folder whose processes have ended. */
export function clearTemporaryFiles(dir: string): void {
  clear(dir, FILE);
}

/** A new empty folder, by default in the machine's temporary one; what killed processes left there is removed. */
export function temporaryFolder(kind: "browser" | "graph" | "share", dir = tmpdir()): string {
  clear(dir, FOLDER);
  return mkdtempSync(join(dir, `nontrivial-${kind}-${ownerTag()}-`));
}

function clear(dir: string, pattern: RegExp): void {
  for (const name of readdirSync(dir)) {
    const match = pattern.exec(name);
    if (!match || !isLeft(join(dir, name), match[1])) continue;
    try {
      rmSync(join(dir, name), { recursive: true, force: true });
    } catch {
      // Another user's, or still being written: not worth failing for.
    }
  }
}

/** Whether the process that made this has ended, as far as can be said. */
function isLeft(path: string, tag = ""): boolean {
  const [pid, begin, numbers] = tag.split("-");
  if (numbers === numbering()) return beginOf(Number(pid)) !== begin;
  const made = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Infinity;
  return Date.now() - made > LONGEST_MS;
}

/** Equal for processes that have their numbers from the same kernel and container. */
function numbering(): string {
  return /\d+/.exec(readlinkSync("/proc/self/ns/pid"))![0];
}

/** When a running process began; undefined where there is none of this number. Source: proc(5), field 22, after the name in brackets. */
function beginOf(pid: number): string | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "latin1");
    return text.slice(text.lastIndexOf(")") + 2).split(" ")[19];
  } catch {
    return undefined;
  }
}
