// Evidence by betting: by hand, by exact enumeration of all outcomes, and by simulation of whole sweeps that stop.
import assert from "node:assert/strict";
import { test } from "node:test";
import { verdictsOf } from "../lib/results/verdict";
import { inferiority, mcnemar, nonInferiority, type Pairs, upperBound } from "../lib/statistics/paired";
import { randomStream } from "../lib/statistics/random";
import {
  addImages,
  anytimeBelow,
  anytimeExceeds,
  dropBound,
  harmTest,
  isDecided,
  type Look,
  nonTrivialTest,
  trivialTest,
  type WatchedPairs,
} from "../lib/statistics/anytime";
import type { Random } from "../lib/statistics/shuffle";
import { countedRow } from "./figures";

const MARGIN = 0.005;
const ABLATIONS = 19;
const LOOK = 500; // images between two looks of a simulated sweep
const LOOKS = 20;

test("anytimeExceeds() and anytimeBelow() are one over the mean capital of six bets, by hand", () => {
  const bets = [0.9, 0.5, 0.25, 0.125, 0.0625, 0.03125];
  const mean = (capital: (bet: number) => number) => bets.reduce((sum, bet) => sum + capital(bet), 0) / 6;
  const close = (found: number, capital: number) => assert.ok(Math.abs(found * capital - 1) < 1e-12, `${found}`);
  const pairs = { images: 6, lost: 4, gained: 1 };
  close(
    anytimeExceeds(pairs, 0),
    mean((bet) => (1 + bet) ** 4 * (1 - bet)),
  );
  close(
    anytimeExceeds(pairs, 0.2),
    mean((bet) => (1 + (0.8 * bet) / 1.2) ** 4 * (1 - bet) * (1 - (0.2 * bet) / 1.2)),
  );
  close(
    anytimeBelow({ images: 40, lost: 0, gained: 0 }, 0.2),
    mean((bet) => (1 + (0.2 * bet) / 1.2) ** 40),
  );
  assert.equal(anytimeBelow(pairs, 0.2), 1, "counts that speak for the hypothesis are no evidence against it");
});

test("a false p value of at most u turns up in the first 40 images with a probability of at most u, exactly", () => {
  for (const u of [0.2, 0.05, 0.01]) {
    const harm = everBelow(u, { lost: 0.15, gained: 0.15 }, (pairs) => anytimeExceeds(pairs, 0));
    const beyond = everBelow(u, { lost: 0.3, gained: 0.1 }, (pairs) => anytimeExceeds(pairs, 0.2));
    const below = everBelow(u, { lost: 0.3, gained: 0.1 }, (pairs) => anytimeBelow(pairs, 0.2));
    for (const found of [harm, beyond, below]) assert.ok(found <= u && found > 0, `${found}, at most ${u}`);
  }
  const looking = everBelow(0.05, { lost: 0.15, gained: 0.15 }, ({ lost, gained }) => mcnemar(lost, gained));
  assert.ok(looking > 0.06, `McNemar's test looked at after every image errs more often: ${looking}`);
});

test("isDecided() never lets an ablation be both trivial and beyond the margin, whatever the counts", () => {
  for (let lost = 0; lost <= 200; lost += 10) {
    for (let gained = 0; gained <= 200; gained += 10) {
      const pairs = { images: 4000, lost, gained };
      assert.ok(Math.max(anytimeBelow(pairs, MARGIN), anytimeExceeds(pairs, MARGIN)) === 1, JSON.stringify(pairs));
      assert.ok(anytimeExceeds(pairs, 0) <= anytimeExceeds(pairs, MARGIN), "a drop beyond the margin is harm");
    }
  }
});

test("isDecided() goes on where harm is certain but may still be within the margin", () => {
  const pairs = { images: 4000, lost: 20, gained: 0 };
  assert.ok(anytimeExceeds(pairs, 0) < 1e-4);
  assert.equal(isDecided(pairs, { margin: MARGIN, ablations: ABLATIONS }), false);
});

