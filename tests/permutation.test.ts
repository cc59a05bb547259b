// The permutation test against relabellings written out by hand, and its Monte Carlo against its exact form.
import assert from "node:assert/strict";
import { test } from "node:test";
import { changesChannels, layersOf } from "../lib/networks/layers";
import { specOf } from "../lib/networks/spec";
import { channelTests, stageEdge, stratumOf } from "../lib/results/channels";
import type { Sweep } from "../lib/results/matrix";
import { type EvenRow, rowsOf } from "../lib/results/rows";
import { permutationTest, type Stratum } from "../lib/statistics/permutation";
import { randomStream } from "../lib/statistics/random";

const four: Stratum = { values: [0.1, 0.4, 0.2, 0.3], marked: [false, true, false, true] };
const first = (count: number, of: number) => Array.from({ length: of }, (_, index) => index < count);
const near = (found: number, wanted: number) => assert.ok(Math.abs(found - wanted) < 1e-12, `${found}, not ${wanted}`);

test("permutationTest() counts all six relabellings of two marked layers of four", () => {
  // marked pairs and their difference: 40,30 +0.2 | 40,20 +0.1 | 40,10 0 | 30,20 0 | 30,10 -0.1 | 20,10 -0.2
  const best = permutationTest([four]);
  near(best.statistic, 0.2);
  assert.deepEqual([best.p, best.smallest, best.exact, best.relabellings], [1 / 6, 1 / 6, true, 6]);
  const middle = permutationTest([{ ...four, marked: [true, true, false, false] }]);
  near(middle.statistic, 0);
  assert.equal(middle.p, 4 / 6, "the tie counts");
  const worst = permutationTest([{ ...four, marked: [true, false, true, false] }]);
  assert.equal(worst.p, 1);
});

test("permutationTest() says that 2 marked of 19 layers reach 1/171 at best, and 3 of 19 reach 1/969", () => {
  const values = Array.from({ length: 19 }, (_, index) => 1 / (index + 1));
  const two = permutationTest([{ values, marked: first(2, 19) }]);
  assert.deepEqual([two.p, two.smallest, two.relabellings], [1 / 171, 1 / 171, 171]);
  assert.equal(permutationTest([{ values, marked: first(3, 19) }]).p, 1 / 969);
});

test("permutationTest() equals scipy.stats.permutation_test on the drops of the public ResNet-20", () => {
  // Lost minus gained of 10,000 images per layer in forward order: the reference sweep with every kernel zeroed in turn.
  const images = [
    8173, 2178, 1741, 4468, 1798, 4014, 5451, 6906, 7661, 3434, 2511, 5650, 922, 8173, 6614, 3433, 3494, 6469, 8041,
  ];
  const values = images.map((count) => count / 10_000);
  const marks = (...places: number[]) => values.map((_, place) => places.includes(place));
  const withStem = permutationTest([{ values, marked: marks(0, 7, 13) }]);
  near(withStem.statistic, 0.3508229166666667);
  assert.equal(withStem.p, 5 / 969);
  const withoutStem = permutationTest([{ values, marked: marks(7, 13) }]);
  near(withoutStem.statistic, 0.30658529411764707);
  assert.equal(withoutStem.p, 8 / 171);
});

test("permutationTest() combines networks by permuting within each", () => {
  // Means over two networks of the six differences above (20 10 0 0 -10 -20) and of (3 -1.5 -1.5): by hand, 18 sums.
  const three: Stratum = { values: [0.03, 0, 0], marked: [true, false, false] };
  const both = permutationTest([four, three]);
  near(both.statistic, (0.2 + 0.03) / 2);
  assert.deepEqual([both.p, both.relabellings], [1 / 18, 18]);
  const other = permutationTest([four, { ...three, marked: [false, true, false] }]);
  near(other.statistic, (0.2 - 0.015) / 2);
  assert.equal(other.p, 3 / 18);
});

test("permutationTest() relabels networks with the same marks together: seeds that agree are no more evidence than their mean", () => {
  const seeds = [0.02, 0, -0.02].map((shift): Stratum => ({ ...four, values: four.values.map((v) => v + shift) }));
  const together = permutationTest(seeds);
  near(together.statistic, 0.2);
  assert.deepEqual(
    [together.p, together.smallest, together.relabellings],
    [1 / 6, 1 / 6, 6],
    "apart it would be 1/216",
  );
  // Two seeds of one design and one network of another weigh a third each.
  const three: Stratum = { values: [0.03, 0, 0], marked: [true, false, false] };
  const mixed = permutationTest([four, three, four]);
  near(mixed.statistic, (0.2 + 0.2 + 0.03) / 3);
  assert.deepEqual([mixed.p, mixed.relabellings], [1 / 18, 18]);
});

