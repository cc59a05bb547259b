// Two sweeps layer by layer: paired over the images, and nothing where they are the same.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { EvenSweep } from "../lib/results/matrix";
import { sideBySide } from "../lib/results/side-by-side";
import { mcnemar } from "../lib/statistics/paired";
import { sideBySideTable } from "../lib/tables/side-by-side";
import { toText } from "../lib/tables/render";
import { setOf } from "../lib/ablations/sets";
import { layersOf } from "../lib/networks/layers";
import { specOf } from "../lib/networks/spec";

const [stem, conv1] = layersOf(specOf("resnet8"));
const IMAGES = 200;
const labels = Uint8Array.from({ length: IMAGES }, (_, image) => image % 4);

/** A sweep of two layers whose ablations lose the first images of a range each; the intact network has all right. */
function sweepWith(lost: readonly (readonly [from: number, to: number])[], layers = [stem, conv1]): EvenSweep {
  const wrongFrom = ([from, to]: readonly [number, number]) =>
    labels.map((label, image) => (image >= from && image < to ? (label + 1) % 4 : label));
  return {
    ...{ network: "n", operator: "zero", seed: 1, precision: "float32", labels, classes: 4, baseline: labels },
    ...{ sets: layers.map((layer) => setOf([layer])), predictions: lost.map(wrongFrom) },
  };
}

test("sideBySide() pairs the images: what both lose alike says nothing, what only one loses is McNemar's", () => {
  const first = sweepWith([[0, 60], [0, 10]]); // prettier-ignore
  const second = sweepWith([[0, 60], [5, 40]]); // prettier-ignore
  const { layers, agreement } = sideBySide(first, second);
  assert.deepEqual(
    layers.map(({ layer, first: one, second: other }) => [layer, one, other]),
    [
      ["stem.conv", 0.3, 0.3],
      ["stage1.block1.conv1", 0.05, 0.175],
    ],
  );
  assert.equal(layers[0].p, 1);
  assert.ok(Math.abs(layers[1].p - mcnemar(30, 5)) < 1e-12); // 30 images that only the second loses, 5 that only the first does
  assert.equal(layers[1].adjusted, 2 * layers[1].p);
  assert.equal(agreement, 1);
});

test("sideBySide() refuses other images, and sweeps without a common layer", () => {
  const first = sweepWith([[0, 60]], [stem]);
  assert.throws(() => sideBySide(first, { ...first, labels: labels.map((label) => 3 - label) }), /the same images/);
  assert.throws(() => sideBySide(first, sweepWith([[0, 60]], [conv1])), /expected a common layer/);
});

test("sideBySideTable() shows both drops and verdicts, of exactly two sweeps", () => {
  const [first, second] = [sweepWith([[0, 60], [0, 0]]), sweepWith([[0, 60], [5, 40]])]; // prettier-ignore
  const text = toText(sideBySideTable({ before: first, after: second }, { margin: 0.05 }));
  assert.match(text, /layer +verdict before +verdict after +before pp +after pp +difference pp +p adjusted/);
  assert.match(text, /stage1\.block1\.conv1 +trivial +non-trivial +0\.00 +17\.50 +17\.50/);
  assert.throws(() => sideBySideTable({ first }), /expected two but found 1/);
});
