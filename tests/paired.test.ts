// McNemar, Tango and Holm against SciPy, statsmodels, mpmath and R, and against their own definitions by simulation.
import assert from "node:assert/strict";
import { test } from "node:test";
import { holm, logMcnemar, mcnemar, nonInferiority, upperBound } from "../lib/statistics/paired";
import { randomStream } from "../lib/statistics/random";

const close = (found: number, wanted: number, relative: number) =>
  assert.ok(Math.abs(found - wanted) <= relative * Math.abs(wanted), `expected ${wanted} but found ${found}`);
const pairs = (lost: number, gained: number, images = 10_000) => ({ lost, gained, images });

test("mcnemar() equals scipy.stats.binomtest and 60-digit sums of binomial coefficients", () => {
  const wanted: [lost: number, gained: number, p: number][] = [
    [1, 0, 1],
    [5, 1, 0.21875],
    [10, 2, 0.03857421875],
    [130, 100, 0.055613577781392386],
    [300, 250, 0.036578745549102704],
    [60, 30, 0.0020602656809630756],
    [1086, 164, 3.9829567753176747e-167],
    [5000, 4800, 0.044404148799846288],
  ];
  for (const [lost, gained, p] of wanted) {
    close(mcnemar(lost, gained), p, 1e-9);
    assert.equal(mcnemar(gained, lost), mcnemar(lost, gained), "the test is two-sided");
  }
});

test("mcnemar() is exactly 1 where nothing or as much is lost as gained", () => {
  for (const count of [0, 1, 7, 5000]) assert.equal(mcnemar(count, count), 1);
});

test("logMcnemar() keeps p values that no double can hold", () => {
  close(logMcnemar(8341, 168), -5075.0309774051441, 1e-12); // mpmath: p = 8.7508658234593867e-2205
  assert.equal(mcnemar(8341, 168), 0);
  close(logMcnemar(10_000, 0), -9999 * Math.LN2, 1e-12);
});

test("upperBound() gives the reference bounds for 10,000 images", () => {
  const wanted: [lost: number, gained: number, bound: number, shown: string][] = [
    // full digits: mpmath, 60 digits, bisection; the constrained estimate also found by maximising the likelihood
    [0, 0, 0.00027048116555484898, "0.027"],
    [50, 50, 0.0016665053602851688, "0.17"],
    [100, 100, 0.0023412219396713527, "0.23"],
    [130, 100, 0.0055240678059988432, "0.55"],
    [300, 250, 0.0088752424167001268, "0.89"],
    [0, 100, -0.0084907899717912137, "-0.85"],
    [100, 0, 0.011774281570452538, "1.18"],
    [8341, 168, 0.82420543869910129, "82.42"],
  ];
  for (const [lost, gained, bound, shown] of wanted) {
    const found = upperBound(pairs(lost, gained));
    close(found, bound, 1e-12);
    assert.equal((100 * found).toFixed(shown.split(".")[1].length), shown);
  }
});

test("upperBound() equals Tango's interval as computed by R's PropCIs", () => {
  // R 4.6.1, PropCIs 0.3.0, scoreci.mp(gained, lost, images, 0.90), whose two bounds are one-sided 95 % bounds; from
  // paired-diff-parity.json in github.com/rNLKJA/Australia-Social-Media-Analytics-on-the-Cloud (commit fdfd126).
  const wanted: [lost: number, gained: number, images: number, low: number, high: number][] = [
    [7, 0, 14, 0.25706768035888672, 0.70121806859970093],
    [0, 0, 14, -0.16195487976074219, 0.16195482015609741],
    [3, 2, 14, -0.20509389468601771, 0.33848713551248821],
    [1, 0, 14, -0.10209451402936663, 0.26557565161160052],
    [5, 5, 16, -0.31343936920166016, 0.31343942880630493],
    [13, 1, 14, 0.46884836469377783, 0.96780020850045345],
    [14, 0, 14, 0.67609024047851562, 1],
    [2, 9, 20, -0.5665505409240722, -0.084052941203117348],
    [10, 3, 50, 0.023380527496337893, 0.26074491620063783],
    [25, 12, 200, 0.01547645539045334, 0.11644651859998703],
  ];
  for (const [lost, gained, images, low, high] of wanted) {
    assert.ok(Math.abs(upperBound(pairs(lost, gained, images)) - high) < 1e-6, `${lost}/${gained} of ${images}`);
    assert.ok(Math.abs(-upperBound(pairs(gained, lost, images)) - low) < 1e-6, `${lost}/${gained} of ${images}`);
  }
});

test("upperBound() equals the published example of Fagerland, Lydersen and Laake (2014), -0.517 to -0.026", () => {
  // Statistics in Medicine 33:2850-2875: airway hyper-responsiveness, 1 and 7 discordant of 21 pairs, two-sided 95 %.
  assert.equal(upperBound(pairs(1, 7, 21), 0.975).toFixed(3), "-0.026");
  assert.equal((-upperBound(pairs(7, 1, 21), 0.975)).toFixed(3), "-0.517");
});