test("isDecided() asks for more evidence among more ablations, and refuses a margin that is no fraction", () => {
  const pairs = { images: 100, lost: 16, gained: 0 };
  const decided = (ablations: number, margin = MARGIN) => isDecided(pairs, { margin, ablations });
  assert.deepEqual(
    [1, 19, 1000, 100_000].map((ablations) => decided(ablations)),
    [true, true, false, false],
  );
  assert.throws(() => decided(19, 1.5), { name: "RangeError", message: /1\.5/ });
  assert.throws(() => isDecided({ images: 1, lost: 2, gained: 0 }, { margin: MARGIN, ablations: 1 }), RangeError);
});

test("what isDecided() decides is the verdict, whatever the other ablations turn out to be", () => {
  const idle = countedRow("idle", 4, 3, { images: 4000, look: "stopped" });
  const broken = countedRow("broken", 60, 2, { images: 150, look: "stopped" });
  const others = Array.from({ length: 17 }, (_, index) => countedRow(`other ${index}`, 130, 100, { look: "complete" }));
  for (const pairs of [idle, broken]) assert.ok(isDecided(pairs, { margin: MARGIN, ablations: ABLATIONS }));
  const [first, second] = verdictsOf([idle, broken, ...others]);
  assert.deepEqual([first.verdict, second.verdict], ["trivial", "non-trivial"]);
  assert.ok(first.upper < MARGIN && second.upper > 0.3);
});

test("harmTest(), trivialTest() and dropBound() spend a fifth on looking, and nothing where nobody looked", () => {
  const pairs = { images: 10_000, lost: 130, gained: 100 };
  const values = (look?: Look) => {
    const watched: WatchedPairs = { ...pairs, ...(look ? { look } : {}) };
    return [harmTest(watched), trivialTest(watched, 0.01), nonTrivialTest(watched, 0.001), dropBound(watched, 0.05)];
  };
  const fixed = [mcnemar(130, 100), nonInferiority(pairs, 0.01), inferiority(pairs, 0.001)];
  assert.deepEqual(values(), [...fixed, upperBound(pairs, 0.95)]);
  assert.deepEqual(values("complete"), [...fixed.map((p) => p / 0.8), upperBound(pairs, 0.96)]);
  assert.deepEqual(values("running"), values("stopped"), "whoever leaves now stops it by that");
  const [harm, trivial, nonTrivial, bound] = values("stopped");
  assert.deepEqual([harm, trivial, nonTrivial], [1, anytimeBelow(pairs, 0.01) / 0.2, 1], "never more than 1");
  assert.ok(Math.abs(anytimeBelow(pairs, bound) - 0.01) < 1e-9, "the bound is the drop that is just rejected");
  for (const look of ["running", "stopped", "complete"] as const) {
    assert.throws(() => trivialTest({ ...pairs, look }, 0), { name: "RangeError", message: /found 0/ });
    assert.throws(() => nonTrivialTest({ ...pairs, look }, 1), { name: "RangeError", message: /found 1/ });
    assert.throws(() => dropBound({ ...pairs, look }, 0.5), RangeError);
  }
});

test("dropBound() of a stopped ablation stays between 0 and 1", () => {
  const bound = (images: number, lost: number, gained: number) =>
    dropBound({ images, lost, gained, look: "stopped" }, 0.05);
  assert.equal(bound(1, 1, 0), 1);
  assert.ok(bound(1000, 0, 900) < 1e-12);
});

test("addImages() counts batch by batch what a whole count gives", () => {
  const labels = Uint8Array.of(0, 0, 1, 1, 2);
  const before = Uint8Array.of(0, 1, 1, 2, 0);
  const after = Uint8Array.of(1, 0, 1, 0, 1);
  const none = { images: 0, lost: 0, gained: 0 };
  const first = addImages(none, labels.subarray(0, 2), before.subarray(0, 2), after.subarray(0, 2));
  assert.deepEqual(first, { images: 2, lost: 1, gained: 1 });
  const rest = addImages(first, labels.subarray(2), before.subarray(2), after.subarray(2));
  assert.deepEqual(rest, addImages(none, labels, before, after));
  assert.deepEqual(rest, { images: 5, lost: 1, gained: 1 });
});

