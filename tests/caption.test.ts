// Captions: the network, what was done, on how many images, and what was assumed.
import assert from "node:assert/strict";
import { test } from "node:test";
import { pairs, singles } from "../lib/ablations/sets";
import { layersOf } from "../lib/networks/layers";
import { specOf } from "../lib/networks/spec";
import type { Sweep } from "../lib/results/matrix";
import { captionOf } from "../lib/tables/caption";

const layers = layersOf(specOf("resnet20")).slice(0, 2);
const sweep: Sweep = {
  ...{ network: "mine", operator: "zero", seed: 1, precision: "float32", classes: 10, sets: singles(layers) },
  ...{ labels: new Uint8Array(1200), baseline: new Uint8Array(1200), predictions: [] },
};

test("captionOf() says what was done to what on how many images", () => {
  assert.equal(captionOf(sweep), "mine, one layer's kernel set to zero, 1,200 images");
  assert.equal(
    captionOf({ ...sweep, operator: "mean", sets: pairs(layers) }),
    "mine, two layers changed by mean, 1,200 images",
  );
});

test("captionOf() says what was assumed of a network that somebody else trained", () => {
  const assumed = { normalization: "mean 0.5 and deviation 0.2 (as they trained)" };
  assert.match(captionOf({ ...sweep, assumed }), /^mine, .* images; assumed of it: .*mean 0\.5 and deviation 0\.2/);
});
