// The branch of a block whose kernel is zero: the same for all images, and over pixels only when the last kernel is the one.
import assert from "node:assert/strict";
import { test } from "node:test";
import { firstImages } from "../lib/data/cifar";
import { branchVariations } from "../lib/sweeps/branches";
import { expectNoLeak, settledNetwork, smallDataset } from "./small";

for (const name of ["resnet14-w4", "resnet8-B-w4", "imagenet-resnet50-w2"])
  test(`branchVariations() of ${name}: a zeroed kernel leaves nothing of the image in its branch (claim C5)`, () =>
    expectNoLeak(async () => {
      const found = await branchVariations(await settledNetwork(name), smallDataset(4));
      assert.ok(found.length > 0);
      for (const { zeroed, overImages, intactOverImages, overInnerPixels, overPixels } of found) {
        assert.ok(overImages < 1e-5 && intactOverImages > 0.01, `${zeroed}: ${overImages}, intact ${intactOverImages}`);
        const isLast = zeroed.endsWith(name.includes("50") ? "conv3" : "conv2");
        if (isLast) assert.ok(overPixels < 1e-5, `${zeroed}: ${overPixels}`);
        assert.ok(overInnerPixels <= overPixels);
      }
      assert.ok(found.some(({ zeroed, overPixels }) => zeroed.endsWith("conv1") && overPixels > 1e-3));
    }));

test("branchVariations() wants two images to compare", async () => {
  const network = await settledNetwork("resnet8-w4");
  await assert.rejects(branchVariations(network, firstImages(smallDataset(2), 1)), /expected at least two but found 1/);
});
