// What counts with missing images settle: the monotony that the argument rests on, count by count, and that nothing settled ever changes.
import assert from "node:assert/strict";
import { test } from "node:test";
import { aboveMargin, belowMargin } from "../lib/statistics/margin";
import {
  aboveMarginBounds,
  belowMarginBounds,
  type Bounds,
  harmBounds,
  type OpenPairs,
  settled,
} from "../lib/statistics/open-pairs";
import { holm, mcnemar, type Pairs } from "../lib/statistics/paired";
import { randomStream } from "../lib/statistics/random";

/** Of sums in floating point, which differ in their last digits. */
const ROUNDING = 1e-9;

/** Checks that a p value moves one way along a line of counts. */
function expectMonotone(p: (pairs: Pairs) => number, line: readonly Pairs[], direction: 1 | -1): void {
  line.slice(1).forEach((pairs, index) => {
    const [before, now] = [p(line[index]), p(pairs)];
    assert.ok(direction * (now - before) >= -ROUNDING * before, `${JSON.stringify(pairs)}: ${before}, then ${now}`);
  });
}

/** All counts from `first` on in which one of the two grows by `step`. */
const lineOf = (first: Pairs, which: "lost" | "gained", step: number): Pairs[] =>
  Array.from({ length: Math.floor((first.images - first.lost - first.gained) / step) + 1 }, (_, index) => ({
    ...first,
    [which]: first[which] + step * index,
  }));

for (const [images, step] of [
  [50, 1],
  [200, 1],
  [10_000, 170],
] as const)
  test(`belowMargin() rises with what is lost and falls with what is gained, aboveMargin() the other way round: ${images} images`, () => {
    for (const margin of [0.001, 0.005, 0.01, 0.02, 0.05])
      for (let other = 0; other <= images; other += step * (images > 100 ? 3 : 1)) {
        const lost = lineOf({ images, lost: 0, gained: other }, "lost", step);
        const gained = lineOf({ images, lost: other, gained: 0 }, "gained", step);
        expectMonotone((pairs) => belowMargin(pairs, margin), lost, 1);
        expectMonotone((pairs) => belowMargin(pairs, margin), gained, -1);
        expectMonotone((pairs) => aboveMargin(pairs, margin), lost, -1);
        expectMonotone((pairs) => aboveMargin(pairs, margin), gained, 1);
      }
  });

test("McNemar's p value rises with what is lost as long as less is lost than gained, and falls from there", () => {
  for (let gained = 0; gained <= 60; gained++) {
    const line = lineOf({ images: 400, lost: 0, gained }, "lost", 1);
    expectMonotone(({ lost }) => mcnemar(lost, gained), line.slice(0, gained + 1), 1);
    expectMonotone(({ lost }) => mcnemar(lost, gained), line.slice(gained), -1);
  }
});

/** Some counts, and what they become when the missing images are known: each lost or gained with a chance of its own. */
function openAndFinal(random: ReturnType<typeof randomStream>): { open: OpenPairs; final: Pairs } {
  const images = 300;
  const [missingRight, missingWrong] = [random.integer(120), random.integer(3) === 0 ? random.integer(20) : 0];
  const open = { images, lost: random.integer(60), gained: random.integer(20), missingRight, missingWrong };
  const some = (count: number) => Math.round(count * random.uniform() ** 3);
  return { open, final: { images, lost: open.lost + some(missingRight), gained: open.gained + some(missingWrong) } };
}

test("the bounds of a p value hold it whatever the missing images say, and meet where none is missing", () => {
  const random = randomStream(1, "open pairs");
  for (let round = 0; round < 2000; round++) {
    const { open, final } = openAndFinal(random);
    const p = {
      below: belowMargin(final, 0.01),
      above: aboveMargin(final, 0.01),
      harm: mcnemar(final.lost, final.gained),
    };
    const bounds = {
      below: belowMarginBounds(open, 0.01),
      above: aboveMarginBounds(open, 0.01),
      harm: harmBounds(open),
    };
    for (const name of ["below", "above", "harm"] as const) {
      const { least, most } = bounds[name];
      assert.ok(
        least <= p[name] * (1 + ROUNDING) && p[name] <= most * (1 + ROUNDING),
        `${name}: ${JSON.stringify(open)}`,
      );
    }
    const { least, most } = aboveMarginBounds({ ...final, missingRight: 0, missingWrong: 0 }, 0.01);
    assert.deepEqual([least, most], [p.above, p.above]);
  }
});

test("what Holm's method settles over bounds is what it decides over the final p values, and it settles something", () => {
  const random = randomStream(2, "families");
  const counts = { true: 0, false: 0, undefined: 0 };
  for (let round = 0; round < 300; round++) {
    const family = Array.from({ length: 12 }, () => openAndFinal(random));
    const found = settled(
      family.map(({ open }) => aboveMarginBounds(open, 0.01)),
      0.05,
    );
    const final = holm(family.map((each) => aboveMargin(each.final, 0.01)));
    found.forEach((rejected, index) => {
      counts[String(rejected) as keyof typeof counts]++;
      if (rejected !== undefined) assert.equal(rejected, final[index] < 0.05);
    });
  }
  assert.ok(
    Object.values(counts).every((count) => count > 100),
    JSON.stringify(counts),
  );
});

test("a family is not settled one by one: a p value that can still rise takes the others' level with it", () => {
  const [sure, open]: Bounds[] = [
    { least: 0.03, most: 0.03 },
    { least: 0.001, most: 0.9 },
  ];
  assert.deepEqual(settled([sure, open], 0.05), [undefined, undefined]);
  assert.deepEqual(settled([sure, { least: 0.001, most: 0.002 }], 0.05), [true, true]);
  assert.deepEqual(settled([sure, { least: 0.8, most: 0.9 }], 0.05), [false, false]);
});
