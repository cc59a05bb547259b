// How sure the intact network of a run is of each test image, kept beside its sweeps: ten kilobytes for a pass over all images.
//
// `<run>/intact.confidences.gz` unpacks to one line of JSON (of which weights and images), a line feed, and a byte per image (`results/nines.ts`).
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Dataset } from "../data/dataset";
import { readWhole } from "../files/disk";
import { isRecord, wrong } from "../files/json";
import { ninesOf } from "../results/nines";
import { dataOf, digestOf, packInto, type SweptData, unpack } from "./kept-sweep";

const FILE = "intact.confidences.gz";
const SCHEMA = 1;
const LARGEST_FILE = 2 ** 22;

interface Header {
  readonly schema: number;
  readonly weights: string; // SHA-256 of the weights
  readonly data: SweptData;
  readonly confidences: string; // SHA-256 of the bytes that follow
}

/** Whether a folder holds the confidences of its network. */
export const hasConfidences = (dir: string): boolean => existsSync(join(dir, FILE));

/**
 * Keeps how sure a network is, in its folder.
 * @param weights the SHA-256 of its weights
 * @param confidences [images], of all images of the data set
 * @throws Error when the file cannot be written
 */
export async function keepConfidences(
  dir: string,
  confidences: Float32Array,
  { dataset, weights }: { readonly dataset: Dataset; readonly weights: string },
): Promise<void> {
  const bytes = ninesOf(confidences);
  const header: Header = { schema: SCHEMA, weights, data: dataOf(dataset), confidences: digestOf(bytes) };
  await packInto(dir, FILE, header, bytes);
}

/**
 * The kept bytes of a network, [images]: as `ninesOf` makes them.
 * @throws Error naming the file and what is missing, damaged, or not of these weights or images
 */
export async function loadConfidences(dir: string, weights: string, dataset: Dataset): Promise<Uint8Array> {
  const path = join(dir, FILE);
  try {
    const { header, bytes } = await unpack(readWhole(path, LARGEST_FILE));
    const { schema, confidences, ...rest } = header as unknown as Header;
    if (!isRecord(header) || schema !== SCHEMA) wrong("schema", schema, String(SCHEMA));
    if (rest.weights !== weights) wrong("weights", rest.weights, `${weights}, those of the network`);
    if (JSON.stringify(rest.data) !== JSON.stringify(dataOf(dataset)))
      wrong("data", rest.data, JSON.stringify(dataOf(dataset)));
    if (digestOf(bytes) !== confidences || bytes.length !== dataset.count)
      throw new Error("its confidences are damaged: they have another SHA-256 or number");
    return bytes;
  } catch (error) {
    throw new Error(`Cannot load the confidences "${path}": ${(error as Error).message}`, { cause: error });
  }
}