/** Rows of a ResNet-20 sweep over 10,000 images with these drops, counted in images. */
function rowsWith(images: readonly number[]): EvenRow[] {
  const layers = layersOf(specOf("resnet20"));
  const zeros = new Uint8Array(10_000);
  const rest = {
    network: "n",
    operator: "zero",
    seed: 1,
    precision: "float32",
    classes: 10,
    labels: zeros,
    baseline: zeros,
  } as const;
  const predictions = images.map((lost) => zeros.map((_, image) => Number(image < lost)));
  return rowsOf({
    ...rest,
    sets: layers.map((layer) => ({ name: layer.name, layers: [layer] })),
    predictions,
  } as Sweep & {
    stopping?: undefined;
  });
}

test("channelTests() gives the public ResNet-20's p values among all layers and among first convolutions", () => {
  // Lost minus gained of the reference sweep; the stem is left out, so that 153 and 36 relabellings remain.
  const images = [
    8173, 2178, 1741, 4468, 1798, 4014, 5451, 6906, 7661, 3434, 2511, 5650, 922, 8173, 6614, 3433, 3494, 6469, 8041,
  ];
  const [all, first] = channelTests([rowsWith(images)]);
  assert.deepEqual(
    [all.among, all.relabellings, first.among, first.relabellings],
    ["all layers", 153, "first convolutions", 36],
  );
  // Python's itertools.combinations over the same drops.
  near(all.p, 4 / 153);
  near(first.p, 1 / 36);
  near(all.statistic, 0.32970625);
  near(first.statistic, 0.33043571428571433);
  const seeds = channelTests([rowsWith(images), rowsWith(images)]);
  assert.deepEqual(seeds, [all, first], "a seed that repeats another adds nothing");
});

test("permutationTest() does not confuse a network that is worse overall with marked layers that are", () => {
  const good: Stratum = { values: [0, 0.1, 0, 0.1], marked: [true, true, false, false] };
  const bad: Stratum = { values: [0.9, 0.8, 0.9, 0.8], marked: [true, true, false, false] };
  const together = permutationTest([good, bad]);
  near(together.statistic, 0);
  assert.ok(together.p > 0.5);
});

test("permutationTest() counts every relabelling that ties, also where only rounding tells them apart", () => {
  const tenths = [0.1, 0.2, 0.3, 0.1, 0.2, 0.3];
  // In tenths, 6 of 20 triples sum to 7 or more: {3,3,2} twice, {3,3,1} twice, {3,2,2} twice.
  assert.equal(permutationTest([{ values: tenths, marked: [true, false, true, false, false, true] }]).p, 6 / 20);
  // (0.1 + 0.2) + 0.3 is larger than 0.1 + (0.2 + 0.3); the observed labelling must still find itself.
  assert.equal(permutationTest([{ values: [0.1, 0.2, 0.3, 0, 0, 0], marked: first(3, 6) }]).p, 1 / 20);
});

test("permutationTest() draws relabellings above its limit, close to the exact p and the same for the same seed", () => {
  const random = randomStream(8, "values");
  const values = Array.from({ length: 20 }, (_, index) => random.uniform() + (index < 4 ? 0.35 : 0));
  const strata = [{ values, marked: first(4, 20) }];
  const exact = permutationTest(strata);
  assert.equal(exact.p, 192 / 4845); // Python's itertools.combinations over the same values
  const draw = () => permutationTest(strata, { limit: 100, samples: 19_999, random: randomStream(4, "relabellings") });
  const drawn = draw();
  assert.deepEqual([drawn.exact, drawn.relabellings, drawn.smallest], [false, 20_000, 1 / 20_000]);
  assert.ok(Math.abs(drawn.p - exact.p) < 0.01, `${drawn.p} against ${exact.p}`);
  assert.deepEqual(draw(), drawn);
});

