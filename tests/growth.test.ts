// Growing sets: orders, the sets that they share, and their curves from a sweep that can be counted by hand.
import assert from "node:assert/strict";
import { test } from "node:test";
import { randomOrders } from "../lib/ablations/orders";
import { growthSets, type LayerSet, singles } from "../lib/ablations/sets";
import { type Layer, layersOf } from "../lib/networks/layers";
import { specOf } from "../lib/networks/spec";
import { growthOf, spreadOf } from "../lib/results/growth";
import type { EvenSweep } from "../lib/results/matrix";
import { wilson } from "../lib/statistics/intervals";

const layers = layersOf(specOf("resnet20"));
const [a, b, c] = layers;
const names = (sets: readonly LayerSet[]) => sets.map(({ name }) => name);

/** A sweep in which each layer of a set costs as many of the 100 images as `costs` says; all are right at first. */
function sweepOf(sets: readonly LayerSet[], costs: ReadonlyMap<Layer, number>): EvenSweep {
  const predictions = sets.map((set) =>
    new Uint8Array(100).fill(
      1,
      0,
      set.layers.reduce((sum, layer) => sum + costs.get(layer)!, 0),
    ),
  );
  const rest = { network: "tiny", operator: "zero", seed: 1, precision: "float32" } as const;
  return { ...rest, sets, labels: new Uint8Array(100), classes: 10, baseline: new Uint8Array(100), predictions };
}
const costs = new Map([
  [a, 10],
  [b, 20],
  [c, 40],
]);

test("randomOrders() repeats itself, differs by seed, and keeps its first orders when more are asked for", () => {
  const five = randomOrders(layers, { count: 5, length: 4, seed: 3 });
  assert.deepEqual(
    five.map((order) => order.length),
    [4, 4, 4, 4, 4],
  );
  assert.deepEqual(randomOrders(layers, { count: 7, length: 4, seed: 3 }).slice(0, 5), five);
  assert.notDeepEqual(randomOrders(layers, { count: 5, length: 4, seed: 4 }), five);
  assert.equal(new Set(five.map((order) => order.map(({ name }) => name).join())).size, 5);
  const [whole] = randomOrders(layers, { count: 1 });
  assert.deepEqual(new Set(whole), new Set(layers));
});

test("growthSets() holds every set of layers once, also where two orders reach it by other ways", () => {
  const sets = growthSets([
    [a, b, c],
    [b, a, c],
  ]);
  assert.deepEqual(names(sets).length, 4);
  assert.deepEqual(
    sets.map((set) => set.layers.length),
    [1, 2, 3, 1],
  );
});

test("growthOf() follows one order from the intact network on", () => {
  const curve = growthOf(sweepOf(growthSets([[b, a]]), costs), [b, a]);
  const [low, high] = wilson(70, 100);
  const rest = { operator: "zero", images: 100, chance: 0.1 };
  assert.deepEqual(curve[0], { count: 0, ...rest, accuracy: 1, low: wilson(100, 100)[0], high: 1 });
  assert.deepEqual(curve[2], { count: 2, layer: a.name, ...rest, accuracy: 0.7, low, high });
  assert.deepEqual(
    curve.map(({ accuracy }) => accuracy),
    [1, 0.8, 0.7],
  );
});

test("spreadOf() gives the mean and the middle 90 % of the orders, by hand", () => {
  const orders = [
    [a, b],
    [b, c],
    [c, a],
  ];
  const spread = spreadOf(sweepOf(growthSets(orders), costs), orders);
  assert.deepEqual(
    spread.map(({ count, accuracies }) => [count, ...accuracies]),
    [
      [0, 1, 1, 1],
      [1, 0.9, 0.8, 0.6],
      [2, 0.7, 0.4, 0.5],
    ],
  );
  // A twentieth of the way along three sorted values lies a tenth of the way from the first to the second.
  const close = (found: number, wanted: number) => assert.ok(Math.abs(found - wanted) < 1e-12, `${found}, ${wanted}`);
  close(spread[1].mean, 2.3 / 3);
  close(spread[1].low, 0.62);
  close(spread[1].high, 0.89);
  assert.deepEqual([spread[0].low, spread[0].mean, spread[0].high], [1, 1, 1]);
});

test("curves cannot be read from a sweep that lacks their sets, or from orders of unequal length", () => {
  const result = sweepOf(singles([a, b, c]), costs);
  assert.throws(() => growthOf(result, [a, b]), {
    name: "RangeError",
    message: `Cannot follow an order: expected a sweep with the set "${a.name} + ${b.name}" but it has none`,
  });
  assert.throws(() => spreadOf(result, [[a], [a, b]]), { name: "RangeError", message: /equal length but found 1, 2/ });
  assert.throws(() => spreadOf(result, []), { name: "RangeError", message: /equal length but found none/ });
});