test("sweeps that stop call a layer falsely trivial or non-trivial in at most 5 of 100 networks", () => {
  const random = randomStream(1, "false verdicts");
  const most = binomialLimit(2000, 0.05);
  // Holm's first step rejects somewhere as soon as the smallest p value is below a nineteenth of the level.
  const errors = (lost: number, gained: number, p: (pairs: WatchedPairs) => number) =>
    countOf(2000, () => ABLATIONS * Math.min(...atTheEnd(simulated(random, lost, gained)).map(p)) < 0.05);
  const found = {
    trivial: errors(0.01, 0.005, (pairs) => trivialTest(pairs, MARGIN)),
    nonTrivial: errors(0.01, 0.01, harmTest),
    atAnotherMargin: errors(0.012, 0.002, (pairs) => trivialTest(pairs, 0.01)),
  };
  for (const [what, count] of Object.entries(found)) assert.ok(count <= most, `${what}: ${count} of 2000`);
});

/** Whether somebody who looks at a sweep with stopping after every batch ever finds a p value below the level, among all its layers. */
function everSeen(ablations: readonly Pairs[][], p: (pairs: WatchedPairs) => number): boolean {
  const decided = ablations.map((looks) =>
    looks.findIndex((pairs) => isDecided(pairs, { margin: MARGIN, ablations: ablations.length })),
  );
  return ablations.some((looks, layer) =>
    looks.some((pairs, at) => {
      if (decided[layer] >= 0 && at > decided[layer]) return false; // it has been stopped, its p value stays
      const look: Look = at === decided[layer] ? "stopped" : at < LOOKS - 1 ? "running" : "complete";
      return ablations.length * p({ ...pairs, look }) < 0.05;
    }),
  );
}

for (const layers of [19, 55]) {
  for (const discordance of [0.006, 0.02, 0.06]) {
    test(`who watches a sweep of ${layers} layers with stopping errs in at most 5 of 100, at ${100 * discordance} % discordance`, () => {
      const random = randomStream(layers, `watching at ${discordance}`);
      const sweeps = 150;
      const errors = (drop: number, p: (pairs: WatchedPairs) => number) => {
        const [lost, gained] = [(discordance + drop) / 2, (discordance - drop) / 2];
        return countOf(sweeps, () => everSeen(simulated(random, lost, gained, layers), p));
      };
      const found = {
        trivial: errors(MARGIN, (pairs) => trivialTest(pairs, MARGIN)),
        nonTrivial: errors(MARGIN, (pairs) => nonTrivialTest(pairs, MARGIN)),
        harm: errors(0, harmTest),
      };
      for (const [what, count] of Object.entries(found))
        assert.ok(count <= 0.05 * sweeps, `${what}: ${count} of ${sweeps}`);
    });
  }
}

test("the simulation sees it where a sweep looks without allowing for it", () => {
  const random = randomStream(2, "careless looking");
  const careless = countOf(400, () =>
    simulated(random, 0.01, 0.005).some((looks) =>
      looks.some((pairs) => nonInferiority(pairs, MARGIN) < 0.05 / ABLATIONS),
    ),
  );
  assert.ok(careless > binomialLimit(400, 0.05), `${careless} of 400`);
});

test("isDecided() stops early where there is something to see: tens of images for a drop of one half", () => {
  const random = randomStream(3, "images until the stop");
  const median = (lost: number, gained: number) => {
    const ends = Array.from({ length: 101 }, () => imagesUntilStop(random, lost, gained)).sort((a, b) => a - b);
    return ends[50];
  };
  const found = [
    [median(0.52, 0.02), 60], // drop 0.5
    [median(0.12, 0.02), 400], // 0.1
    [median(0.03, 0.01), 4000], // 0.02
    [median(0, 0), 2500], // nothing changes: trivial
    [median(0.001, 0.001), 4500], // ten of 10,000 lost, ten gained
  ];
  for (const [images, atMost] of found) assert.ok(images <= atMost, `median ${images}, at most ${atMost}`);
  assert.equal(median(0.012, 0.007), Infinity, "a drop at the margin is left to the last image");
});

