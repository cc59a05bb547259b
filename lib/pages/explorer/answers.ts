// What the explorer's page holds of each network, and how it becomes a sweep again: the files that are kept beside the runs, as they are.
import { type LayerSet, singles } from "../../ablations/sets";
import { layersOf } from "../../networks/layers";
import type { Spec } from "../../networks/spec";
import type { EvenSweep } from "../../results/matrix";

/** One kept sweep. */
export interface Kept {
  /** The name of the run, or of the published network. */
  readonly run: string;
  readonly spec: Spec;
  readonly operator: string;
  /** The kept file (`runs/kept-sweep.ts`), gzip in base64. */
  readonly answers: string;
  /** How sure the intact network is of each image (`runs/kept-confidences.ts`), in base64; "" where that is not kept. */
  readonly nines: string;
}

/** By what a sweep is known among those that the page holds. */
export const keyOf = ({ run, operator }: Pick<Kept, "run" | "operator">): string => `${run} ${operator}`;

/** All that the page holds. */
export interface Holdings {
  readonly sweeps: readonly Kept[];
  readonly classes: readonly string[];
  /** [images] in base64. */
  readonly labels: string;
  /** A picture of all images, a row of `across` after the other, and the width of each in it. */
  readonly thumbnails: { readonly url: string; readonly across: number; readonly side: number };
}

/** The bytes in a base64 text. */
export function bytesIn(base64: string): Uint8Array {
  const text = atob(base64);
  return Uint8Array.from(text, (_, index) => text.charCodeAt(index));
}

/** The sweep in a kept file. */
export async function sweepOf(kept: Kept, labels: Uint8Array, classes: number): Promise<EvenSweep> {
  const stream = new Blob([bytesIn(kept.answers)]).stream().pipeThrough(new DecompressionStream("gzip"));
  const content = new Uint8Array(await new Response(stream as ReadableStream<Uint8Array>).arrayBuffer());
  const end = content.indexOf("\n".charCodeAt(0));
  const header = JSON.parse(new TextDecoder().decode(content.subarray(0, end))) as Header;
  const rowAt = (row: number) => content.subarray(end + 1 + row * labels.length, end + 1 + (row + 1) * labels.length);
  const byName = new Map<string, LayerSet>(singles(layersOf(kept.spec)).map((set) => [set.name, set]));
  return {
    ...{ network: kept.run, operator: header.operator, seed: header.seed, precision: "float32" },
    ...{ sets: header.layers.map((name) => byName.get(name)!), unchanged: header.unchanged },
    ...{ labels, classes, baseline: rowAt(0), predictions: header.layers.map((_, index) => rowAt(1 + index)) },
  };
}

/** What is used of the first line. */
interface Header {
  readonly operator: string;
  readonly seed: number;
  readonly layers: readonly string[];
  readonly unchanged: readonly boolean[];
}

/** The same sweep on some of its images. */
export function onImages(sweep: EvenSweep, images: readonly number[]): EvenSweep {
  const part = (row: ArrayLike<number>) => Uint8Array.from(images, (image) => row[image]);
  return {
    ...sweep,
    ...{ labels: part(sweep.labels), baseline: part(sweep.baseline), predictions: sweep.predictions.map(part) },
  };
}
