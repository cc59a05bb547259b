// A whole sweep as one file that says what it is, for others: unlike what results folders keep, it can be read without the network.
//
// Gzipped: a line of JSON; then, for the intact network and each ablation, the predicted class of every image (uint8, or uint16
// where there are more than 256 classes); then, where losses are known, their losses in the same order (float32, little-endian).
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { gunzip, gzip } from "node:zlib";
import { setOf } from "../ablations/sets";
import type { Dataset } from "../data/dataset";
import { type Labels, labelBytes, labelsIn, labelSize, MOST_CLASSES } from "../data/labels";
import { writeTogether } from "../files/disk";
import { isRecord, parseJson, wrong } from "../files/json";
import { layersOf } from "../networks/layers";
import { PRECISIONS } from "../networks/network";
import { parseSpec } from "../networks/parse";
import type { Spec } from "../networks/spec";
import type { EvenSweep } from "../results/matrix";

/** The images of a sweep: the first ones of a split. */
export interface SweptData extends Pick<Dataset, "name" | "split" | "sha256"> {
  readonly images: number;
  /** SHA-256 of their labels. */
  readonly labels: string;
}

interface Header extends Pick<EvenSweep, "network" | "operator" | "seed" | "precision" | "classes" | "assumed"> {
  readonly schema: number;
  readonly spec: Spec;
  readonly sets: readonly { readonly name: string; readonly layers: readonly string[] }[];
  readonly unchanged: readonly boolean[];
  readonly data: SweptData;
  readonly losses: boolean;
  readonly answers: string; // SHA-256 of the bytes that follow
}

const SCHEMA = 1;
const LARGEST_CONTENT = 2 ** 28;

/** A sweep whose ablations have all seen all images of a data set, as a file. */
export async function encodeSweep(sweep: EvenSweep, spec: Spec, dataset: Dataset): Promise<Uint8Array> {
  const { network, operator, seed, precision, classes, assumed, sets, unchanged, labels, losses } = sweep;
  const { name, split, sha256 } = dataset;
  const floats = losses ? [losses.baseline, ...losses.ablations].map(bytesOf) : [];
  const answers = Buffer.concat([...[sweep.baseline, ...sweep.predictions].map(labelBytes), ...floats]);
  const header: Header = {
    ...{ schema: SCHEMA, network, spec, operator, seed, precision, classes, assumed },
    sets: sets.map((set) => ({ name: set.name, layers: set.layers.map((layer) => layer.name) })),
    unchanged: unchanged ?? sets.map(() => false),
    data: { name, split, sha256, images: labels.length, labels: digestOf(labelBytes(labels)) },
    losses: losses !== undefined,
    answers: digestOf(answers),
  };
  const content = Buffer.concat([Buffer.from(`${JSON.stringify(header)}\n`), answers]);
  return promisify(gzip)(content, { level: 9 });
}

/**
 * Reads a sweep from a file; nothing in it is trusted.
 * @param labelsOf the labels of the images that it is about
 * @throws Error naming the field that is not as wanted, and what `labelsOf` throws
 */
export async function decodeSweep(
  file: Uint8Array,
  labelsOf: (data: SweptData) => Promise<Labels>,
): Promise<EvenSweep> {
  const content = await promisify(gunzip)(file, { maxOutputLength: LARGEST_CONTENT });
  const end = content.indexOf("\n");
  const header = headerIn(content.subarray(0, Math.max(0, end)));
  const answers = content.subarray(end + 1);
  const { network, operator, seed, precision, classes, assumed, data, unchanged } = header;
  if (digestOf(answers) !== header.answers) throw new Error("its answers are damaged: they have another SHA-256");
  const sets = setsIn(header);
  const labels = await labelsOf(data);
  if (labels.length !== data.images || digestOf(labelBytes(labels)) !== data.labels)
    throw new Error("it is about other images than the first ones of its data set");
  const { predictions, losses } = answersIn(answers, header);
  const known = losses && { losses: { baseline: losses[0], ablations: losses.slice(1) } };
  const what = { network, operator, seed, precision, classes, sets, unchanged, ...(assumed && { assumed }) };
  return { ...what, labels, baseline: predictions[0], predictions: predictions.slice(1), ...known };
}

