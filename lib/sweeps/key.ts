// What a sweep's numbers depend on, as one digest (the same key, the same numbers), and what became of each layer.
import { createHash } from "node:crypto";
import type { Ablation } from "../ablations/ablate";
import { type Changes, changesAt, changesOf } from "../ablations/changes";
import { type Activations, formulaOf, needsReference } from "../ablations/activations";
import type { LayerSet } from "../ablations/sets";
import type { Dataset } from "../data/dataset";
import { pieces } from "../data/pixels";
import type { Engine } from "../engine/backend";
import type { Values } from "../files/values";
import type { Network, Parameters, Precision } from "../networks/network";

/** Everything that a sweep's predictions and losses depend on. Names of networks, operators and sets are no part of it. */
export interface SweepContent {
  readonly network: Network;
  /** In the order of the results' rows: in another order, or with one more, it is another sweep. */
  readonly ablations: readonly Ablation[];
  /** All images [count, 32, 32, 3] and labels [count] that are swept over, in order. */
  readonly dataset: Pick<Dataset, "images" | "labels" | "side">;
  /** Counts only where an ablation asks for a mean or for another image, and then with the seed that draws that image. */
  readonly reference?: Pick<Dataset, "images" | "side">;
  readonly seed: number;
  /** Where each image stood when its other image was drawn; counts where an ablation asks for one. */
  readonly places?: Uint32Array;
  readonly precision: Precision;
  readonly engine: Engine;
  /** What computes, such as `os.cpus()[0].model`: another one rounds the last digit differently. */
  readonly processor: string;
}

/** To be raised whenever a sweep's code comes to compute other numbers from the same content, so that old results are not read. */
const COMPUTATION = 1;

/**
 * The key of a sweep: a SHA-256, in hexadecimal digits, of the bytes of all that its numbers depend on. An operator counts
 * by what it made of the network, not by its name. The size of the batches does not count: the losses of a ResNet-20 were
 * the same to the last bit in batches of 1, 37, 40, 50 and 100 images. Nothing is remembered between calls, so that arrays
 * that were changed in place give another key.
 */
export function sweepKey(content: SweepContent): string {
  const { network, ablations, dataset, precision, engine, processor } = content;
  const digestOf = parameterDigest();
  const facts = {
    computation: [COMPUTATION, precision, processor, sorted(engine)],
    data: [
      sha256(dataset.labels),
      sha256OfPixels(dataset),
      referenceDigests(content)(ablations.map(({ activations }) => activations)),
    ],
    network: [sorted(network.spec), sorted(network.normalization), digestsOf(network.parameters, digestOf)],
    ablations: ablations.map((ablation) => changeFacts(network, changesOf(ablation), digestOf)),
  };
  return sha256(JSON.stringify(facts));
}

/** What a sweep is made of, before anything computes. */
type Made = Pick<SweepContent, "network" | "ablations" | "reference" | "seed" | "places">;

/**
 * What became of every layer of every set, as digests: equal ones for the same change, whatever the operator is called and
 * however it is written. Reference images count, and the seed that draws them, where the change asks for them.
 */
export function changeDigests(made: Made, sets: readonly LayerSet[]): string[][] {
  const digestOf = parameterDigest();
  const drawn = referenceDigests(made);
  return sets.map(({ layers }, index) => {
    const all = changesOf(made.ablations[index]);
    return layers.map((layer) => {
      const own = changesAt(all, layer);
      return sha256(JSON.stringify([...changeFacts(made.network, own, digestOf), drawn([own.activations])]));
    });
  });
}

type DigestOf = (values: Values) => string;
type Digests = readonly (readonly [name: string, digest: string])[];

/** The digest of an array and its shape, computed once for each, as ablations share most of them with the network. */
function parameterDigest(): DigestOf {
  const known = new Map<Values, string>();
  return (values) => {
    const digest = known.get(values) ?? `${values.shape.join("x")} ${sha256(values.data)}`;
    known.set(values, digest);
    return digest;
  };
}

function digestsOf(parameters: Parameters, digestOf: DigestOf): Digests {
  return [...parameters].map(([name, values]) => [name, digestOf(values)] as const).sort();
}

/** The digests of new arrays, of which one that was copied without a change does not count, and the formulas of new activations. */
function changeFacts({ parameters }: Network, { arrays, activations }: Changes, digestOf: DigestOf): Digests[] {
  const changed = digestsOf(arrays, digestOf).filter(([name, digest]) => {
    const before = parameters.get(name);
    return !before || digestOf(before) !== digest;
  });
  const formulas = [...activations]
    .map(([name, { layer, change }]) => [name, formulaOf(change, layer)] as const)
    .sort();
  return [changed, formulas];
}

/** The reference images, digested once, and what draws them, as far as some activations ask for them. */
function referenceDigests({ reference, seed, places }: Pick<SweepContent, "reference" | "seed" | "places">) {
  let images: string | undefined;
  return (all: readonly Activations[]): readonly (string | number)[] => {
    const asks = (what: "mean" | "other") => all.some((activations) => needsReference(activations, what));
    if (!asks("mean") && !asks("other")) return [];
    images ??= reference ? sha256OfPixels(reference) : "none";
    if (!asks("other")) return [images, "none"];
    return places ? [images, seed, sha256(places)] : [images, seed];
  };
}

/** An object's fields in an order that does not depend on how it was made. */
const sorted = (fields: object): [string, unknown][] => Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1));

/** The same of images in memory and on disk. */
function sha256OfPixels(dataset: Pick<Dataset, "images" | "side">): string {
  const digest = createHash("sha256");
  for (const piece of pieces(dataset)) digest.update(piece);
  return digest.digest("hex");
}

function sha256(content: string | Uint8Array | Uint16Array | Uint32Array | Float32Array): string {
  return createHash("sha256").update(content).digest("hex");
}