test("nonInferiority() equals Tango's statistic in 60-digit arithmetic", () => {
  const wanted: [lost: number, gained: number, images: number, p: number][] = [
    [0, 0, 10_000, 6.76340417684e-13],
    [50, 50, 10_000, 2.57026633259e-6],
    [100, 100, 10_000, 0.000291441293631],
    [130, 100, 10_000, 0.0954958355891],
    [0, 100, 10_000, 5.93166300082e-35],
    [8341, 168, 10_000, 1],
    [5, 12, 40, 0.0405949253136],
    [3, 0, 25, 0.954615906337],
    [0, 25, 25, 2.51633893802e-7],
  ];
  for (const [lost, gained, images, p] of wanted) close(nonInferiority(pairs(lost, gained, images), 0.005), p, 1e-10);
  assert.equal(nonInferiority(pairs(300, 250), 0.005), 0.5, "the observed drop is the margin");
});

test("nonInferiority() falls as the margin grows and crosses 5 % at the upper bound", () => {
  for (const counts of [
    pairs(0, 0),
    pairs(40, 10),
    pairs(900, 950),
    pairs(3, 1, 20),
    pairs(9000, 100),
    pairs(12, 0, 12),
  ]) {
    const margins = [0.0001, 0.001, 0.005, 0.01, 0.05, 0.2, 0.5, 0.9, 0.999];
    const found = margins.map((margin) => nonInferiority(counts, margin));
    found.reduce((before, p) => (assert.ok(p <= before, `${JSON.stringify(counts)}: ${found.join(" ")}`), p));
    const bound = upperBound(counts);
    if (bound > 0 && bound < 1) close(nonInferiority(counts, bound), 0.05, 1e-6);
  }
});

test("upperBound() rises with every lost image, falls with every gained one and lies above the drop", () => {
  for (let lost = 0; lost < 30; lost++) {
    for (let gained = 0; lost + gained < 30; gained++) {
      const bound = upperBound(pairs(lost, gained, 30));
      assert.ok(bound > (lost - gained) / 30);
      assert.ok(upperBound(pairs(lost + 1, gained, 30)) > bound);
      assert.ok(upperBound(pairs(lost, gained + 1, 30)) < bound);
    }
  }
});

test("upperBound() is Wilson's bound where every image is lost or gained, and 1 where all are lost", () => {
  const z2 = 1.6448536269514722 ** 2;
  for (const images of [1, 2, 21, 10_000]) {
    assert.equal(upperBound(pairs(images, 0, images)), 1);
    close(upperBound(pairs(0, images, images)), -(images - z2) / (images + z2), 1e-12); // Wilson: images / (images + z2)
  }
});

test("nonInferiority() rejects in 5 % of samples whose true drop is the margin", () => {
  const random = randomStream(1, "size of Tango's test");
  const [margin, gain, images, trials] = [0.02, 0.03, 1000, 4000];
  let rejected = 0;
  for (let trial = 0; trial < trials; trial++) {
    const counts = { images, lost: 0, gained: 0 };
    for (let image = 0; image < images; image++) {
      const u = random.uniform();
      if (u < gain) counts.gained++;
      else if (u < 2 * gain + margin) counts.lost++;
    }
    if (nonInferiority(counts, margin) < 0.05) rejected++;
  }
  // Standard error of the share: 0.34 %. The seed is fixed, so the figure is the same in every run.
  assert.ok(rejected / trials > 0.04 && rejected / trials < 0.06, `rejected ${rejected} of ${trials}`);
});

test("nonInferiority() and upperBound() refuse impossible counts, margins and confidences", () => {
  for (const wrong of [pairs(1, 1, 1), pairs(-1, 0), pairs(0.5, 0), pairs(0, 0, 0), pairs(NaN, 0)]) {
    assert.throws(() => nonInferiority(wrong, 0.005), { name: "RangeError", message: /lost \+ gained <= images/ });
    assert.throws(() => upperBound(wrong), RangeError);
  }
  for (const margin of [0, 1, -0.005, NaN]) assert.throws(() => nonInferiority(pairs(0, 0), margin), RangeError);
  for (const confidence of [0.5, 1, 95]) assert.throws(() => upperBound(pairs(0, 0), confidence), RangeError);
});

test("holm() equals statsmodels' multipletests(method='holm')", () => {
  const rounded = (values: number[]) => values.map((value) => Number(value.toPrecision(12)));
  assert.deepEqual(rounded(holm([0.01, 0.04, 0.03, 0.005])), [0.03, 0.06, 0.06, 0.02]);
  assert.deepEqual(rounded(holm([0.2, 0.001, 0.05, 0.05, 0.9, 0.012])), [0.4, 0.006, 0.2, 0.2, 0.9, 0.06]);
  assert.deepEqual(rounded(holm([1e-300, 0, 0.5, 0.5])), [3e-300, 0, 1, 1]);
  assert.deepEqual(holm([]), []);
});

test("holm() keeps the order of the p values and never makes one smaller", () => {
  const random = randomStream(2, "holm");
  const raw = Array.from({ length: 50 }, () => random.uniform() ** 4);
  const adjusted = holm(raw);
  for (let i = 0; i < raw.length; i++) {
    assert.ok(adjusted[i] >= raw[i] && adjusted[i] <= 1);
    for (let j = 0; j < i; j++) if (raw[i] < raw[j]) assert.ok(adjusted[i] <= adjusted[j]);
  }
});

test("holm() refuses what is no p value", () => {
  for (const wrong of [NaN, -0.1, 1.1]) assert.throws(() => holm([0.5, wrong]), { name: "RangeError" });
});
