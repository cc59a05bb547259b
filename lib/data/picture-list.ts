// Which pictures a folder holds, and their classes: one folder per class, as torchvision's ImageFolder has it, or a list in a CSV file.
import { lstatSync, readdirSync, readFileSync } from "node:fs";
import { join, sep } from "node:path";

/** One picture file. */
export interface PictureFile {
  /** Relative to the folder. */
  readonly path: string;
  readonly label: number;
  readonly bytes: number;
  readonly changed: number; // milliseconds
}

/** The pictures of a folder in order, and what their labels are called. */
export interface PictureList {
  readonly files: readonly PictureFile[];
  readonly classes: readonly string[];
}

/** What is known of a folder besides what lies in it. */
export interface ListOptions {
  /** A CSV file in it, `file,label` per line after a heading, whose files then lie in the folder itself. */
  readonly labels?: string;
  /** All classes in order, where the folder need not hold every one (default: those found, sorted by code points). */
  readonly classes?: readonly string[];
}

const PICTURE = /\.(png|jpe?g)$/i;
const MOST_FILES = 2_000_000;
const LARGEST_LIST = 2 ** 28; // bytes
const LARGEST_FILE = 2 ** 27; // bytes

/**
 * Lists the PNG and JPEG files of a folder by class; other files are passed over, links are refused.
 * @throws Error naming the folder or file that cannot be used
 */
export function listPictures(dir: string, { labels, classes }: ListOptions = {}): PictureList {
  const fail = (found: string): never => {
    throw new Error(`Cannot read the pictures in "${dir}": ${found}`);
  };
  const named = labels === undefined ? inFolders(dir) : inList(dir, labels, fail);
  if (named.length === 0) fail("expected folders, one per class, of .png and .jpg files but found none");
  if (named.length > MOST_FILES) fail(`expected at most ${MOST_FILES} files but found ${named.length}`);
  const found = [...new Set(named.map(({ name }) => name))].sort(byCodePoint);
  const all = classes ?? found;
  const strange = found.find((name) => !all.includes(name));
  if (strange !== undefined) fail(`expected the classes ${all.slice(0, 5).join(", ")}${all.length > 5 ? ", ..." : ""} but found ${JSON.stringify(strange)}`);
  const numbers = new Map(all.map((name, label) => [name, label]));
  return { classes: all, files: named.map(({ path, name }) => pictureFile(dir, path, numbers.get(name)!)) };
}

interface Named {
  readonly path: string;
  readonly name: string;
}

const byCodePoint = (one: string, other: string): number => Buffer.compare(Buffer.from(one), Buffer.from(other));

function inFolders(dir: string): Named[] {
  const folders = readdirSync(dir, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return folders
    .map(({ name }) => name)
    .sort(byCodePoint)
    .flatMap((name) =>
      readdirSync(join(dir, name))
        .filter((file) => PICTURE.test(file))
        .sort(byCodePoint)
        .map((file) => ({ path: join(name, file), name })),
    );
}

function inList(dir: string, labels: string, fail: (found: string) => never): Named[] {
  const file = join(dir, labels);
  if (isOutside(labels)) fail(`expected the list in the folder but found ${JSON.stringify(labels)}`);
  if (lstatSync(file).size > LARGEST_LIST) fail(`${labels} has more than ${LARGEST_LIST} bytes`);
  const [head, ...lines] = readFileSync(file, "utf8").split(/\r?\n/).filter((line) => line !== "");
  if (!/^file,label$/i.test(head ?? "")) fail(`expected ${labels} to begin with "file,label" but found ${JSON.stringify(head ?? "")}`);
  return lines.map((line) => {
    const comma = line.lastIndexOf(",");
    const [path, name] = [line.slice(0, comma), line.slice(comma + 1).trim()];
    if (comma < 1 || name === "" || isOutside(path)) fail(`expected "file,label" in ${labels} but found ${JSON.stringify(line)}`);
    return { path, name };
  });
}

const isOutside = (path: string): boolean => /^([\\/]|[a-z]:)/i.test(path) || path.split(/[\\/]/).includes("..");

function pictureFile(dir: string, path: string, label: number): PictureFile {
  const full = join(dir, path);
  const parts = path.split(sep).map((_, index, all) => join(dir, ...all.slice(0, index + 1)));
  for (const part of parts) if (lstatSync(part).isSymbolicLink()) throw new Error(`Cannot read "${full}": expected a file but found a link`);
  const state = lstatSync(full);
  if (!state.isFile()) throw new Error(`Cannot read "${full}": expected a file but found something else`);
  if (state.size > LARGEST_FILE) throw new Error(`Cannot read "${full}": expected at most ${LARGEST_FILE} bytes but found ${state.size}`);
  return { path, label, bytes: state.size, changed: state.mtimeMs };
}