function headerIn(line: Uint8Array): Header {
  const header = parseJson("its first line", new TextDecoder().decode(line)) as Header;
  if (!isRecord(header) || header.schema !== SCHEMA) wrong("schema", header?.schema, String(SCHEMA));
  for (const field of ["network", "operator", "answers"] as const)
    if (typeof header[field] !== "string") wrong(field, header[field], "a text");
  if (!Number.isFinite(header.seed)) wrong("seed", header.seed, "a number");
  if (!PRECISIONS.includes(header.precision)) wrong("precision", header.precision, PRECISIONS.join(" or "));
  if (!(Number.isInteger(header.classes) && header.classes > 0 && header.classes <= MOST_CLASSES))
    wrong("classes", header.classes, `a whole number from 1 to ${MOST_CLASSES}`);
  if (header.assumed !== undefined && !isRecord(header.assumed)) wrong("assumed", header.assumed, "texts by topic");
  if (!isRecord(header.data)) wrong("data", header.data, "what the images are");
  const { images } = header.data as { readonly images: unknown };
  if (!Number.isSafeInteger(images) || (images as number) < 1) wrong("data.images", images, "a whole number");
  if (!Array.isArray(header.unchanged) || !Array.isArray(header.sets) || header.unchanged.length !== header.sets.length)
    wrong("unchanged", header.unchanged, "one for each set");
  return { ...header, spec: parseSpec(header.spec) };
}

function setsIn({ spec, sets }: Header) {
  const byName = new Map(layersOf(spec).map((layer) => [layer.name, layer]));
  const layerOf = (name: string) => byName.get(name) ?? wrong("a layer", name, "one of the network's");
  return sets.map(({ name, layers }) => setOf(layers.map(layerOf), String(name)));
}

function answersIn(bytes: Buffer, { sets, data: { images }, losses, classes }: Header) {
  const rows = 1 + sets.length;
  const each = labelSize(classes) * images;
  const size = rows * each;
  const whole = losses ? size + 4 * rows * images : size;
  if (bytes.length !== whole) wrong("the number of answers", bytes.length, String(whole));
  const numbers = Array.from({ length: rows }, (_, row) => row);
  const predictions = numbers.map((row) => labelsIn(bytes.subarray(row * each, (row + 1) * each), classes));
  // Copied to a place of their own, as float32 numbers have to lie at a multiple of four bytes.
  const { buffer } = Uint8Array.from(bytes.subarray(size));
  return {
    predictions,
    losses: losses ? numbers.map((row) => new Float32Array(buffer, 4 * row * images, images)) : undefined,
  };
}

/** The folder in a results folder that finished sweeps are also written to, as files that say what they are, where it is there. */
export const DESCRIBED = "described";

/** Writes a finished sweep into the folder `described` of a results folder, where there is one. @throws Error when it cannot be written */
export async function describe(results: string | undefined, sweep: EvenSweep, spec: Spec, dataset: Dataset) {
  const dir = results === undefined ? undefined : join(results, DESCRIBED);
  if (dir === undefined || !existsSync(dir)) return;
  const file = await encodeSweep(sweep, spec, dataset);
  await writeTogether(dir, new Map([[fileNameOf(sweep, file), file]]));
}

/** Such as "resnet20-seed1-zero-3f2a9c01.sweep.gz": the name of the network is the user's own. */
export function fileNameOf({ network, operator }: EvenSweep, file: Uint8Array): string {
  const name = `${network}-${operator}`.replaceAll(/[^\w.]+/g, "-").replace(/^[.-]+/, "");
  return `${name.slice(0, 80)}-${digestOf(file).slice(0, 8)}.sweep.gz`;
}

const digestOf = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array): Buffer =>
  Buffer.from(buffer, byteOffset, byteLength);
