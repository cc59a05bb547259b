// The records that saved results consist of, as bytes: one for each batch of a sweep.
//
// A record, numbers little-endian: the eight bytes "ntsweep1"; first image, images, rows (uint32 each); the number of each
// row (uint32); its predictions row by row (uint8, or uint16 of a sweep of more than 256 classes); its losses row by row (float32); the SHA-256 of the sweep's key and
// shape and of all of this. There is no header that could be missing: records of several processes may follow each other
// in any order, and what is cut, damaged or of another sweep has the wrong digest and is skipped.
import { createHash } from "node:crypto";
import { type Labels, labelBytes, labelsIn, labelSize } from "../data/labels";

/** Predictions and losses of some of a sweep's networks on consecutive images. */
export interface Part {
  /** The first image. */
  readonly start: number;
  /** Which networks: 0 is the intact one, 1 the first ablation. */
  readonly rows: readonly number[];
  /** The predicted classes of each of these rows, [images]. */
  readonly predictions: readonly Labels[];
  /** The cross-entropy of each of these predictions, [images], in nats. */
  readonly losses: readonly Float32Array[];
}

/** A whole sweep: its key, and how many networks (the intact one included), images and classes it has. */
export interface SavedSweep {
  readonly key: string;
  readonly rows: number;
  readonly images: number;
  /** Up to 256 where nothing is said. */
  readonly classes?: number;
}

const MAGIC = Buffer.from("ntsweep1", "latin1");
const HEAD_SIZE = MAGIC.length + 3 * 4;
const DIGEST_SIZE = 32;

/** How often bytes may be looked at in vain, on average, before a file counts as not written here: it costs time. */
const MOST_WASTE = 8;

/** The length of a record of so many rows and images, of a sweep of so many classes. */
export function recordSize(rows: number, images: number, classes = 1): number {
  return HEAD_SIZE + rows * (4 + (labelSize(classes) + 4) * images) + DIGEST_SIZE;
}

/** A part of a sweep as a record. */
export function encodePart({ start, rows, predictions, losses }: Part, sweep: SavedSweep): Buffer {
  const numbers = bytesOf(Uint32Array.from([start, predictions[0].length, rows.length, ...rows]));
  const content = Buffer.concat([MAGIC, numbers, ...predictions.map(labelBytes), ...losses.map(bytesOf)]);
  return Buffer.concat([content, digestOf(content, sweep)]);
}

/**
 * The parts of this sweep that are whole among the bytes of a file, in its order; everything else is passed over.
 * @throws Error when most records are damaged, so that searching on would take long
 */
export function* wholeParts(file: Uint8Array, sweep: SavedSweep): Generator<Part> {
  const bytes = bytesOf(file);
  let wasted = 0;
  for (let at = bytes.indexOf(MAGIC); at >= 0; at = bytes.indexOf(MAGIC, at)) {
    const length = lengthAt(bytes, at, sweep);
    const part = length === 0 ? undefined : decodePart(bytes.subarray(at, at + length), sweep);
    if (part) yield part;
    else if ((wasted += length) > MOST_WASTE * bytes.length) throw new Error("most of its records are damaged");
    // After a record that was cut, the next one begins before the cut one would have ended.
    at += part ? length : MAGIC.length;
  }
}

/** The length of the record that begins at a place; 0 when it cannot be one of this sweep's or its end is missing. */
function lengthAt(bytes: Buffer, at: number, { rows, images, classes }: SavedSweep): number {
  if (bytes.length - at < HEAD_SIZE) return 0;
  const [start, count, chosen] = headAt(bytes, at);
  if (count === 0 || start + count > images || chosen === 0 || chosen > rows) return 0;
  const length = recordSize(chosen, count, classes);
  return at + length > bytes.length ? 0 : length;
}

/** First image, images and rows of the record that begins at a place. */
function headAt(bytes: Buffer, at: number): [start: number, count: number, chosen: number] {
  const number = (index: number) => bytes.readUInt32LE(at + MAGIC.length + 4 * index);
  return [number(0), number(1), number(2)];
}

/** Reads one record; undefined when its digest or the number of a row is wrong. */
function decodePart(record: Buffer, sweep: SavedSweep): Part | undefined {
  const content = record.subarray(0, record.length - DIGEST_SIZE);
  if (!digestOf(content, sweep).equals(record.subarray(content.length))) return undefined;
  const [start, count, chosen] = headAt(record, 0);
  const rows = Array.from({ length: chosen }, (_, index) => content.readUInt32LE(HEAD_SIZE + 4 * index));
  if (rows.some((row) => row >= sweep.rows)) return undefined;
  const numbers = content.subarray(HEAD_SIZE + 4 * chosen);
  const { classes = 1 } = sweep;
  const size = labelSize(classes) * count;
  const predictions = rows.map((_, index) => labelsIn(numbers.subarray(index * size, (index + 1) * size), classes));
  // Copied to a place of their own, as float32 numbers have to lie at a multiple of four bytes.
  const { buffer } = Uint8Array.from(numbers.subarray(chosen * size));
  const losses = rows.map((_, index) => new Float32Array(buffer, 4 * index * count, count));
  return { start, rows, predictions, losses };
}

function digestOf(content: Buffer, { key, rows, images }: SavedSweep): Buffer {
  return createHash("sha256").update(`${key} ${rows} ${images}\n`).update(content).digest();
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}
