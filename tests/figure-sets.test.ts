// Figures and tables of sets of layers, from pairs and orders that can be counted.
import assert from "node:assert/strict";
import { test } from "node:test";
import { accuracyByCount, synergyMap } from "../lib/figures/sets";
import type { Figure } from "../lib/figures/style";
import { type Layer, layersOf } from "../lib/networks/layers";
import { specOf } from "../lib/networks/spec";
import type { GrowthPoint, SpreadPoint } from "../lib/results/growth";
import type { Synergy } from "../lib/results/synergy";
import { toText } from "../lib/tables/render";
import { greedyTable, synergyCounts, synergyTable } from "../lib/tables/sets";

type Trace = { name?: string; x: unknown[]; y: unknown[]; z: unknown[][]; text: string[][] } & Record<string, unknown>;
const traces = (figure: Figure) => figure.data as unknown as Trace[];
const layers = layersOf(specOf("resnet20")).slice(0, 3);

function pairOf(first: Layer, second: Layer, [value, adjusted]: [number, number], own: Partial<Synergy> = {}): Synergy {
  const drops = { dropFirst: 0.1, dropSecond: 0.2, drop: 0.3 + value };
  const effect = { value, low: value - 0.02, high: value + 0.02, p: 0.5, adjusted };
  const effects = { additive: effect, multiplicative: { ...effect, value: value / 5 }, beyondWorse: effect };
  return { first, second, operator: "zero", images: 1000, ...drops, ...effects, ...own };
}
const [a, b, c] = layers;
const synergies = [
  pairOf(a, b, [-0.25, 0.00001]),
  pairOf(a, c, [0.01, 1]),
  pairOf(b, c, [-0.9, 0], { forced: "masked" }),
];
const curve: GrowthPoint[] = [0.9, 0.5, 0.125].map((accuracy, count) => ({
  ...(count ? { layer: layers[count - 1].name } : {}),
  ...{ count, operator: "zero", images: 1000, accuracy, low: accuracy - 0.03, high: accuracy + 0.03, chance: 0.1 },
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

test("synergyMap() draws the multiplicative scale too, where a saturated pair is free", () => {
  const saturated = { ...synergies[0], forced: "saturated" } as const;
  const drawn = (scale: "additive" | "multiplicative") =>
    traces(synergyMap([saturated], { scale })).map(({ z }) => z.flat().filter((value) => value !== null));
  assert.deepEqual(drawn("additive"), [[], [], [0]]);
  assert.deepEqual(drawn("multiplicative"), [[-5], [], []]);
  assert.match(JSON.stringify(synergyMap([saturated], { scale: "multiplicative" }).layout), /multiplicative scale/);
  const tiny = pairOf(a, b, [-0.00001, 1]);
  assert.ok(
    traces(synergyMap([tiny])).some(({ text }) => text.flat().includes("0")),
    "no minus before a zero",
  );
});

test("synergyCounts() counts cover and overlap on each scale among the pairs that are free to show them", () => {
  const cover = pairOf(a, b, [0.1, 0.01]);
  const counts = synergyCounts([...synergies, cover, { ...synergies[0], forced: "saturated" }]).objects();
  assert.deepEqual(
    counts.map((line) => {
      const { scale, pairs, cover, overlap, ...rest } = line as Record<string, unknown>;
      return [scale, pairs, rest["free to show"], cover, overlap, rest["not significant"]];
    }),
    [
      ["additive", 5, 3, 1, 1, 1],
      ["multiplicative", 5, 4, 1, 2, 1],
    ],
  );
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

test("figures of sets say what was done to the layers", () => {
  const texts = (figure: Figure) =>
    [figure.layout.title, figure.layout.xaxis?.title].map((text) => JSON.stringify(text));
  const by = (operator: string) => ({ curve: curve.map((point) => ({ ...point, operator })) });
  const [zeroed, counted] = texts(accuracyByCount(by("zero")));
  assert.match(zeroed, /<b>Accuracy while layers are set to zero one after the other</);
  assert.match(counted, /"layers set to zero"/);
  const [noisy, countedNoisy] = texts(accuracyByCount(by("<noise>")));
  assert.match(noisy, /Accuracy while layers are changed by &lt;noise&gt; one after the other</);
  assert.match(countedNoisy, /"layers changed by &lt;noise&gt;"/);
  assert.match(texts(synergyMap(synergies))[0], /Synergy of pairs of layers set to zero, additive scale</);
  assert.match(
    texts(synergyMap(synergies.map((pair) => ({ ...pair, operator: "mean" }))))[0],
    /changed by mean, additive scale</,
  );
});

test("figures of sets survive JSON, hold no markup of others, and cannot be drawn from nothing", () => {
  const hostile = { ...a, name: `<script>alert("x")</script>` };
  const figures = [
    synergyMap([pairOf(hostile, b, [0.1, 0.001])]),
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
  assert.match(lines[0], /^stage1.block1.conv1 .* −90.00 +< 0.0001 +−18.00 +< 0.0001 +−90.00 +< 0.0001 +masked$/);
  assert.match(lines[1], /^stem.conv .* −25.00 +< 0.0001 +−5.00 +< 0.0001 +−25.00 +< 0.0001$/);
  assert.match(lines[2], /^stem.conv .* 1.00 +1.0000 .* 1.0000$/);
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
