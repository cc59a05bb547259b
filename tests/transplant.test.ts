// Kernels from elsewhere: copied between networks, swapped between layers, refused where they do not fit.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ablate, operatorName } from "../lib/ablations/ablate";
import { kernelFrom } from "../lib/ablations/transplant";
import { smallNetwork } from "./small";

const [ONE, OTHER] = [smallNetwork(), { ...smallNetwork("resnet8-w4", 6), name: "other" }];
const [A, B] = ["stage2.block1.conv2", "stage1.block1.conv2"];
const kernel = ({ parameters }: Pick<typeof ONE, "parameters">, layer: string) =>
  parameters.get(`${layer}.kernel`)!.data;

test("kernelFrom() gives a layer the kernel of the same layer in another network, and leaves the rest", () => {
  const changed = ablate(ONE, A, kernelFrom(OTHER));
  assert.deepEqual(kernel(changed, A), kernel(OTHER, A));
  for (const [name, values] of ONE.parameters)
    if (name !== `${A}.kernel`) assert.equal(changed.parameters.get(name), values);
  assert.equal(operatorName(kernelFrom(OTHER)), "kernelFrom:other");
});

test("kernelFrom() swaps the kernels of two layers, and only of the same shape", () => {
  const [first, second] = ["stage1.block1.conv1", "stage1.block1.conv2"];
  const swapped = ablate(
    ONE,
    [first, second],
    kernelFrom(ONE, ({ name }) => (name === first ? second : first)),
  );
  assert.deepEqual([kernel(swapped, first), kernel(swapped, second)], [kernel(ONE, second), kernel(ONE, first)]);
  assert.throws(
    () =>
      ablate(
        ONE,
        A,
        kernelFrom(ONE, () => B),
      ),
    /returned a kernel of shape \[3,3,4,4\], expected \[3,3,8,8\]/,
  );
  assert.throws(
    () =>
      ablate(
        ONE,
        A,
        kernelFrom(ONE, () => "nowhere"),
      ),
    /Cannot find the layer "nowhere"/,
  );
});
