// Binomial tails and tests against a margin: against SciPy, and by enumerating every count that can turn up.
import assert from "node:assert/strict";
import { test } from "node:test";
import { binomialAtLeast, binomialAtMost, logBinomial } from "../lib/statistics/binomial";
import { aboveMargin, belowMargin, dropAtMost } from "../lib/statistics/margin";
import { nonInferiority, type Pairs, upperBound } from "../lib/statistics/paired";

const close = (found: number, wanted: number, relative = 1e-10) =>
  assert.ok(Math.abs(found - wanted) <= relative * Math.abs(wanted), `expected ${wanted} but found ${found}`);
const pairs = (lost: number, gained: number, images = 10_000): Pairs => ({ lost, gained, images });

test("binomialAtMost(), binomialAtLeast() and logBinomial() equal scipy.stats.binom", () => {
  const wanted: [hits: number, trials: number, chance: number, atMost: number, atLeast: number, log: number][] = [
    [0, 10_000, 0.005, 1.7014040303942976e-22, 1, -50.12541823544282],
    [38, 10_000, 0.005, 0.046968194042667666, 0.9663762641830206, -4.316654094492158],
    [62, 10_000, 0.005, 0.9580078917758897, 0.05522718251500329, -4.324884830084649],
    [3, 25, 0.4, 0.00236676882981011, 0.9995707026507481, -6.246371516557025],
    [0, 1, 0.8, 0.2, 1, -1.6094379124341003],
    [12, 12, 0.3, 1, 5.31441e-7, -14.447673651911234],
    [5000, 10_000, 0.5, 0.5039893230696917, 0.5039893230696917, -4.830986538632715],
    [4800, 9800, 0.5, 0.022202074399923156, 0.9788451255052996, -6.861635433886477],
    [2, 1000, 0.0001, 0.9998457765152527, 0.004674767851740147, -5.399122857214886],
  ];
  for (const [hits, trials, chance, atMost, atLeast, log] of wanted) {
    close(binomialAtMost(hits, trials, chance), atMost);
    close(binomialAtLeast(hits, trials, chance), atLeast);
    close(logBinomial(hits, trials, chance), log);
  }
});

test("binomialAtMost() and binomialAtLeast() are certain at the ends", () => {
  assert.deepEqual([binomialAtMost(5, 5, 0.3), binomialAtLeast(0, 5, 0.3), binomialAtLeast(0, 0, 0.5)], [1, 1, 1]);
  assert.deepEqual([binomialAtMost(0, 5, 0), binomialAtMost(4, 5, 1), binomialAtLeast(1, 5, 0)], [1, 0, 0]);
});

test("belowMargin() and aboveMargin() equal the larger of Tango's and the exact p values, computed with SciPy", () => {
  const wanted: [lost: number, gained: number, images: number, margin: number, below: number, above: number][] = [
    [0, 0, 10_000, 0.005, 6.763404176842482e-13, 1],
    [0, 0, 1, 0.8, 0.2, 1],
    [1, 0, 1, 0.005, 1, 0.5],
    [3, 0, 3, 0.005, 1, 0.125],
    [130, 100, 10_000, 0.005, 0.09549583558914826, 0.9991043437208891],
    [145, 110, 10_000, 0.005, 0.17499509019330078, 0.9893702186624607],
    [90, 20, 10_000, 0.005, 0.997097046382514, 0.022660318062665483],
    [60, 0, 10_000, 0.005, 0.9283431619259833, 0.09172118302681997],
    [300, 150, 10_000, 0.01, 0.9999989210525138, 0.008450538467709044],
    [12, 0, 1000, 0.005, 0.9980407882674982, 0.005330011206256366],
    [0, 3, 10, 0.005, 0.125, 1],
  ];
  for (const [lost, gained, images, margin, below, above] of wanted) {
    close(belowMargin(pairs(lost, gained, images), margin), below, 1e-9);
    close(aboveMargin(pairs(lost, gained, images), margin), above, 1e-9);
  }
});

test("dropAtMost() is exact where nothing is lost or gained, Tango's where enough is, and what belowMargin() just rejects", () => {
  for (const images of [1, 14, 1000, 10_000])
    close(dropAtMost(pairs(0, 0, images), 0.95), 1 - 0.05 ** (1 / images), 1e-9);
  for (const counts of [pairs(50, 50), pairs(130, 100), pairs(300, 250), pairs(0, 100), pairs(8341, 168)])
    assert.equal(dropAtMost(counts, 0.95), upperBound(counts, 0.95));
  for (const counts of [pairs(0, 0), pairs(1, 0), pairs(5, 5), pairs(2, 0, 50)])
    close(belowMargin(counts, dropAtMost(counts, 0.95)), 0.05, 1e-6);
  assert.ok(upperBound(pairs(0, 0), 0.95) < dropAtMost(pairs(0, 0), 0.95), "Tango's is too sharp there");
});

test("belowMargin() calls a drop at the margin small in at most 1.03 times the level of cases, where Tango's test errs 1.3 times", () => {
  const levels = [0.05, 0.05 / 19];
  for (const [images, margin] of [
    [1, 0.8],
    [10, 0.005],
    [50, 0.005],
    [539, 0.005],
  ] as const)
    for (const gained of [0, 0.001, 0.01, 0.05])
      for (const level of levels) {
        const size = falseAlarms(
          images,
          { lost: margin + gained, gained },
          (counts) => belowMargin(counts, margin) <= level,
        );
        assert.ok(size <= 1.03 * level, `${images} images, ${gained} gained, level ${level}: ${size}`);
      }
  const tango = falseAlarms(539, { lost: 0.005, gained: 0 }, (counts) => nonInferiority(counts, 0.005) <= 0.05);
  assert.ok(tango > 1.3 * 0.05, `${tango}`);
});

test("aboveMargin() calls a drop at the margin large in at most 1.1 times the level of cases among few images", () => {
  for (const [images, margin] of [
    [1, 0.005],
    [3, 0.005],
    [10, 0.02],
    [50, 0.005],
  ] as const)
    for (const gained of [0, 0.01, 0.1, 0.4]) {
      const size = falseAlarms(
        images,
        { lost: margin + gained, gained },
        (counts) => aboveMargin(counts, margin) <= 0.05,
      );
      assert.ok(size <= 1.1 * 0.05, `${images} images, ${gained} gained: ${size}`);
    }
});

test("belowMargin() and aboveMargin() refuse impossible counts and margins", () => {
  for (const p of [belowMargin, aboveMargin]) {
    assert.throws(() => p(pairs(1, 1, 1), 0.1), { name: "RangeError", message: /1 \+ 1 of 1/ });
    for (const margin of [0, 1, -0.1, NaN]) assert.throws(() => p(pairs(1, 1), margin), RangeError);
  }
  assert.throws(() => dropAtMost(pairs(1, 1), 0.4), RangeError);
});

/** The probability of all counts that a test calls significant, each likely as its images are drawn. */
function falseAlarms(
  images: number,
  chance: { readonly lost: number; readonly gained: number },
  alarms: (counts: Pairs) => boolean,
): number {
  let sum = 0;
  for (let lost = 0; lost <= images; lost++) {
    const ofLost = Math.exp(logBinomial(lost, images, chance.lost));
    if (ofLost < 1e-12) continue;
    for (let gained = 0; gained <= images - lost; gained++) {
      const both = ofLost * Math.exp(logBinomial(gained, images - lost, chance.gained / (1 - chance.lost)));
      if (both > 1e-14 && alarms({ images, lost, gained })) sum += both;
    }
  }
  return sum;
}
