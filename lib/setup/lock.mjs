// One set-up at a time in a checkout: a lock file with the owner's process and its present child.
import { existsSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/**
 * A process as (number, start time), so that a number used again by another process is not taken for it.
 * @param {number} pid
 */
export function identify(pid) {
  const file = `/proc/${pid}/stat`;
  const start = existsSync(file) ? readFileSync(file, "utf8").split(") ").at(-1)?.split(" ")[19] : undefined;
  return { pid, start };
}

/** @param {{pid: number, start?: string}} owner */
export function isAlive(owner) {
  try {
    process.kill(owner.pid, 0);
  } catch (error) {
    if (error.code === "ESRCH") return false;
  }
  return owner.start === undefined || identify(owner.pid).start === owner.start;
}

/**
 * Takes the lock, waiting while its owner, or a child that an interrupted owner left behind, is alive.
 * @param {string} file
 * @param {{onWait?: (pid: number) => void, pollMs?: number}} [options] `onWait` is called once
 */
export async function takeLock(file, { onWait, pollMs = 300 } = {}) {
  const self = identify(process.pid);
  let told = false;
  while (!create(file, [self])) {
    const { text, owners } = read(file);
    const owner = owners?.find(isAlive);
    if (owners && !owner) {
      removeStale(file, text);
      continue;
    }
    if (owner && !told) onWait?.(owner.pid);
    told ||= owner !== undefined;
    await sleep(pollMs);
  }
  const replace = (owners) => {
    writeFileSync(`${file}.${process.pid}.tmp`, JSON.stringify(owners));
    renameSync(`${file}.${process.pid}.tmp`, file);
  };
  return {
    /** Names a child that must end before another set-up may begin. */
    hold: (pid) => replace([self, identify(pid)]),
    letGo: () => replace([self]),
    release: () => rmSync(file, { force: true }),
  };
}

/**
 * @param {string} file
 * @param {object[]} owners
 */
function create(file, owners) {
  try {
    writeFileSync(file, JSON.stringify(owners), { flag: "wx" });
    return true;
  } catch (error) {
    if (error.code === "EEXIST") return false;
    throw error;
  }
}

// A lock that cannot be read is being written just now, unless it is old; then `owners` is empty.
/** @param {string} file */
function read(file) {
  let text = "";
  try {
    text = readFileSync(file, "utf8");
    return { text, owners: JSON.parse(text) };
  } catch {
    return { text, owners: isYoung(file) ? undefined : [] };
  }
}

/** @param {string} file */
function isYoung(file) {
  return Date.now() - (statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? Date.now()) < 3000;
}

// Two waiting set-ups may both find the lock stale: the file is moved away first and put back if it was another's by then.
/**
 * @param {string} file
 * @param {string} text
 */
function removeStale(file, text) {
  const moved = `${file}.${process.pid}.stale`;
  try {
    renameSync(file, moved);
  } catch {
    return;
  }
  if (text !== "" && readFileSync(moved, "utf8") !== text) create(file, read(moved).owners);
  rmSync(moved, { force: true });
}
