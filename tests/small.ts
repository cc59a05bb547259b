// Small things that several tests need: networks and datasets made from a seed, and a check that no tensor is left behind.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { startEngine, tf } from "../lib/backend";
import type { Dataset } from "../lib/cifar";
import { CIFAR10_NORMALIZATION, initialParameters, type Network, specOf, type Values } from "../lib/network";
import { randomStream } from "../lib/random";

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

/** Images that can be learned: each class has its own colour, under noise. */
export function smallDataset(count: number, seed = 1): Dataset {
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

/** A digest-like text of all parameters, for "bit-identical". */
export function bitsOf(network: Network): string {
  return [...network.parameters]
    .map(([name, { data }]) => name + Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("hex"))
    .join();
}
