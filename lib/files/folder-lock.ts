// One writer at a time in a folder: flock(1) locks a file that stays open, so the lock ends with its process, however that ends.
import { spawnSync } from "node:child_process";
import {
  closeSync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { printable } from "../text/format";

/** A folder that nobody else writes into. */
export interface FolderLock {
  release(): void;
}

/** Longer ones were not written here. */
const LONGEST_OWNER = 200;

/**
 * Takes a folder, which is made where it is missing, for this process alone.
 * @param file name of the file that is locked; it is removed at the end
 * @throws Error saying which process has it; Error when the folder cannot be written, or there is no flock
 */
export function lockFolder(dir: string, file: string): FolderLock {
  const path = join(dir, file);
  const handle = opened(dir, path);
  if (!takes(handle)) {
    const owner = printable(readFileSync(path, "utf8").slice(0, LONGEST_OWNER)).trim();
    closeSync(handle);
    throw new Error(
      `Cannot write into "${dir}": ${owner || "another process"} is writing there; wait for it, or use another folder`,
    );
  }
  // Between opening and locking, its last owner may have removed it: then others would lock another file.
  if (!isAt(path, handle)) {
    closeSync(handle);
    return lockFolder(dir, file);
  }
  ftruncateSync(handle);
  writeSync(handle, `process ${process.pid}, which began at ${new Date().toISOString()},`);
  return {
    release() {
      rmSync(path, { force: true });
      closeSync(handle);
    },
  };
}

function opened(dir: string, path: string): number {
  try {
    mkdirSync(dir, { recursive: true });
    return openSync(path, "a+");
  } catch (error) {
    throw new Error(`Cannot write into "${dir}": ${(error as Error).message}`, { cause: error });
  }
}

/** Whether the lock of an open file was free and is ours now. */
function takes(handle: number): boolean {
  const { status, error } = spawnSync("flock", ["-n", "3"], { stdio: ["ignore", "ignore", "ignore", handle] });
  if (error)
    throw new Error(`Cannot lock a folder: wanted the command flock (part of util-linux): ${error.message}`, {
      cause: error,
    });
  return status === 0;
}

function isAt(path: string, handle: number): boolean {
  const there = statSync(path, { throwIfNoEntry: false });
  return there?.ino === fstatSync(handle).ino;
}
