// The greedy order against one that evaluates every candidate by itself.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ablate, ablatedNetwork, intact, zero } from "../lib/ablations/ablate";
import type { Dataset } from "../lib/data/dataset";
import type { Values } from "../lib/files/values";
import { type Layer, layersOf } from "../lib/networks/layers";
import type { Network } from "../lib/networks/network";
import { greedyOrder } from "../lib/sweeps/greedy";
import { evaluate } from "../lib/training/evaluate";
import { expectNoLeak, smallDataset, smallNetwork } from "./small";

const training = (count: number): Dataset => ({ ...smallDataset(count), split: "train" });

/** Accuracy with these layers zeroed. */
async function without(network: Network, dataset: Dataset, layers: readonly Layer[]): Promise<number> {
  const changed = layers.reduce((ablation, { name }) => ablate(ablation, name, zero), intact(network));
  return (await evaluate(ablatedNetwork(changed), dataset)).accuracy;
}

/** Labels that the intact network gets right, so that every ablation shows. */
async function answered(network: Network, dataset: Dataset): Promise<Dataset> {
  return { ...dataset, labels: (await evaluate(network, dataset)).predictions };
}

test("greedyOrder() takes the layer that costs least on top of those before, and leaves no tensor behind", () =>
  expectNoLeak(async () => {
    const network = smallNetwork();
    const dataset = await answered(network, training(60));
    const steps = await greedyOrder(network, dataset, { most: 3, batch: 20 });
    const layers = layersOf(network.spec);
    const chosen: Layer[] = [];
    for (const { layer, drop, candidates } of steps) {
      const left = layers.filter((candidate) => !chosen.includes(candidate));
      const drops: number[] = [];
      for (const candidate of left) drops.push(1 - (await without(network, dataset, [...chosen, candidate])));
      candidates.forEach((candidate, index) => {
        assert.equal(candidate.layer, left[index].name);
        assert.ok(Math.abs(candidate.drop - drops[index]) < 1e-12, candidate.layer);
      });
      assert.deepEqual(layer, left[drops.indexOf(Math.min(...drops))]);
      assert.ok(Math.abs(drop - Math.min(...drops)) < 1e-12);
      chosen.push(left[drops.indexOf(Math.min(...drops))]);
    }
    assert.ok(new Set(steps[0].candidates.map(({ drop }) => drop)).size > 2, "candidates have to differ to choose");
  }));

test("greedyOrder() takes the first of equals, so an operator that changes nothing gives the forward order", async () => {
  const network = smallNetwork();
  const same = ({ shape, data }: Values): Values => ({ shape, data });
  const steps = await greedyOrder(network, training(5), { operator: same, operatorName: "same" });
  assert.deepEqual(
    steps.map(({ layer }) => layer),
    layersOf(network.spec),
  );
});

test("greedyOrder() chooses among the given layers, and counts its work up to the end", async () => {
  const network = smallNetwork();
  const layers = layersOf(network.spec).slice(2, 5);
  const seen: [number, number][] = [];
  const onProgress = (done: number, total: number) => void seen.push([done, total]);
  const steps = await greedyOrder(network, training(10), { layers, batch: 5, onProgress });
  assert.deepEqual(new Set(steps.map(({ layer }) => layer)), new Set(layers));
  // Three candidates, then two, then one, on ten images in two batches each.
  assert.deepEqual(
    seen,
    [15, 30, 40, 50, 55, 60].map((done) => [done, 60]),
  );
});

test("greedyOrder() never chooses on the test set, and refuses a number of layers that there are not", async () => {
  const network = smallNetwork();
  await assert.rejects(greedyOrder(network, smallDataset(5)), {
    name: "RangeError",
    message: /Cannot choose an order on the test set/,
  });
  for (const most of [0, 8, 1.5])
    await assert.rejects(greedyOrder(network, training(5), { most }), {
      name: "RangeError",
      message: /expected a whole number from 1 to 7/,
    });
});

test("greedyOrder() stops when its signal is aborted, and leaves no tensor behind", () =>
  expectNoLeak(async () => {
    const stop = new AbortController();
    const onProgress = (done: number) => void (done > 70 && stop.abort(new Error("enough")));
    await assert.rejects(
      greedyOrder(smallNetwork(), training(10), { most: 3, onProgress, signal: stop.signal }),
      /enough/,
    );
  }));
