// The key of a sweep: another one for every change of what is computed, the same one for everything else.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ablate, type Ablation, intact, type Operator, zero } from "../lib/ablations/ablate";
import { onOutput, onShortcut } from "../lib/ablations/activations";
import { mean, rerandomize, resample, scale } from "../lib/ablations/operators";
import { type LayerSet, pairs, singles } from "../lib/ablations/sets";
import { firstImages } from "../lib/data/cifar";
import type { Dataset } from "../lib/data/dataset";
import type { Engine } from "../lib/engine/backend";
import type { Values } from "../lib/files/values";
import { layersOf } from "../lib/networks/layers";
import type { Network } from "../lib/networks/network";
import { specOf } from "../lib/networks/spec";
import { changeDigests, type SweepContent, sweepKey } from "../lib/sweeps/key";
import { smallDataset, smallNetwork } from "./small";

const engine: Engine = {
  backend: "tensorflow",
  version: "4.22.0",
  library: "2.21.0",
  gpu: false,
  oneDNN: true,
  fastBfloat16: true,
};

/** The paper's sweep of a small network, made anew: no array is shared between two calls. */
function content(change: Partial<SweepContent> = {}): SweepContent {
  const network = smallNetwork();
  const ablations = layersOf(network.spec).map((layer) => ablate(network, layer.name, zero));
  const dataset = smallDataset(20);
  return { network, ablations, dataset, seed: 1, precision: "float32", engine, processor: "one", ...change };
}

const KEY = sweepKey(content());

function withArray<N extends Pick<Network, "parameters">>(of: N, name: string, change: (values: Values) => Values): N {
  return { ...of, parameters: new Map([...of.parameters, [name, change(of.parameters.get(name)!)]]) };
}

const copied = ({ shape, data }: Values): Values => ({ shape: [...shape], data: data.slice() });

/** With the lowest bit of one number flipped: the smallest change there is. */
function flipped({ shape, data }: Values, index = 0): Values {
  const changed = data.slice();
  new Uint32Array(changed.buffer)[index] ^= 1;
  return { shape, data: changed };
}

test("sweepKey() is 64 hexadecimal digits, the same when everything is made anew", () => {
  assert.match(KEY, /^[0-9a-f]{64}$/);
  assert.equal(sweepKey(content()), KEY);
});

test("sweepKey() stays what it was when results were first saved: they can still be read", () => {
  const counted = ({ shape, data }: Values): Values => ({ shape, data: data.map((_, index) => (index % 8) / 8) });
  const { network } = content();
  const plain = {
    ...network,
    parameters: new Map([...network.parameters].map(([name, values]) => [name, counted(values)])),
  };
  const ablations = [ablate(plain, "stem.conv", zero), ablate(plain, "stem.conv", mean)];
  const dataset = { images: new Uint8Array(2 * 3072).fill(7), labels: Uint8Array.of(3, 5) };
  const key = sweepKey(content({ network: plain, ablations, dataset, reference: dataset }));
  assert.equal(key, "2174a3187db70a231a5375722797b0263bfeb7286ac21a8a95a262ccf4ef2235");
});

test("sweepKey() does not depend on names, on the order of fields and parameters, or on which arrays are shared", () => {
  const { network, ablations } = content();
  const reversed = (fields: object) => Object.fromEntries(Object.entries(fields).reverse());
  const turned = {
    ...network,
    name: "another",
    spec: reversed(network.spec) as unknown as Network["spec"],
    parameters: new Map([...network.parameters].reverse()),
  };
  const unshared = ablations.map((ablation) => ({
    ...ablation,
    parameters: new Map([...ablation.parameters].map(([name, values]) => [name, copied(values)])),
  }));
  assert.equal(sweepKey(content({ network: turned, ablations })), KEY);
  assert.equal(sweepKey(content({ network, ablations: unshared })), KEY);
  assert.equal(sweepKey(content({ engine: reversed(engine) as unknown as Engine })), KEY);
  const named = (name: string) => content({ dataset: { ...smallDataset(20), ...{ name, sha256: name } } });
  assert.equal(sweepKey(named("another")), KEY, "the images count, not what they are called");
});

