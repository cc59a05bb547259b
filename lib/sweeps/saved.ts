// What sweeps have computed, kept on disk: a file per sweep and computer, to which every batch is appended as one record.
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { emptyLabels } from "../data/labels";
import { appendRecord, readWhole } from "../files/disk";
import { encodePart, type Part, recordSize, type SavedSweep, wholeParts } from "./records";

/** What is saved of one sweep. */
export interface SavedResults {
  /**
   * These rows on the images from `start` to before `end`, as copies; undefined unless all of it is saved.
   * @throws RangeError where the sweep has no such rows or images
   */
  read(start: number, end: number, rows: readonly number[]): Part | undefined;
  /**
   * Saves a part: it is on the disk when the call returns. Where some of it was saved before, the new numbers count.
   * @throws RangeError when it does not fit into the sweep
   * @throws Error naming the file when it cannot be written, such as on a full disk
   */
  write(part: Part): void;
  /** How many leading images of a row are saved. @throws RangeError where the sweep has no such row */
  saved(row: number): number;
}

/** Room for this many processes that all save the whole sweep, image by image. */
const MOST_COPIES = 16;
const MOST_BYTES = 2 ** 30;

/**
 * Opens what is saved of a sweep, `<dir>/<key>.results` and `<dir>/<key>.<writer>.results`; none needs to exist. Several processes may
 * open it: each sees what was saved before, and what it saves itself.
 * @param key `sweepKey` of the sweep, 64 hexadecimal digits
 * @param shape how many networks (the intact one included), images and classes (up to 256 where nothing is said) the whole sweep has
 * @param options.writer the computer's name, where several may write: between them, unlike on one, records that are appended to the
 * same file could cover each other on some network file systems (NFS), so each has a file of its own, and reads all
 * @param options.fresh forgets what was saved: the files are removed. Who has opened it keeps what it read, and may go on.
 * @throws RangeError when the key is no key
 * @throws Error naming the file when it cannot be read or removed, is too large, or mostly damaged
 */
export function openResults(
  dir: string,
  key: string,
  shape: Omit<SavedSweep, "key">,
  { fresh = false, writer }: { fresh?: boolean; writer?: string } = {},
): SavedResults {
  if (!/^[0-9a-f]{64}$/.test(key)) {
    throw new RangeError(`Cannot open the results "${key}": expected a key of 64 hexadecimal digits`);
  }
  const sweep = { key, ...shape };
  const path = join(dir, writer === undefined ? `${key}.results` : `${key}.${writer.replace(/[^\w-]+/g, "-")}.results`);
  const paths = [path, ...othersOf(dir, key).filter((other) => other !== path)];
  if (fresh) paths.forEach(remove);
  const memory = memoryOf(sweep);
  for (const each of paths) readParts(each, sweep, memory.write);
  return {
    ...memory,
    write(part) {
      checkPart(part, sweep);
      appendRecord(path, encodePart(part, sweep));
      memory.write(part);
    },
  };
}

/** What any computer has saved of a sweep. */
function othersOf(dir: string, key: string): string[] {
  try {
    return readdirSync(dir)
      .filter((name) => name.startsWith(`${key}.`) && name.endsWith(".results"))
      .map((name) => join(dir, name));
  } catch {
    return []; // not made yet, or what reading the own file says
  }
}

/** The same without a disk: what was read, and what was written since. */
function memoryOf(sweep: SavedSweep): SavedResults {
  const all = Array.from({ length: sweep.rows }, () => ({
    predictions: emptyLabels(sweep.images, sweep.classes ?? 1),
    losses: new Float32Array(sweep.images),
    there: new Uint8Array(sweep.images), // 1 where the image is saved
  }));
  return {
    read(start, end, rows) {
      checkStretch({ start, end, rows }, sweep);
      const chosen = rows.map((row) => all[row]);
      if (chosen.some(({ there }) => there.subarray(start, end).includes(0))) return undefined;
      const predictions = chosen.map((row) => row.predictions.slice(start, end));
      return { start, rows: [...rows], predictions, losses: chosen.map(({ losses }) => losses.slice(start, end)) };
    },
    write({ start, rows, predictions, losses }) {
      rows.forEach((row, index) => {
        all[row].predictions.set(predictions[index], start);
        all[row].losses.set(losses[index], start);
        all[row].there.fill(1, start, start + predictions[index].length);
      });
    },
    saved(row) {
      checkStretch({ start: 0, end: sweep.images, rows: [row] }, sweep);
      const missing = all[row].there.indexOf(0);
      return missing < 0 ? sweep.images : missing;
    },
  };
}

function readParts(path: string, sweep: SavedSweep, onPart: (part: Part) => void): void {
  const bytes = savedBytes(path, sweep);
  try {
    for (const part of wholeParts(bytes, sweep)) onPart(part);
  } catch (error) {
    throw new Error(`Cannot read "${path}": ${(error as Error).message}; remove it to start afresh`, { cause: error });
  }
}

/** The file's bytes; none where it does not exist. */
function savedBytes(path: string, { rows, images, classes }: SavedSweep): Uint8Array {
  try {
    return readWhole(path, Math.min(MOST_COPIES * images * recordSize(rows, 1, classes), MOST_BYTES));
  } catch (error) {
    const { cause } = error as { readonly cause?: NodeJS.ErrnoException };
    if (cause?.code === "ENOENT") return new Uint8Array();
    throw error;
  }
}

function remove(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch (error) {
    throw new Error(`Cannot remove "${path}": ${(error as Error).message}`, { cause: error });
  }
}

function checkPart({ start, rows, predictions, losses }: Part, sweep: SavedSweep): void {
  const count = predictions[0]?.length ?? 0;
  checkStretch({ start, end: start + count, rows }, sweep);
  for (const [what, lists] of Object.entries({ predictions, losses }))
    if (lists.length !== rows.length || lists.some((list) => list.length !== count))
      misfit(
        sweep,
        `expected ${what} of ${rows.length} rows, ${count} each, found ${lists.map((list) => list.length)}`,
      );
}

interface Stretch {
  readonly start: number;
  readonly end: number;
  readonly rows: readonly number[];
}

function checkStretch({ start, end, rows }: Stretch, sweep: SavedSweep): void {
  const wrong = rows.find((row) => !Number.isInteger(row) || row < 0 || row >= sweep.rows);
  if (wrong !== undefined) misfit(sweep, `there is no row ${wrong}`);
  if (rows.length === 0 || new Set(rows).size < rows.length) misfit(sweep, "expected at least one row, and each once");
  const whole = Number.isInteger(start) && Number.isInteger(end);
  if (!(whole && start >= 0 && start < end && end <= sweep.images)) misfit(sweep, `found images ${start} to ${end}`);
}

function misfit({ rows, images }: SavedSweep, problem: string): never {
  throw new RangeError(`Cannot find this part in a sweep of ${rows} rows and ${images} images: ${problem}`);
}
