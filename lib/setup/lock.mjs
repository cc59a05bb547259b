// One set-up at a time in a checkout: flock(1) locks a file that stays open, so the lock ends with the last process that has it open.
import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from "node:fs";
import { withAdvice } from "./choices.mjs";
import { findCommand, runChild } from "./children.mjs";

/**
 * Takes the lock, waiting while another process, or a child that it left behind, holds it.
 * @param {string} file stays, and holds the number of the process that had the lock last
 * @param {{onWait?: (owner: string) => void}} [options] `onWait` is called once
 * @returns {Promise<{handle: number, release: () => void}>} children that get the `handle` hold the lock as well
 * @throws {Error} where there is no flock, with `advice`
 */
export async function takeLock(file, { onWait } = {}) {
  const command = findCommand(["flock"]);
  const why = "Cannot keep other set-ups out of this folder: wanted the command flock, found none";
  if (!command) throw withAdvice(why, "It is part of util-linux; on Debian and Ubuntu: sudo apt install util-linux");
  const handle = openSync(file, "a+");
  const lock = (...flags) => runChild(command, [...flags, "3"], { handle });
  const free = await lock("-n").catch((error) => (error.interrupted ? Promise.reject(error) : undefined));
  if (free === undefined) {
    onWait?.(readFileSync(file, "utf8"));
    await lock();
  }
  ftruncateSync(handle);
  writeSync(handle, String(process.pid));
  return { handle, release: () => closeSync(handle) };
}
