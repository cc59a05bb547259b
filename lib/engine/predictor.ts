// Predictions of networks: one compiled inference graph per architecture, into which any parameters can be put.
import { CHANNELS, IMAGE_SIZE, SIDE } from "../data/image";
import { forward } from "../networks/forward";
import type { Network, Normalization, Parameters } from "../networks/network";
import { type Spec, specName } from "../networks/spec";
import { largestOf } from "../statistics/extremes";
import { startEngine, type Tensor, tensorOf, tf } from "./backend";
import { eagerWeights, eagerWords } from "./eager";
import { foldedParameters, foldedShapes } from "./fold";
import { Graph, type Symbolic } from "./graph";
import { inferenceWords } from "./recorder";
import { loadProgram } from "./savedmodel";

/** A network's parameters on the engine. */
export interface LoadedNetwork {
  readonly weights: ReadonlyMap<string, Tensor>;
  dispose(): void;
}

/** Computes logits for networks of one architecture. */
export interface Predictor {
  /** Puts a network's parameters on the engine. @throws RangeError when it has another architecture */
  load(network: Network): LoadedNetwork;
  /** Logits [batch, classes] of images [batch, 32, 32, 3] in 0..255; the caller disposes of them. */
  logits(network: LoadedNetwork, images: Tensor): Tensor;
  dispose(): void;
}

/** How one engine computes logits, and the form of the parameters that it takes. */
interface Computation {
  prepare(network: Network): Parameters;
  logits(weights: ReadonlyMap<string, Tensor>, images: Tensor): Tensor;
  dispose(): void;
}

/** Compiles the inference of a network's architecture: as a graph on the native engine, operation by operation elsewhere. */
export async function openPredictor({ spec, normalization }: Network): Promise<Predictor> {
  const { backend } = await startEngine();
  const computation =
    backend === "tensorflow" ? await graphComputation(spec, normalization) : eagerComputation(spec, normalization);
  return {
    load(network) {
      checkArchitecture({ spec, normalization }, network);
      const weights = eagerWeights(computation.prepare(network));
      return { weights, dispose: () => weights.forEach((tensor) => tensor.dispose()) };
    },
    logits: ({ weights }, images) => computation.logits(weights, images),
    dispose: computation.dispose,
  };
}

async function graphComputation(spec: Spec, normalization: Normalization): Promise<Computation> {
  const graph = new Graph();
  const images = graph.placeholder("images", { shape: [-1, SIDE, SIDE, CHANNELS], dtype: "float32" });
  const inputs: Record<string, Symbolic> = { images };
  for (const [name, shape] of foldedShapes(spec)) inputs[name] = graph.placeholder(name, { shape, dtype: "float32" });
  const logits = forward(
    spec,
    inferenceWords((name) => inputs[name], normalization),
    images,
  );
  const program = await loadProgram(graph, { logits: { inputs, outputs: { logits } } });
  return {
    prepare: foldedParameters,
    logits: (weights, images) => program.run("logits", { ...Object.fromEntries(weights), images }).logits,
    dispose: program.dispose,
  };
}

function eagerComputation(spec: Spec, normalization: Normalization): Computation {
  return {
    prepare: ({ parameters }) => parameters,
    logits: (weights, images) =>
      tf.tidy(() =>
        forward(
          spec,
          eagerWords((name) => weights.get(name)!, normalization),
          images,
        ),
      ),
    dispose: () => undefined,
  };
}

function checkArchitecture(wanted: Pick<Network, "spec" | "normalization">, found: Network): void {
  if (JSON.stringify([wanted.spec, wanted.normalization]) === JSON.stringify([found.spec, found.normalization])) return;
  throw new RangeError(
    `Cannot load "${found.name}" into a predictor for ${specName(wanted.spec)}: it is ${specName(found.spec)} with ${found.spec.classes} classes and mean ${found.normalization.mean.join(", ")}`,
  );
}

/** The logits [count, classes] of a batch of images [count, 32, 32, 3] in 0..255, as plain numbers. */
export function logitsOf(predictor: Predictor, network: LoadedNetwork, images: Tensor): Float32Array {
  const logits = predictor.logits(network, images);
  try {
    return logits.dataSync() as Float32Array;
  } finally {
    logits.dispose();
  }
}

/** A batch's images on the engine; the caller disposes of them. */
export function imageTensor(images: Float32Array): Tensor {
  return tensorOf(images, [images.length / IMAGE_SIZE, SIDE, SIDE, CHANNELS]);
}

/** The class with the highest logit for each image, the first one in a tie. @throws Error when a logit is not finite */
export function predictedClasses(logits: Float32Array, classes: number): Uint8Array {
  const bad = logits.findIndex((logit) => !Number.isFinite(logit));
  if (bad >= 0) {
    throw new Error(
      `Cannot read a prediction from the logits of image ${Math.floor(bad / classes)}: found ${logits[bad]}, expected finite numbers`,
    );
  }
  return Uint8Array.from({ length: logits.length / classes }, (_, image) => {
    const row = logits.subarray(image * classes, (image + 1) * classes);
    return row.indexOf(largestOf(row));
  });
}

/** -log softmax(row)[label], in nats. */
export function crossEntropy(row: Float32Array, label: number): number {
  const highest = largestOf(row);
  return Math.log(row.reduce((sum, logit) => sum + Math.exp(logit - highest), 0)) + highest - row[label];
}