test("sweepKey() goes by what an operator did, not by how it is written", () => {
  const { network } = content();
  const by = (operator: Operator) => {
    const ablations = layersOf(network.spec).map((layer) => ablate(network, layer.name, operator));
    return sweepKey(content({ network, ablations }));
  };
  assert.equal(
    by(({ shape, data }) => ({ shape, data: data.map(() => 0) })),
    KEY,
  );
  assert.notEqual(by(scale(0.5)), by(scale(0.25)));
});

test("sweepKey() is another one for every change of what is computed", () => {
  const { network } = content();
  const layers = layersOf(network.spec);
  const [, , third] = layers;
  const ablations = layers.map((layer) => ablate(network, layer.name, zero));
  const dataset = smallDataset(20);
  const [reference, otherReference] = [smallDataset(5, 2), smallDataset(5, 3)];
  const scaled = (factor: number) => onOutput((x, { scale }) => scale(x, factor));
  const half = scaled(0.5);
  const output = ablate(network, layers[4].name, half);
  const mean = ablate(
    network,
    layers[4].name,
    onOutput((_, site) => site.mean()),
  );
  const other = ablate(
    network,
    layers[4].name,
    onOutput((_, site) => site.other()),
  );
  const replaced = (index: number, ablation: Ablation): Ablation[] =>
    ablations.map((old, at) => (at === index ? ablation : old));
  const swapped = (list: Uint8Array, size: number) => {
    const changed = list.slice();
    changed.copyWithin(0, size, 2 * size);
    changed.set(list.subarray(0, size), size);
    return changed;
  };
  const labels = dataset.labels.slice();
  labels[7] = (labels[7] + 1) % 10;
  const images = dataset.images.slice();
  images[12345] ^= 1;
  const bit = (name: string, index = 0) => withArray(network, name, (values) => flipped(values, index));
  const changes: Record<string, Partial<SweepContent>> = {
    "one bit of a kernel": { network: bit("stage2.block1.conv1.kernel", 100) },
    "one bit of a running mean": { network: bit("stem.conv.mean") },
    "one bit of the dense bias": { network: bit("dense.bias", 9) },
    "the shape of an array": {
      network: withArray(network, "dense.kernel", ({ shape, data }) => ({ shape: [...shape].reverse(), data })),
    },
    "the normalization": { network: { ...network, normalization: { ...network.normalization, std: [0.2, 0.2, 0.3] } } },
    "the spec": { network: { ...network, spec: specOf("plain8-w4") } },
    "one ablated kernel by one bit": {
      ablations: replaced(2, withArray(ablations[2], `${third.name}.kernel`, flipped)),
    },
    "one ablation that changes nothing": { ablations: replaced(2, intact(network)) },
    "one ablation that changes a second array": {
      ablations: replaced(2, withArray(ablations[2], `${third.name}.beta`, flipped)),
    },
    "one ablation of another layer": { ablations: replaced(2, ablations[3]) },
    "one ablation's output": { ablations: replaced(4, output) },
    "another ablation's output": { ablations: replaced(5, ablate(network, layers[5].name, half)) },
    "the shortcut instead": { ablations: replaced(4, ablate(network, layers[4].name, onShortcut(half.change))) },
    "by another factor": { ablations: replaced(4, ablate(network, layers[4].name, scaled(0.25))) },
    "an output beside a kernel": { ablations: replaced(4, ablate(ablations[4], layers[4].name, half)) },
    "an output that is the mean": { ablations: replaced(4, mean), reference },
    "its reference images": { ablations: replaced(4, mean), reference: otherReference },
    "an output of another image": { ablations: replaced(4, other), reference },
    "its reference images too": { ablations: replaced(4, other), reference: otherReference },
    "the seed that draws it": { ablations: replaced(4, other), reference, seed: 2 },
    "one random operator": { ablations: replaced(2, ablate(network, third.name, rerandomize)) },
    "its seed": { ablations: replaced(2, ablate(network, third.name, rerandomize, { seed: 2 })) },
    "the order of the ablations": { ablations: [...ablations].reverse() },
    "fewer ablations": { ablations: ablations.slice(1) },
    "one label": { dataset: { ...dataset, labels } },
    "one pixel": { dataset: { ...dataset, images } },
    "the order of the images": {
      dataset: { labels: swapped(dataset.labels, 1), images: swapped(dataset.images, 3072) },
    },
    "fewer images": { dataset: firstImages(dataset, 19) },
    "the precision": { precision: "bfloat16" },
    "the engine": { engine: { ...engine, backend: "wasm", library: undefined } },
    "TensorFlow's version": { engine: { ...engine, library: "2.20.0" } },
    "a GPU": { engine: { ...engine, gpu: true } },
    "Eigen's convolutions": { engine: { ...engine, oneDNN: false } },
    "the processor": { processor: "another" },
  };
  const keys = new Map([[KEY, "nothing"]]);
  for (const [what, change] of Object.entries(changes)) {
    const key = sweepKey({ ...content(), ...{ network, ablations }, ...change });
    assert.equal(keys.get(key), undefined, what);
    keys.set(key, what);
  }
});

