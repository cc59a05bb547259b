// Reads the files of a data set, and only those that are exactly as published: length first, then SHA-256.
import { createHash } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";
import path from "node:path";
import { type BatchFile, batchFiles, fileBytes, type Layout } from "./cifar-files";

/** Reads files one by one: all lengths are checked before any content. Throws an Error at the first that is not as published. */
export async function* readVerified(
  layout: Layout,
  files: readonly BatchFile[],
  dir: string,
): AsyncGenerator<{ file: BatchFile; bytes: Uint8Array }> {
  const handles: FileHandle[] = [];
  try {
    for (const file of files) handles.push(await openChecked(layout, file, dir));
    for (const [i, file] of files.entries()) {
      const bytes = await handles[i]!.readFile();
      checkContent(bytes, layout, { file, dir });
      yield { file, bytes };
    }
  } finally {
    await Promise.all(handles.map((handle) => handle.close()));
  }
}

async function openChecked(layout: Layout, file: BatchFile, dir: string): Promise<FileHandle> {
  const where = path.join(dir, file.name);
  const handle = await open(where).catch((error: NodeJS.ErrnoException) => {
    const found = error.code === "ENOENT" ? `no such file in the folder "${dir}"` : error.message;
    throw new Error(`Cannot read "${where}": ${found}; ${layout.remedy}`, { cause: error });
  });
  const stat = await handle.stat();
  const expected = fileBytes(layout, file);
  if (stat.isFile() && stat.size === expected) return handle;
  await handle.close();
  const found = stat.isFile() ? `${stat.size}` : "something that is not a file";
  throw new RangeError(`Cannot read "${where}": expected ${expected} bytes but found ${found}; ${layout.remedy}`);
}

/**
 * Checks that bytes are the content of one file of a layout: length, then SHA-256; the error says so when they are
 * another file of the same layout.
 */
export function checkContent(
  bytes: Uint8Array,
  layout: Layout,
  { file, dir }: { readonly file: BatchFile; readonly dir: string },
): void {
  const where = path.join(dir, file.name);
  const expected = fileBytes(layout, file);
  if (bytes.length !== expected) {
    throw new RangeError(
      `Cannot read "${where}": expected ${expected} bytes but found ${bytes.length}; ${layout.remedy}`,
    );
  }
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  if (sha256 === file.sha256) return;
  const other = batchFiles(layout).find((candidate) => candidate.sha256 === sha256);
  const found = other ? `the content of "${other.name}"` : `altered content, sha256 ${sha256}`;
  throw new Error(`Cannot read "${where}": expected sha256 ${file.sha256} but found ${found}; ${layout.remedy}`);
}

/** A file that is missing (nothing is there) or not as published, with the reason in words. */
export interface WrongFile {
  readonly file: BatchFile;
  readonly missing: boolean;
  readonly reason: string;
}

/** The files of a layout that are missing or not as published; empty when all are right. */
export async function wrongFiles(layout: Layout, dir: string): Promise<WrongFile[]> {
  const wrong: WrongFile[] = [];
  for (const file of batchFiles(layout)) {
    const error = await firstError(layout, file, dir);
    if (!error) continue;
    const missing = (error.cause as NodeJS.ErrnoException | undefined)?.code === "ENOENT";
    wrong.push({ file, missing, reason: error.message });
  }
  return wrong;
}

async function firstError(layout: Layout, file: BatchFile, dir: string): Promise<Error | undefined> {
  try {
    for await (const { bytes } of readVerified(layout, [file], dir)) void bytes;
    return undefined;
  } catch (error) {
    return error as Error;
  }
}
