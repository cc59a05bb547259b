// The answers of a full sweep, kept beside the run that they are of: a few hundred kilobytes for what takes minutes to compute.
//
// `<run>/<operator>.answers.gz` unpacks to one line of JSON (what was computed, of which weights, on which images, where), a line feed,
// and the predicted classes as bytes (two each, the lower one first, where there are more than 256): [1 + ablations, images], the intact network's first. Losses are not kept.
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { gunzip, gzip } from "node:zlib";
import { type LayerSet, singles } from "../ablations/sets";
import type { Dataset } from "../data/dataset";
import { contentDigest } from "../data/digest";
import { labelBytes, labelsIn, labelSize } from "../data/labels";
import { readWhole, writeTogether } from "../files/disk";
import { isRecord, parseJson, wrong } from "../files/json";
import { layersOf } from "../networks/layers";
import type { Network } from "../networks/network";
import type { EvenSweep } from "../results/matrix";
import type { Provenance } from "./provenance";
import { loadRun, weightsDigest } from "./run-folder";

/** What the first line says. */
interface Header {
  readonly schema: number;
  readonly network: string;
  readonly weights: string; // SHA-256 of weights.safetensors
  readonly operator: string;
  readonly seed: number;
  readonly precision: "float32";
  readonly data: SweptData;
  readonly layers: readonly string[];
  readonly unchanged: readonly boolean[];
  readonly answers: string; // SHA-256 of the bytes that follow
  readonly provenance: Provenance;
}

/** Which images something kept is of. */
export interface SweptData extends Pick<Dataset, "name" | "split" | "sha256"> {
  readonly images: number;
  /** Of their labels and pixels: others of the same split, in another order, or with changed pixels, are other images. */
  readonly content: string;
}

/** Which images a data set is; a digest of all its pixels is taken, so for many sweeps of the same images once. */
export const dataOf = (dataset: Dataset): SweptData => {
  const { name, split, sha256, count } = dataset;
  return { name, split, sha256, images: count, content: contentDigest(dataset) };
};

const SCHEMA = 1;
const LARGEST_FILE = 2 ** 24;
const LARGEST_CONTENT = 2 ** 26; // 6,700 rows of 10,000 images

const fileOf = (operator: string): string => `${operator.replace(/[^\w.-]+/g, "-")}.answers.gz`;

/** Whether a run's folder holds the answers of that operator's sweep. */
export function isKept(dir: string, operator = "zero"): boolean {
  return existsSync(join(dir, fileOf(operator)));
}

/**
 * Keeps a sweep over single layers in its run's folder, in place of an older one.
 * @param weights the SHA-256 of the weights; by default those of the run
 * @throws RangeError where it is not in float32 or changes several layers at once; Error when the file cannot be written
 */
export async function keepSweep(
  dir: string,
  sweep: EvenSweep,
  dataset: Dataset,
  provenance: Provenance,
  weights = weightsDigest(dir),
): Promise<void> {
  const { network, operator, seed, precision, sets, baseline, predictions, unchanged } = sweep;
  if (precision !== "float32" || sets.some(({ layers }) => layers.length !== 1) || baseline.length !== dataset.count)
    throw new RangeError(`Cannot keep the sweep of ${network}: expected single layers in float32, on all images`);
  const answers = Buffer.concat([baseline, ...predictions].map(labelBytes));
  const header: Header = {
    ...{ schema: SCHEMA, network, weights, operator, seed, precision },
    data: dataOf(dataset),
    layers: sets.map((set) => set.name),
    unchanged: unchanged ?? sets.map(() => false),
    answers: digestOf(answers),
    provenance,
  };
  await packInto(dir, fileOf(operator), header, answers);
}

/** Writes a file as all kept ones are: a line of JSON, and bytes, packed. @throws Error when it cannot be written */
export async function packInto(dir: string, file: string, header: object, bytes: Uint8Array): Promise<void> {
  const content = Buffer.concat([Buffer.from(`${JSON.stringify(header)}\n`), bytes]);
  await writeTogether(dir, new Map([[file, await promisify(gzip)(content, { level: 9 })]]));
}

/** What `packInto` has packed. @throws Error where that is damaged */
export async function unpack(packed: Uint8Array): Promise<{ readonly header: object; readonly bytes: Buffer }> {
  const content = await promisify(gunzip)(packed, { maxOutputLength: LARGEST_CONTENT });
  const end = content.indexOf("\n");
  const header = parseJson("its first line", content.subarray(0, Math.max(0, end)).toString()) as object;
  return { header, bytes: content.subarray(end + 1) };
}

