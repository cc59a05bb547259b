// Files read whole up to a bound, and written so that nothing half-written is ever taken for whole.
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fdatasyncSync,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  writeSync,
} from "node:fs";
import { mkdir, open, rename, rm, rmdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { clearTemporaryFiles, temporaryName } from "./temporary";

/**
 * Reads a file of at most `most` bytes.
 * @throws Error naming the file, what was expected and what was found
 */
export function readWhole(path: string, most: number): Uint8Array {
  try {
    const found = statSync(path);
    if (!found.isFile()) throw new Error("expected a file");
    if (found.size > most) throw new Error(`expected at most ${most} bytes but found ${found.size}`);
    return readFileSync(path);
  } catch (error) {
    throw new Error(`Cannot read "${path}": ${messageOf(error)}`, { cause: error });
  }
}

/** Whether files can be written into a folder, which may have to be made. */
export function isWritable(dir: string): boolean {
  if (!existsSync(dir) && dirname(dir) !== dir) return isWritable(dirname(dir));
  try {
    accessSync(dir, constants.W_OK);
    return statSync(dir).isDirectory();
  } catch {
    return false;
  }
}

/**
 * Writes files into a folder, which is made where it is missing: all under temporary names first, then renamed in order.
 * What killed processes left there under such names is removed.
 * @throws Error naming the file that could not be written; the temporary files, and a folder made for them, are gone then.
 */
export async function writeTogether(dir: string, files: ReadonlyMap<string, Uint8Array>): Promise<void> {
  let path = dir;
  let made: string | undefined;
  const temporary = (name: string) => join(dir, temporaryName(name));
  try {
    made = await mkdir(dir, { recursive: true });
    clearTemporaryFiles(dir);
    for (const [name, bytes] of files) {
      path = join(dir, name);
      await writeThrough(temporary(name), bytes);
    }
    for (const name of files.keys()) {
      path = join(dir, name);
      await rename(temporary(name), path);
    }
  } catch (error) {
    for (const name of files.keys()) await rm(temporary(name), { force: true }).catch(() => {});
    if (made) await rmdir(dir).catch(() => {}); // only while it is empty
    throw new Error(`Cannot write "${path}": ${messageOf(error)}`, { cause: error });
  }
}

// To the disk and not only to its cache: a full disk may show no earlier.
async function writeThrough(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, "w");
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

/**
 * Appends a record to a file, which is made where it is missing, and returns when it is on the disk. Each record is one
 * write, so that several processes may append to one file: on a local disk their records never mix.
 * @throws Error naming the file and what is wrong: the disk is full, the folder cannot be written, or it is no plain file.
 * A part of the record may be in the file then.
 */
export function appendRecord(path: string, record: Uint8Array): void {
  try {
    mkdirSync(dirname(path), { recursive: true });
    const file = openSync(path, APPENDED, 0o666);
    try {
      if (!fstatSync(file).isFile()) throw new Error("expected a file");
      writeAtOnce(file, record);
      fdatasyncSync(file);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    throw new Error(`Cannot write "${path}": ${messageOf(error)}`, { cause: error });
  }
}

// A link could lead out of the folder, and opening a pipe would wait for its reader.
const APPENDED =
  constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK;

// A write that was cut is not continued, as another process may have appended: it is repeated, which names the reason.
function writeAtOnce(file: number, record: Uint8Array): void {
  for (let attempt = 1; attempt <= 2; attempt++) if (writeSync(file, record) === record.length) return;
  throw new Error(`only a part of ${record.length} bytes could be written`);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
