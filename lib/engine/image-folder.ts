// Pictures of one's own as a dataset: decoded by TensorFlow, made the size that a network takes, and kept on disk, from where batches are read.
import { createHash } from "node:crypto";
import { createReadStream, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { open } from "node:fs/promises";
import { basename, join } from "node:path";
import { checkDataset, type Dataset } from "../data/dataset";
import { imageSize } from "../data/image";
import { labelsFrom } from "../data/labels";
import { type ListOptions, listPictures, type PictureFile } from "../data/picture-list";
import { storedImages } from "../data/pixels";
import { centreOf, type Picture } from "../data/resample";
import { pictureSize } from "../files/picture-size";
import { temporaryName } from "../files/temporary";
import { printable } from "../text/format";
import { requireNative, startEngine } from "./backend";
import { turn } from "./turn";

/** How a folder of pictures becomes a dataset. */
export interface ImageFolderOptions extends ListOptions {
  /** Rows, and columns, of the images: what the network takes. */
  readonly side: number;
  /** What the shorter side of a picture is resized to before its middle is cut out (default: torchvision's side * 256 / 224 from 128 pixels on; smaller images are not cut). */
  readonly resize?: number;
  readonly name?: string;
  readonly split?: Dataset["split"];
  /** What happens at a file that cannot be decoded: it is refused (default), or left out and told to this function. */
  readonly onDamaged?: (error: Error) => void;
  /** Where the prepared pixels are kept (default "data/prepared"). */
  readonly cache?: string;
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

const MOST_PIXELS = 2 ** 26; // of one picture: TensorFlow takes four bytes for each number
const EACH = 64; // pictures between two writes

/**
 * A dataset of the PNG and JPEG files in a folder per class (torchvision's ImageFolder), or of those that a CSV file lists. Each is decoded to
 * RGB, its shorter side resized (bilinear, antialiased) and its middle cut out, as torchvision does it with Pillow: to the same bytes from PNG
 * files; a JPEG's may differ by what two decoders differ. EXIF's orientation is not looked at, as in torchvision. The pixels are written to one
 * file in `cache` once, by what lies in the folder, and read from there by batch: never more than a batch is in memory.
 * @throws Error naming the file that cannot be read or decoded; RangeError for an impossible size
 */
export async function loadImageFolder(dir: string, options: ImageFolderOptions): Promise<Dataset> {
  const { side, resize = usualResize(side), split = "test", name = basename(dir) } = options;
  if (!Number.isInteger(side) || side < 1 || side > 4096)
    throw new RangeError(`Cannot make images of side ${side}: expected 1 to 4096`);
  if (!Number.isInteger(resize) || resize < side)
    throw new RangeError(`Cannot resize to ${resize}: expected at least the side, ${side}`);
  const { files, classes } = listPictures(dir, options);
  await startEngine();
  const prepared = await preparedIn(dir, files, { ...options, side, resize });
  const { kept, sha256 } = prepared;
  const labels = labelsFrom(
    kept.map((index) => files[index].label),
    classes.length,
  );
  const size = imageSize({ side });
  const images = storedImages(prepared.path, kept.length, size);
  const dataset = { name, split, count: kept.length, side, images, labels, classes, sha256 };
  checkDataset(dataset);
  return dataset;
}

/** Networks for small images, such as CIFAR's, see whole ones. */
const usualResize = (side: number): number => (side < 128 ? side : Math.round((side * 256) / 224));

/** The pixels of a folder's pictures in one file. */
interface Prepared {
  readonly path: string;
  /** Which of the files it holds. */
  readonly kept: readonly number[];
  readonly sha256: string;
}

type Form = ImageFolderOptions & { readonly resize: number };

/** Found in the cache, or made now; the file of facts is renamed into place last, so that half a file is never taken for a whole one. */
async function preparedIn(dir: string, files: readonly PictureFile[], form: Form): Promise<Prepared> {
  const { side, resize, cache = join("data", "prepared"), onDamaged } = form;
  const listed = files.map(({ path, label, bytes, changed }) => [path, label, bytes, changed]);
  const key = createHash("sha256")
    .update(JSON.stringify([1, side, resize, listed]))
    .digest("hex")
    .slice(0, 24);
  const [path, facts] = [join(cache, `${key}.pixels`), join(cache, `${key}.json`)];
  if (existsSync(facts) && existsSync(path)) {
    const found = JSON.parse(readFileSync(facts, "utf8")) as Omit<Prepared, "path">;
    if (onDamaged !== undefined || found.kept.length === files.length) return { ...found, path };
  }
  mkdirSync(cache, { recursive: true });
  const [unfinished, unread] = [temporaryName(path), temporaryName(facts)];
  try {
    const kept = await writePixels(unfinished, dir, files, form);
    const sha256 = await digestOf(unfinished);
    await write(unread, JSON.stringify({ kept, sha256 }));
    renameSync(unfinished, path);
    renameSync(unread, facts);
    return { path, kept, sha256 };
  } finally {
    for (const left of [unfinished, unread]) rmSync(left, { force: true });
  }
}

async function write(path: string, text: string): Promise<void> {
  const file = await open(path, "w");
  await file.writeFile(text).finally(() => file.close());
}

/** Writes the pixels of all files that can be decoded. @returns which these were */
async function writePixels(target: string, dir: string, files: readonly PictureFile[], form: Form): Promise<number[]> {
  const kept: number[] = [];
  const output = await open(target, "w");
  try {
    for (let start = 0; start < files.length; start += EACH) {
      const end = Math.min(start + EACH, files.length);
      for (let index = start; index < end; index++) {
        const pixels = pixelsOf(join(dir, files[index].path), form);
        if (pixels) await output.write(pixels);
        if (pixels) kept.push(index);
      }
      form.onProgress?.(end, files.length);
      await turn(form.signal);
    }
    return kept;
  } finally {
    await output.close();
  }
}

/** The pixels of one file; undefined where it is damaged and may be left out. */
function pixelsOf(path: string, { side, resize, onDamaged }: Form): Uint8Array | undefined {
  try {
    return centreOf(decodePicture(readFileSync(path)), resize, side);
  } catch (error) {
    const damaged = new Error(`Cannot read "${printable(path)}": ${(error as Error).message}`, { cause: error });
    if (onDamaged === undefined) throw damaged;
    onDamaged(damaged);
    return undefined;
  }
}

/** A PNG or JPEG as RGB; what is grey or transparent becomes so too. @throws Error that says what is wrong with it */
export function decodePicture(bytes: Uint8Array): Picture {
  const { format, width, height } = pictureSize(bytes);
  if (width * height > MOST_PIXELS)
    throw new Error(`expected at most ${MOST_PIXELS} pixels but found ${width} x ${height}`);
  const { node } = requireNative();
  const tensor =
    format === "png" ? node.decodePng(bytes, 3) : node.decodeJpeg(bytes, 3, 1, true, false, 1, "INTEGER_ACCURATE");
  try {
    const [high, wide] = tensor.shape;
    return { width: wide, height: high, pixels: Uint8Array.from(tensor.dataSync()) };
  } finally {
    tensor.dispose();
  }
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const piece of createReadStream(path)) hash.update(piece as Buffer);
  return hash.digest("hex");
}
