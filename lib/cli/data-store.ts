// Puts a data set's files into their folder: verified first, under temporary names, renamed when all are right.
import { mkdir, mkdtemp, readdir, rename, rm, rmdir, statfs, writeFile } from "node:fs/promises";
import path from "node:path";
import type { Converted } from "./data-archives";
import { batchFiles, checkContent, fileBytes, type Layout } from "../data/cifar-files";

const INCOMING = ".incoming-";

/** The class names, one a line, with the empty line at the end that the official file of CIFAR-10 has. */
function classFile(layout: Layout): string {
  return `${layout.classes.join("\n")}\n\n`;
}

/** Bytes free for this user where a folder is. */
async function freeBytes(dir: string): Promise<number> {
  const { bavail, bsize } = await statfs(dir);
  return bavail * bsize;
}

/**
 * Makes the folder, clears away what killed runs left there, and sees that all files will fit.
 * @throws Error when the disk is too full
 */
export async function prepareFolder(layout: Layout, dir: string, free = freeBytes): Promise<void> {
  await mkdir(dir, { recursive: true });
  await removeLeftovers(dir);
  const needed = batchFiles(layout).reduce((sum, file) => sum + fileBytes(layout, file), 1_000_000);
  const available = await free(dir);
  if (available >= needed) return;
  await removeIfEmpty(dir);
  const megabytes = (bytes: number) => `${Math.round(bytes / 1e6)} MB`;
  throw new Error(`Cannot write to "${dir}": ${megabytes(needed)} needed but ${megabytes(available)} free on its disk`);
}

/**
 * Checks and writes files one by one into a temporary folder inside `dir` and renames all when the last one is right.
 * On an error nothing of them stays, and files that were there before are as they were.
 */
export async function storeFiles(layout: Layout, dir: string, files: Iterable<Converted>): Promise<void> {
  const incoming = await mkdtemp(path.join(dir, `${INCOMING}${process.pid}-`));
  try {
    const names = [layout.classFile];
    await writeFile(path.join(incoming, layout.classFile), classFile(layout));
    for (const { file, bytes } of files) {
      checkContent(bytes, layout, { file, dir: "" });
      await writeFile(path.join(incoming, file.name), bytes);
      names.push(file.name);
    }
    for (const name of names) await rename(path.join(incoming, name), path.join(dir, name));
  } finally {
    await rm(incoming, { recursive: true, force: true });
  }
}

/** Removes the folder when nothing is in it: a run that brought nothing leaves nothing. */
export async function removeIfEmpty(dir: string): Promise<void> {
  await rmdir(dir).catch(() => undefined);
}

/** Removes the temporary folders of processes that no longer run. */
export async function removeLeftovers(dir: string): Promise<void> {
  for (const name of await readdir(dir)) {
    if (!name.startsWith(INCOMING)) continue;
    const pid = Number(name.slice(INCOMING.length).split("-")[0]);
    if (!isRunning(pid)) await rm(path.join(dir, name), { recursive: true, force: true });
  }
}

function isRunning(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Clears away leftovers and writes the class names where they are missing; not worth fetching anything for. */
export async function tidyFolder(layout: Layout, dir: string): Promise<void> {
  await removeLeftovers(dir);
  const names = await readdir(dir);
  if (!names.includes(layout.classFile)) await storeFiles(layout, dir, []);
}
