// Operators and layers by name: what is read from a text, and what operators are called in results.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ablate, type KernelOperator, type Operator, operatorName, zero } from "../lib/ablations/ablate";
import { onOutput } from "../lib/ablations/activations";
import { layersNamed, operatorList, operatorNamed } from "../lib/ablations/named";
import * as operators from "../lib/ablations/operators";
import type { Values } from "../lib/files/values";
import { branchEnds, layerOf, layersOf } from "../lib/networks/layers";
import { specOf } from "../lib/networks/spec";
import { classRowsOf, rowsOf } from "../lib/results/rows";
import { sweep } from "../lib/sweeps/sweep";
import { smallDataset, smallNetwork } from "./small";

test("every operator is called what a command line writes, with its numbers", () => {
  const forms = operatorList()
    .split("\n")
    .map((line) => line.trim().split(" ")[0]);
  assert.equal(forms.length, 15);
  for (const form of forms) {
    const text = form.replace(/(?<=[:,])[A-Z]+/g, "1");
    assert.equal(operatorName(operatorNamed(text).operator), text);
  }
  assert.equal(operatorName(operators.noise(0.5)), "noise:0.5");
  assert.equal(operatorName(operators.zeroTap(1, 2)), "zeroTap:1,2");
  assert.equal(operatorName(operatorNamed("scale:-.50").operator), "scale:-0.5", "the same number, the same name");
});

test("an operator of one's own has the name that the caller gives it, else its function's, and never that of another", async () => {
  const [network, dataset] = [smallNetwork(), smallDataset(10)];
  const layers = layersOf(network.spec).slice(0, 1);
  const halve = ({ shape, data }: Values): Values => ({ shape, data: data.map((weight) => weight / 2) });
  const quarter = onOutput((x, { scale }) => scale(x, 0.25));
  const doubled = onOutput(function double(x, { scale }) {
    return scale(x, 2);
  });
  const nameIn = async (options: { operator?: Operator; operatorName?: string }) => {
    const result = await sweep(network, dataset, { layers, ...options });
    assert.ok([...rowsOf(result), ...classRowsOf(result)].every(({ operator }) => operator === result.operator));
    return result.operator;
  };
  assert.equal(await nameIn({}), "zero");
  assert.equal(await nameIn({ operator: operators.noise(0.5) }), "noise:0.5");
  assert.equal(await nameIn({ operator: halve }), "halve");
  assert.equal(await nameIn({ operator: halve, operatorName: "half the weights" }), "half the weights");
  assert.equal(await nameIn({ operator: doubled }), "double");
  assert.equal(await nameIn({ operator: quarter }), "an unnamed operator");
  assert.equal(await nameIn({ operator: ({ shape, data }) => ({ shape, data }) }), "an unnamed operator");
  assert.equal(operatorName({ place: "output", name: "", change: (x) => x }), "an unnamed operator");
});

test("operatorNamed() reads names with their numbers", () => {
  const layer = layerOf(specOf("resnet8"), "stem.conv");
  const same = (text: string, operator: KernelOperator) =>
    assert.deepEqual(
      ablate(smallNetwork(), layer.name, operatorNamed(text).operator).parameters,
      ablate(smallNetwork(), layer.name, operator).parameters,
      text,
    );
  same("zero", zero);
  same("removeConstant", operators.removeConstant);
  same("noise:0.5", operators.noise(0.5));
  same("scale:-2", operators.scale(-2));
  same("signs", operators.signs);
  same("rerandomize", operators.rerandomize);
  same("zeroFilters:0.25", operators.zeroFilters(0.25));
  same("zeroFilter:2", operators.zeroFilter(2));
  same("zeroInput:1", operators.zeroInput(1));
  same("zeroTap:0,2", operators.zeroTap(0, 2));
  assert.equal(operatorNamed("reinit").operator, operators.reinit);
  assert.deepEqual(operatorNamed("zeroBranch").layersOf(specOf("resnet8")), branchEnds(specOf("resnet8")));
  assert.equal(operatorNamed("zero").layersOf(specOf("resnet8")).length, 7);
});

test("operatorNamed() lists all operators with a sentence when there is none of that name, and says what numbers it wants", () => {
  const unknown = { name: "RangeError", message: /Cannot find the operator "prune"[^]*zeroFilters:SHARE .*L1 norm/ };
  assert.throws(() => operatorNamed("prune"), unknown);
  assert.throws(() => operatorNamed("constructor"), /Cannot find the operator "constructor"/);
  assert.equal(operatorList().split("\n").length, 15);
  for (const text of ["noise", "noise:", "noise:much", "noise:1,2", "noise:1:2"])
    assert.throws(() => operatorNamed(text), { name: "RangeError", message: /: expected noise:SHARE$/ }, text);
  assert.throws(() => operatorNamed("zero:1"), /Cannot read the operator "zero:1": expected zero$/);
  assert.throws(() => operatorNamed("zeroTap:1"), /expected zeroTap:ROW,COLUMN/);
  assert.throws(() => operatorNamed("zeroFilters:2"), /expected a share from 0 to 1/);
});

test("layersNamed() takes names and globs in the network's order, and lists the layers when one fits none", () => {
  const layers = layersOf(specOf("resnet14"));
  const names = (text: string) => layersNamed(layers, text).map(({ name }) => name);
  assert.deepEqual(names("stage1.block2.conv1, stem.conv"), ["stem.conv", "stage1.block2.conv1"]);
  assert.deepEqual(names("stage2.*.conv2"), ["stage2.block1.conv2", "stage2.block2.conv2"]);
  assert.equal(names("*").length, 13);
  assert.throws(
    () => names("stage2.*,stage4.*"),
    /Cannot find a layer named "stage4\.\*": expected some of stem\.conv, /,
  );
  assert.throws(() => names("stem_conv"), RangeError);
  assert.throws(() => names("stemXconv"), RangeError, "a point is a point");
});
