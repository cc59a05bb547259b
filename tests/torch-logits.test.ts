// Known architectures held against what PyTorch says of them (tests/torch/make.py): weights by their names, logits, zeroed convolutions.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { encodeTorchState, importReport, type ImportReport } from "../lib/checkpoints/torch";
import type { Dataset } from "../lib/data/dataset";
import { decodeSafetensors, encodeSafetensors } from "../lib/files/safetensors";
import { sizeOf, type Values } from "../lib/files/values";
import { imageTensor, openPredictor } from "../lib/engine/predictor";
import { layerOf } from "../lib/networks/layers";
import { parameterCount } from "../lib/networks/network";
import { specName } from "../lib/networks/spec";
import { sweep } from "../lib/sweeps/sweep";
import { bitsOf, expectNoLeak } from "./small";

const folder = path.join(__dirname, "torch");
const NAMES = readdirSync(folder).flatMap((file) => (file.endsWith(".json") ? [file.replace(".json", "")] : []));

interface Said {
  readonly side: number;
  readonly tensors: Record<string, number[]>;
  readonly intact: number[][];
  readonly zeroed: Record<string, number[][]>;
  readonly parameters: number;
}

const saidOf = (name: string): Said => JSON.parse(readFileSync(path.join(folder, `${name}.json`), "utf8")) as Said;

/** Numbers from 0 to below 1, as `hashes` of make.py gives them. */
function hashes(name: string, count: number): Float64Array {
  const seed = [...Buffer.from(name)].reduce((hash, byte) => Math.imul(hash ^ byte, 16777619) >>> 0, 2166136261);
  return Float64Array.from({ length: count }, (_, place) => {
    let x = (Math.imul(place, 0x9e3779b9) + seed) >>> 0;
    x = Math.imul(x ^ (x >>> 16), 0x85ebca6b) >>> 0;
    x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35) >>> 0;
    return ((x ^ (x >>> 16)) >>> 0) / 2 ** 32;
  });
}

function weights(name: string, shape: readonly number[]): Values {
  const spread = Math.sqrt(6 / sizeOf(shape.slice(1)));
  const valueOf = (u: number) =>
    shape.length > 1 ? (2 * u - 1) * spread : /(weight|running_var)$/.test(name) ? 0.5 + u : 0.4 * u - 0.2;
  return { shape, data: Float32Array.from(hashes(name, sizeOf(shape)), valueOf) };
}

/** In make.py the pixels are divided by 255 and no more. */
const normalization = { mean: [0, 0, 0], std: [1, 1, 1] };

const stateOf = ({ tensors }: Said) =>
  new Map(Object.entries(tensors).map(([name, shape]) => [name, weights(name, shape)] as const));

const imported = (said: Said): ImportReport =>
  importReport(encodeSafetensors(new Map(stateOf(said)), { format: "pt" }), { normalization, side: said.side });

const pixels = ({ side }: Said): Uint8Array => Uint8Array.from(hashes("images", 3 * side * side * 3), (u) => 256 * u);

/** What is wanted, and how far from it something is, in shares of the largest logit. */
const distance = (found: readonly number[], wanted: readonly number[]): number =>
  Math.max(...wanted.map((value, index) => Math.abs(value - found[index]))) / Math.max(1, ...wanted.map(Math.abs));

for (const name of NAMES)
  test(`${name} has PyTorch's parameters and gives its logits`, async () => {
    const said = saidOf(name);
    const { network } = imported(said);
    assert.equal(parameterCount(network.spec), said.parameters);
    await expectNoLeak(async () => {
      const [predictor, images] = [
        await openPredictor(network),
        imageTensor(Float32Array.from(pixels(said)), said.side),
      ];
      const gap = distance([...predictor.logits(images)], said.intact.flat());
      predictor.dispose();
      images.dispose();
      assert.ok(gap < 1e-5, `a share of ${gap} of the largest logit`);
    });
  });

const lossOf = (row: readonly number[], label: number) => {
  const highest = Math.max(...row);
  return Math.log(row.reduce((sum, logit) => sum + Math.exp(logit - highest), 0)) + highest - row[label];
};

for (const name of NAMES)
  test(`a sweep of ${name} gives the losses that follow from PyTorch's logits with a convolution zeroed`, async () => {
    const said = saidOf(name);
    const { network, rows } = imported(said);
    const layers = Object.keys(said.zeroed).map((from) =>
      layerOf(network.spec, rows.find((row) => row.from === from)!.to.replace(".kernel", "")),
    );
    const classes = Array.from({ length: network.spec.classes }, (_, label) => `class ${label}`);
    const labels = Uint8Array.of(4, 0, 7);
    const own = { name: "random", split: "test", sha256: "", count: 3 } as const;
    const dataset: Dataset = { ...own, side: said.side, images: pixels(said), labels, classes };
    const { losses } = await sweep(network, dataset, { layers, batch: 2 });
    [said.intact, ...Object.values(said.zeroed)].forEach((logits, index) => {
      const found = index === 0 ? losses!.baseline : losses!.ablations[index - 1];
      const scale = Math.max(1, ...logits.flat().map(Math.abs));
      logits.forEach((row, image) => {
        const gap = Math.abs(found[image] - lossOf(row, labels[image])) / scale;
        assert.ok(gap < 1e-5, `${index ? layers[index - 1].name : "intact"}, image ${image}: a share of ${gap}`);
      });
    });
  });

for (const name of NAMES)
  test(`${name} goes back into PyTorch's state_dict, name by name and bit by bit`, () => {
    const said = saidOf(name);
    const { network } = imported(said);
    const exported = encodeTorchState(network);
    if (!/-(pytorchcv|timm)$/.test(name)) {
      const sorted = (tensors: ReadonlyMap<string, Values>) => [...tensors].sort(([a], [b]) => (a < b ? -1 : 1));
      assert.deepEqual(sorted(decodeSafetensors(exported).tensors), sorted(stateOf(said)));
      assert.equal(specName(network.spec), name);
    }
    assert.equal(bitsOf(importReport(exported).network), bitsOf(network));
  });