test("sweepKey() depends on a seed and on reference images only where an operator asks for them", () => {
  const reference = smallDataset(5, 2);
  assert.equal(sweepKey(content({ seed: 2, reference })), KEY);
  const { network } = content();
  const mean = ablate(
    network,
    "stem.conv",
    onOutput((_, site) => site.mean()),
  );
  const key = (change: Partial<SweepContent>) =>
    sweepKey(content({ network, ablations: [mean], reference, ...change }));
  assert.equal(key({ seed: 2 }), key({ seed: 1 }), "a mean draws nothing");
});

test("sweepKey() notices numbers that were changed in place", () => {
  const { dataset, ...rest } = content();
  const key = () => sweepKey({ dataset, ...rest });
  assert.equal(key(), KEY);
  rest.network.parameters.get("stem.conv.gamma")!.data[1] += 1;
  const changed = key();
  assert.notEqual(changed, KEY);
  (dataset.images as Uint8Array)[0] ^= 1;
  assert.notEqual(key(), changed);
});

test("changeDigests() tells what became of each layer, whatever the operator is called, alone or in a set", () => {
  const { network } = content();
  const layers = layersOf(network.spec).slice(0, 3);
  const digests = (
    operator: Operator,
    sets: readonly LayerSet[],
    more: { seed?: number; reference?: Dataset } = {},
  ) => {
    const ablations = sets.map((set) =>
      ablate(
        network,
        set.layers.map(({ name }) => name),
        operator,
        more,
      ),
    );
    return changeDigests({ network, ablations, seed: 1, ...more }, sets);
  };
  const [[one], [two], [three]] = digests(zero, singles(layers));
  assert.equal(new Set([one, two, three]).size, 3);
  assert.deepEqual(digests(zero, pairs(layers)), [
    [one, two],
    [one, three],
    [two, three],
  ]);
  const byHand: Operator = ({ shape, data }) => ({ shape, data: data.map(() => 0) });
  assert.deepEqual(digests(byHand, singles(layers)), [[one], [two], [three]]);
  const [reference, otherReference] = [smallDataset(5, 2), smallDataset(5, 3)];
  const distinct = [
    digests(zero, singles(layers)),
    digests(scale(0.5), singles(layers)),
    digests(scale(1), singles(layers)),
    digests(rerandomize, singles(layers)),
    digests(rerandomize, singles(layers), { seed: 2 }),
    digests(mean, singles(layers), { reference }),
    digests(mean, singles(layers), { reference: otherReference }),
    digests(resample, singles(layers), { reference }),
    digests(resample, singles(layers), { reference, seed: 2 }),
  ].map(String);
  assert.equal(new Set(distinct).size, distinct.length);
  assert.deepEqual(
    digests(mean, singles(layers), { reference, seed: 2 }).map(String).join(),
    distinct[5],
    "a mean draws nothing",
  );
  assert.deepEqual(digests(zero, singles(layers), { reference, seed: 2 }).map(String).join(), distinct[0]);
});