/**
 * The kept sweep of a run, read back: `rowsOf(await loadSweep("data/runs/resnet20-seed1", test))`.
 * @param dataset all images that it was computed on, in their order
 * @param operator what was done to the layers (default "zero")
 * @param data what `dataOf` says of the images, where it was asked before
 * @throws Error naming the file and what is missing, damaged, or not of this run or these images
 */
export async function loadSweep(
  dir: string,
  dataset: Dataset,
  operator = "zero",
  data = dataOf(dataset),
): Promise<EvenSweep> {
  const { network } = await loadRun(dir);
  return readSweep(dir, { ...network, weights: weightsDigest(dir) }, dataset, operator, data);
}

/** Which images the kept sweep of a run is about, and its seed; undefined where none is kept. @throws Error where the file is damaged */
export async function keptFacts(dir: string, operator = "zero"): Promise<Pick<Header, "data" | "seed"> | undefined> {
  if (!isKept(dir, operator)) return undefined;
  const path = join(dir, fileOf(operator));
  try {
    return (await unpack(readWhole(path, LARGEST_FILE))).header as Header;
  } catch (error) {
    throw new Error(`Cannot load the sweep "${path}": ${(error as Error).message}`, { cause: error });
  }
}

/** What a kept sweep is held to: the network's name and architecture, and the SHA-256 of its weights. */
export type Swept = Pick<Network, "name" | "spec"> & { readonly weights: string };

/** The kept sweep in a folder, of a network whose weights may be elsewhere. @throws as `loadSweep` does */
export async function readSweep(
  dir: string,
  network: Swept,
  dataset: Dataset,
  operator = "zero",
  data = dataOf(dataset),
): Promise<EvenSweep> {
  const path = join(dir, fileOf(operator));
  try {
    return sweepIn(await unpack(readWhole(path, LARGEST_FILE)), network, dataset, data);
  } catch (error) {
    const advice = existsSync(path) ? "" : "; npm run sweep -- --all computes what is missing";
    throw new Error(`Cannot load the sweep "${path}": ${(error as Error).message}${advice}`, { cause: error });
  }
}

function sweepIn(
  kept: Awaited<ReturnType<typeof unpack>>,
  network: Swept,
  dataset: Dataset,
  data: SweptData,
): EvenSweep {
  const [header, answers] = [kept.header as Header, kept.bytes];
  checkHeader(header, network.weights, data);
  if (digestOf(answers) !== header.answers) throw new Error("its answers are damaged: they have another SHA-256");
  const sets = setsOf(network, header.layers);
  const classes = dataset.classes.length;
  const size = labelSize(classes) * dataset.count;
  if (answers.length !== (1 + sets.length) * size)
    wrong("the number of answers", answers.length, String((1 + sets.length) * size));
  const rowAt = (row: number) => labelsIn(answers.subarray(row * size, (row + 1) * size), classes);
  const { operator, seed, precision, unchanged } = header;
  return {
    ...{ network: network.name, operator, seed, precision, sets, unchanged },
    labels: dataset.labels,
    classes,
    baseline: rowAt(0),
    predictions: sets.map((_, index) => rowAt(1 + index)),
  };
}

function checkHeader(header: Header, weights: string, data: SweptData): void {
  if (!isRecord(header) || header.schema !== SCHEMA) wrong("schema", header?.schema, String(SCHEMA));
  if (header.weights !== weights) wrong("weights", header.weights, `${weights}, those of the network`);
  for (const [field, value] of Object.entries(data))
    if (header.data?.[field as keyof Header["data"]] !== value)
      wrong(`data.${field}`, header.data?.[field as keyof Header["data"]], String(value));
  if (typeof header.operator !== "string") wrong("operator", header.operator, "a name");
  if (header.precision !== "float32") wrong("precision", header.precision, "float32");
  if (!Array.isArray(header.layers)) wrong("layers", header.layers, "names");
  if (!Array.isArray(header.unchanged) || header.unchanged.length !== header.layers.length)
    wrong("unchanged", header.unchanged, "one for each layer");
}

function setsOf({ spec }: Swept, names: readonly string[]): LayerSet[] {
  const byName = new Map(singles(layersOf(spec)).map((set) => [set.name, set]));
  return names.map((name) => byName.get(name) ?? wrong("a layer", name, "one of the network's"));
}

/** SHA-256 in hexadecimal digits. */
export const digestOf = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