/** Probability that p is u or less after one of the first 40 images: all counts that have not led there yet, step by step. */
function everBelow(u: number, share: { lost: number; gained: number }, p: (pairs: Pairs) => number): number {
  let reached = 0;
  let alive = new Map([["0 0", 1]]);
  for (let images = 1; images <= 40; images++) {
    const next = new Map<string, number>();
    const add = (lost: number, gained: number, chance: number) =>
      next.set(`${lost} ${gained}`, (next.get(`${lost} ${gained}`) ?? 0) + chance);
    for (const [counts, chance] of alive) {
      const [lost, gained] = counts.split(" ").map(Number);
      add(lost + 1, gained, chance * share.lost);
      add(lost, gained + 1, chance * share.gained);
      add(lost, gained, chance * (1 - share.lost - share.gained));
    }
    for (const [counts, chance] of next) {
      const [lost, gained] = counts.split(" ").map(Number);
      if (p({ images, lost, gained }) > u) continue;
      reached += chance;
      next.delete(counts);
    }
    alive = next;
  }
  return reached;
}

/** The counts of every ablation at every look: half of the images are answered alike by all ablations, the others by each anew. */
function simulated(random: Random, lost: number, gained: number, ablations = ABLATIONS): Pairs[][] {
  const half = () => changesByLook(random, lost, gained);
  const common = half();
  return Array.from({ length: ablations }, () => {
    const own = half();
    let pairs: Pairs = { images: 0, lost: 0, gained: 0 };
    return common.map((alike, look) => {
      pairs = {
        images: pairs.images + LOOK,
        lost: pairs.lost + alike.lost + own[look].lost,
        gained: pairs.gained + alike.gained + own[look].gained,
      };
      return pairs;
    });
  });
}

/** Answers lost and gained between looks, among half of the images; from one changed answer to the next in geometric steps. */
function changesByLook(random: Random, lost: number, gained: number): { lost: number; gained: number }[] {
  const changes = Array.from({ length: LOOKS }, () => ({ lost: 0, gained: 0 }));
  const step = () => 1 + Math.floor(Math.log(1 - random.uniform()) / Math.log1p(-lost - gained));
  for (let image = step() - 1; image < (LOOKS * LOOK) / 2; image += step()) {
    const change = changes[Math.floor((2 * image) / LOOK)];
    if (random.uniform() * (lost + gained) < lost) change.lost++;
    else change.gained++;
  }
  return changes;
}

/** What each ablation has seen where the sweep stops it at the first look that decides it. */
function atTheEnd(ablations: readonly Pairs[][]): WatchedPairs[] {
  return ablations.map((looks) => {
    const stop = looks.find((pairs) => isDecided(pairs, { margin: MARGIN, ablations: ABLATIONS }));
    return { ...(stop ?? looks[LOOKS - 1]), look: stop ? "stopped" : "complete" };
  });
}

function imagesUntilStop(random: Random, lost: number, gained: number): number {
  const pairs = { images: 0, lost: 0, gained: 0 };
  while (pairs.images < LOOK * LOOKS) {
    const chance = random.uniform();
    pairs.images++;
    if (chance < lost) pairs.lost++;
    else if (chance < lost + gained) pairs.gained++;
    if (pairs.images % 10 === 0 && isDecided(pairs, { margin: MARGIN, ablations: ABLATIONS })) return pairs.images;
  }
  return Infinity;
}

function countOf(times: number, happens: () => boolean): number {
  return Array.from({ length: times }, happens).filter(Boolean).length;
}

/** A count that a binomial variable exceeds about once in a thousand. */
function binomialLimit(times: number, share: number): number {
  return times * share + 3.1 * Math.sqrt(times * share * (1 - share));
}
