// Stamps: small JSON files that say what a finished step was made from. A step is done when its stamp says so.
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

/** The JSON in a file, or undefined when the file is missing or damaged. @param {string} file */
export function readJson(file) {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return undefined;
  }
}

/** What a step left in its stamp, or undefined unless it was made from just these inputs. @param {string} file @param {object} from */
export function readStamp(file, from) {
  const stamp = readJson(file);
  return JSON.stringify(stamp?.from) === JSON.stringify(from) ? stamp : undefined;
}

/**
 * Writes a stamp, whole or not at all; always the last thing that a step does.
 * @param {string} file
 * @param {object} from the step's inputs
 * @param {object} [result] what to remember
 */
export function writeStamp(file, from, result = {}) {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(`${file}.tmp`, JSON.stringify({ from, ...result }, null, 2));
  renameSync(`${file}.tmp`, file);
}