test("permutationTest() draws every layer at most once and counts the observed labelling", () => {
  // Two marked of three with values 1, 0, 0: two of three relabellings hold the 1.
  const strata = [{ values: [1, 0, 0], marked: first(2, 3) }];
  const { p } = permutationTest(strata, { limit: 2, samples: 3999, random: randomStream(6, "pairs") });
  assert.ok(Math.abs(p - 2 / 3) < 0.03, `p = ${p}`);
  const values = Array.from({ length: 20 }, (_, index) => Number(index < 10));
  const certain = [{ values, marked: first(10, 20) }];
  const best = permutationTest(certain, { limit: 10, samples: 99, random: randomStream(6, "certain") });
  assert.equal(best.p, 1 / 100, "never 0");
});

test("permutationTest() has uniform p values when the marks mean nothing", () => {
  const random = randomStream(5, "null");
  let rejected = 0;
  for (let trial = 0; trial < 2000; trial++) {
    const values = Array.from({ length: 10 }, () => random.uniform());
    if (permutationTest([{ values, marked: first(3, 10) }]).p <= 0.05) rejected++;
  }
  // 6 of 120 relabellings: 5 % exactly; standard error of the share 0.5 %, the seed is fixed.
  assert.ok(Math.abs(rejected / 2000 - 0.05) < 0.015, `rejected ${rejected} of 2000`);
});

test("permutationTest() refuses networks that it cannot relabel, and too many relabellings without a generator", () => {
  const refuses = (strata: Stratum[], message: RegExp) =>
    assert.throws(() => permutationTest(strata), { name: "RangeError", message });
  refuses([], /at least one network/);
  refuses([{ values: [1, 2], marked: [true] }], /2 labels but found 1/);
  refuses([{ values: [1, 2], marked: [true, true] }], /found 2 of 2/);
  refuses([{ values: [1, 2], marked: [false, false] }], /found 0 of 2/);
  refuses([{ values: [1, NaN], marked: [true, false] }], /finite/);
  assert.throws(() => permutationTest([four], { limit: 5 }), { name: "TypeError", message: /6 of them exceed 5/ });
});

const row = (stage: number, block: number, drop: number): EvenRow =>
  ({ layer: `${stage}.${block}`, stage, block, drop, changesChannels: stage > 1 && block === 1 }) as EvenRow;

test("stageEdge() marks the first and the last block of every stage and leaves the stem out", () => {
  const rows = [row(0, 0, 0), row(1, 1, 0), row(1, 2, 0), row(1, 3, 0), row(2, 1, 0), row(2, 2, 0), row(3, 1, 0)];
  assert.deepEqual(rows.map(stageEdge(rows)), [false, true, false, true, true, true, true]);
});

test("stageEdge() and stratumOf() mark the layers of VGG and of bottlenecks by stage and by channels", () => {
  const marked = (name: string) => {
    const rows = layersOf(specOf(name)).map(
      (layer) =>
        ({ layer: layer.name, ...layer, drop: 0, changesChannels: changesChannels(layer) }) as unknown as EvenRow,
    );
    const named = (marks: readonly boolean[]) => rows.filter((_, index) => marks[index]).map((each) => each.layer);
    return { edges: named(rows.map(stageEdge(rows))), changing: named(stratumOf(rows).marked) };
  };
  const vgg = marked("vgg16");
  assert.equal(vgg.edges.length, 10); // the middle one of three is not at an edge, in three stages
  assert.ok(!vgg.edges.includes("stage4.conv2"));
  assert.deepEqual(vgg.changing, ["stage1.conv1", "stage2.conv1", "stage3.conv1", "stage4.conv1"]);
  const bottlenecks = marked("imagenet-resnet50");
  assert.equal(bottlenecks.edges.length, 4 * 6 + 4); // two blocks of three a stage, and the shortcuts
  // In bottlenecks conv1 and conv3 of every block change the channels, but for the very first conv1.
  assert.equal(bottlenecks.changing.length, 1 + 2 * 16 - 1 + 4);
  assert.ok(bottlenecks.changing.includes("stage3.block4.conv3"));
});

test("stratumOf() takes the drops and, unless told otherwise, marks the layers that change channels", () => {
  const rows = [row(1, 1, 0.1), row(2, 1, 0.5), row(2, 2, -0.1)];
  assert.deepEqual(stratumOf(rows), { values: [0.1, 0.5, -0.1], marked: [false, true, false] });
  assert.deepEqual(stratumOf(rows, ({ block }) => block === 2).marked, [false, false, true]);
});
