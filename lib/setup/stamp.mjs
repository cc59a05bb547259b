// Stamps: small JSON files that say what a finished step was made from. A step is done when its stamp says so.
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

/** The JSON in a file, or undefined when the file is missing or damaged. */
export function readJson(file) {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return undefined;
  }
}

/** What a step left in its stamp, or undefined unless it was made from just these inputs. */
export function readStamp(file, from) {
  const stamp = readJson(file);
  return JSON.stringify(stamp?.from) === JSON.stringify(from) ? stamp : undefined;
}

/** Writes a stamp of a step's inputs and what else to remember, whole or not at all; always the last thing that a step does. */
export function writeStamp(file, from, result = {}) {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(`${file}.tmp`, JSON.stringify({ from, ...result }, null, 2));
  renameSync(`${file}.tmp`, file);
}
