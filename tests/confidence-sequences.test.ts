// Confidence sequences: by hand, and by simulating who looks after every batch.
import assert from "node:assert/strict";
import { test } from "node:test";
import { wilson } from "../lib/statistics/intervals";
import { randomStream } from "../lib/statistics/random";
import { accuracySequence, sequenceHalfWidth } from "../lib/statistics/confidence-sequences";

test("accuracySequence() ends where (images + 1) P(correct) is 0.05, and is certain of nothing on one image", () => {
  const [low, high] = accuracySequence(3, 4);
  const probability = (share: number) => 4 * share ** 3 * (1 - share);
  for (const end of [low, high]) assert.ok(Math.abs(5 * probability(end) - 0.05) < 1e-9, `${end}`);
  assert.deepEqual(
    accuracySequence(1, 1).map((end) => end.toFixed(3)),
    ["0.025", "1.000"],
  );
  assert.deepEqual(accuracySequence(0, 9)[0], 0);
  assert.throws(() => accuracySequence(2, 1), { name: "RangeError", message: /found 2 of 1/ });
  assert.throws(() => accuracySequence(0, 0), RangeError);
});

test("accuracySequence() holds the accuracy at all looks together in 95 of 100 sweeps, where Wilson's interval does not", () => {
  const random = randomStream(1, "accuracies");
  const missed = { sequence: 0, wilson: 0 };
  for (let trial = 0; trial < 400; trial++) {
    const seen = { sequence: false, wilson: false };
    for (let [image, correct] = [1, 0]; image <= 3000; image++) {
      if (random.uniform() < 0.6) correct++;
      if (image % 50) continue;
      const misses = ([low, high]: [number, number]) => low > 0.6 || high < 0.6;
      seen.sequence ||= misses(accuracySequence(correct, image));
      seen.wilson ||= misses(wilson(correct, image));
    }
    missed.sequence += Number(seen.sequence);
    missed.wilson += Number(seen.wilson);
  }
  assert.ok(missed.sequence <= 20, `${missed.sequence} of 400`);
  assert.ok(missed.wilson > 60, `Wilson's: ${missed.wilson} of 400`);
});

test("sequenceHalfWidth() holds a mean at all looks together in 95 of 100 sweeps", () => {
  const random = randomStream(2, "losses");
  let missed = 0;
  for (let trial = 0; trial < 400; trial++) {
    let [sum, squares, seen] = [0, 0, false];
    for (let image = 1; image <= 3000; image++) {
      const value = -Math.log(1 - random.uniform()) - 1; // mean 0, skewed as losses are
      sum += value;
      squares += value ** 2;
      if (image % 50) continue;
      const deviation = Math.sqrt((squares - sum ** 2 / image) / (image - 1));
      seen ||= Math.abs(sum / image) > sequenceHalfWidth(deviation, image);
    }
    missed += Number(seen);
  }
  assert.ok(missed <= 20, `${missed} of 400`);
});

test("sequenceHalfWidth() is 1.4 to 2 times the half width for a single look", () => {
  for (const count of [50, 500, 10_000]) {
    const ratio = (sequenceHalfWidth(1, count) * Math.sqrt(count)) / 1.96;
    assert.ok(ratio > 1.4 && ratio < 2.1, `${count}: ${ratio}`);
  }
});
