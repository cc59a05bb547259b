// Figures and tables of sets of layers, from pairs and orders that can be counted.
import assert from "node:assert/strict";
import { test } from "node:test";
import { accuracyByCount, synergyMap } from "../lib/figure-sets";
import type { Figure } from "../lib/drawing/figure-style";
import type { GrowthPoint, SpreadPoint } from "../lib/growth";
import { type Layer, layersOf } from "../lib/layers";
import { specOf } from "../lib/spec";
import type { Synergy } from "../lib/synergy";
import { toText } from "../lib/table";
import { greedyTable, synergyTable } from "../lib/table-sets";

type Trace = { name?: string; x: unknown[]; y: unknown[]; z: unknown[][]; text: string[][] } & Record<string, unknown>;
const traces = (figure: Figure) => figure.data as unknown as Trace[];
const layers = layersOf(specOf("resnet20")).slice(0, 3);

function pairOf(first: Layer, second: Layer, own: Partial<Synergy>): Synergy {
  const drops = { dropFirst: 0.1, dropSecond: 0.2, drop: 0.3 + (own.synergy ?? 0) };
  return { first, second, images: 1000, ...drops, synergy: 0, low: -0.02, high: 0.02, p: 0.5, adjusted: 1, ...own };
}
const [a, b, c] = layers;
const synergies = [
  pairOf(a, b, { synergy: -0.25, adjusted: 0.00001 }),
  pairOf(a, c, { synergy: 0.01 }),
  pairOf(b, c, { synergy: -0.9, adjusted: 0, forced: "masked" }),
];
const curve: GrowthPoint[] = [0.9, 0.5, 0.125].map((accuracy, count) => ({
  ...(count ? { layer: layers[count - 1].name } : {}),
  ...{ count, images: 1000, accuracy, low: accuracy - 0.03, high: accuracy + 0.03, chance: 0.1 },
}));
const spread: SpreadPoint[] = curve.map(({ count }) => ({
  count,
  ...{ accuracies: count ? [0.1, 0.5, 0.3] : [0.9, 0.9, 0.9], mean: count ? 0.3 : 0.9 },
  ...{ low: count ? 0.12 : 0.9, high: count ? 0.48 : 0.9 },
}));
const steps = [a, b].map((layer) => ({ layer, drop: 0.35, candidates: [{ layer: layer.name, drop: 0.35 }] }));

test("synergyMap() draws each pair once: significant in full colour, the rest pale, forced ones grey", () => {
  const figure = synergyMap(synergies);
  const drawn = traces(figure).map(({ z }) =>
    z.flatMap((line, row) => line.flatMap((value, column) => (value === null ? [] : [[row, column, value]]))),
  );
  assert.deepEqual(drawn, [[[1, 0, -25]], [[2, 0, 1]], [[2, 1, 1]]]);
  const [sure, pale] = traces(figure);
  assert.deepEqual([sure.opacity, pale.opacity], [undefined, 0.35]);
  assert.deepEqual([sure.zmin, sure.zmax, pale.zmin, pale.zmax], [-25, 25, -25, 25], "0 is white, forced ones apart");
  assert.deepEqual([sure.text[1][0], pale.text[2][0], traces(figure)[2].text[2][1]], ["−25", "1", ""]);
  assert.deepEqual(figure.layout.xaxis?.ticktext, [a.name, b.name]);
  assert.deepEqual(figure.layout.yaxis?.ticktext, [a.name, b.name, c.name]);
});

test("accuracyByCount() draws orders with their intervals, random ones as a band, the intact network and chance", () => {
  const figure = accuracyByCount({ greedy: curve }, { random: spread });
  const [band, mean, greedy] = traces(figure);
  assert.match(band.name!, /middle 90 % of 3 random orders/);
  assert.deepEqual(band.x, [0, 1, 2, 2, 1, 0]);
  assert.deepEqual(band.y, [90, 12, 12, 48, 48, 90]);
  assert.deepEqual(mean.y, [90, 30, 30]);
  assert.deepEqual([greedy.name, greedy.x, greedy.y], ["greedy", [0, 1, 2], [90, 50, 12.5]]);
  assert.deepEqual(
    figure.layout.shapes?.map(({ y0 }) => y0),
    [90, 10],
  );
  const other = curve.map((point) => ({ ...point, accuracy: point.accuracy / 2 }));
  const both = accuracyByCount({ greedy: curve, other }).layout.shapes?.map(({ y0 }) => y0);
  assert.deepEqual(both, [10], "two networks have no intact accuracy in common");
});

test("figures of sets survive JSON, hold no markup of others, and cannot be drawn from nothing", () => {
  const hostile = { ...a, name: `<script>alert("x")</script>` };
  const figures = [
    synergyMap([pairOf(hostile, b, { adjusted: 0.001, synergy: 0.1 })]),
    accuracyByCount({ [hostile.name]: [...curve, { ...curve[2], layer: hostile.name }] }, { random: spread }),
  ];
  for (const figure of figures) {
    assert.deepEqual(JSON.parse(JSON.stringify(figure.data)), figure.data);
    assert.doesNotMatch(JSON.stringify(figure), /<script/);
  }
  assert.throws(() => synergyMap([]), { name: "RangeError", message: /expected at least one pair but found none/ });
  assert.throws(() => accuracyByCount({}), RangeError);
  assert.throws(() => accuracyByCount({ greedy: [] }), RangeError);
});

test("synergyTable() lists the largest synergy, up or down, first", () => {
  const lines = toText(synergyTable(synergies)).split("\n").slice(2);
  assert.match(lines[0], /^stage1.block1.conv1 .* −90.00 .* < 0.0001 +masked$/);
  assert.match(lines[1], /^stem.conv .* −25.00 +−2.00 to 2.00 +< 0.0001$/);
  assert.match(lines[2], /^stem.conv .* 1.00 .* 1.0000$/);
});

test("greedyTable() puts the choice, the test and random orders side by side", () => {
  const table = greedyTable(steps, curve, spread);
  assert.deepEqual(
    table.objects().map((line) => Object.values(line)),
    [
      [1, a.name, 35, 40, 50, "47.00 to 53.00", 30, "12.00 to 48.00", "1 of 3"],
      [2, b.name, 35, 77.5, 12.5, "9.50 to 15.50", 30, "12.00 to 48.00", "2 of 3"],
    ],
  );
  assert.equal(greedyTable(steps, curve).numCols(), 6);
  assert.throws(() => greedyTable([...steps].reverse(), curve), RangeError);
  assert.throws(() => greedyTable(steps, curve, spread.slice(0, 2)), RangeError);
});
