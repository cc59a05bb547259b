// Small things that several tests need: networks and datasets made from a seed, and a check that no tensor is left behind.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { batchOf } from "../lib/data/batches";
import type { LoadedDataset } from "../lib/data/dataset";
import { startEngine, tf } from "../lib/engine/backend";
import { eagerWeights, eagerWords } from "../lib/engine/eager";
import { imageTensor } from "../lib/engine/predictor";
import type { Values } from "../lib/files/values";
import { forward } from "../lib/networks/forward";
import { branchEnds } from "../lib/networks/layers";
import { CIFAR10_NORMALIZATION, initialParameters, type Network, type Parameters } from "../lib/networks/network";
import { type Spec, specOf } from "../lib/networks/spec";
import { randomStream } from "../lib/statistics/random";

/** A network with random parameters in which no batch norm is the identity; with this seed it predicts several classes. */
export function smallNetwork(name = "resnet8-w4", seed = 5): Network {
  const random = randomStream(seed, "small network");
  const parameters = new Map<string, Values>();
  for (const [parameter, { shape, data }] of initialParameters(specOf(name), random)) {
    const spread = parameter.endsWith(".variance") ? 0 : 0.2;
    parameters.set(parameter, {
      shape,
      data: data.map((value) => value + spread * random.normal() + (spread ? 0 : random.uniform())),
    });
  }
  return { name, spec: specOf(name), normalization: CIFAR10_NORMALIZATION, parameters };
}

/** The parameters with residual branches that add little, so that rounding does not grow with the depth. */
export function calmBranches(spec: Spec, parameters: Parameters): Parameters {
  const ends = new Set(branchEnds(spec).map(({ name }) => `${name}.gamma`));
  return shrunk(parameters, (parameter) => ends.has(parameter));
}

/** A random network whose residual branches add little, and whose VGG layers shrink: its logits stay small at any depth. */
export function calmNetwork(name: string): Network {
  const network = smallNetwork(name);
  const parameters =
    network.spec.family === "vgg"
      ? shrunk(network.parameters, (parameter) => parameter.endsWith(".gamma"))
      : calmBranches(network.spec, network.parameters);
  return { ...network, parameters };
}

function shrunk(parameters: Parameters, which: (parameter: string) => boolean): Parameters {
  const tenth = ({ shape, data }: Values): Values => ({ shape, data: data.map((value) => value / 10) });
  return new Map([...parameters].map(([name, values]) => [name, which(name) ? tenth(values) : values]));
}

/** A random network whose running statistics are those of some images, as after training: also a deep one tells images apart. */
export async function settledNetwork(name: string, seed?: number): Promise<Network> {
  await startEngine();
  const network = smallNetwork(name, seed);
  const parameters = new Map(network.parameters);
  tf.tidy(() => {
    const weights = eagerWeights(network.parameters);
    const words = eagerWords((parameter) => weights.get(parameter)!, network.normalization, { training: true });
    const batchNorm: typeof words.batchNorm = (x, layer) => {
      for (const [part, tensor] of Object.entries(tf.moments(x, [0, 1, 2])))
        parameters.set(`${layer.name}.${part}`, { shape: tensor.shape, data: tensor.dataSync() as Float32Array });
      return words.batchNorm(x, layer);
    };
    forward(network.spec, { ...words, batchNorm }, imageTensor(batchOf(smallDataset(30, 3), 0, 30).images));
  });
  return { ...network, parameters };
}

/** Images that can be learned: each class has its own colour, under noise. */
export function smallDataset(count: number, seed = 1): LoadedDataset {
  const random = randomStream(seed, "small dataset");
  const labels = Uint8Array.from({ length: count }, (_, index) => index % 10);
  const images = Uint8Array.from({ length: count * 3072 }, (_, at) => {
    const label = labels[Math.floor(at / 3072)];
    return ((label * (37 + 31 * (at % 3))) % 200) + random.integer(56);
  });
  const classes = Array.from({ length: 10 }, (_, label) => `class ${label}`);
  const sha256 = createHash("sha256").update(images).update(labels).digest("hex");
  return { name: "cifar10", split: "test", count, images, labels, classes, sha256 };
}

/** Runs the body and checks that as many tensors are alive after it as before. */
export async function expectNoLeak<R>(body: () => Promise<R> | R): Promise<R> {
  await startEngine();
  const before = tf.memory().numTensors;
  const result = await body();
  assert.equal(tf.memory().numTensors - before, 0, "tensors left behind");
  return result;
}

/** tf.tidy for results that are plain numbers. */
export function inTidy<R>(body: () => R): R {
  let result: R;
  tf.tidy(() => void (result = body()));
  return result!;
}

/** A digest-like text of all parameters, for "bit-identical". */
export function bitsOf(network: Network): string {
  return [...network.parameters]
    .map(([name, { data }]) => name + Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("hex"))
    .join();
}
