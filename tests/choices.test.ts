// Choices within figures: what the buttons change, what is seen first, and that pictures have none.
import assert from "node:assert/strict";
import { test } from "node:test";
import { choiceMenu, switchable, withoutChoices } from "../lib/figures/choices";
import { accuracyByLayer } from "../lib/figures/layers";
import { plainFigure } from "../lib/figures/plain";
import { toPng } from "../lib/notebook/picture";
import { closeBrowser } from "../lib/notebook/browser";
import { someRows } from "./figures";

const choices = (count: number) => Array.from({ length: count }, (_, index) => ({ label: String(index), layout: {} }));

test("two or three choices are buttons, up to ten a list that opens, one or eleven are refused", () => {
  assert.equal(choiceMenu(choices(3), 80).updatemenus![0].type, "buttons");
  assert.equal(choiceMenu(choices(10), 80).updatemenus![0].type, "dropdown");
  for (const count of [1, 11])
    assert.throws(() => choiceMenu(choices(count), 80), {
      name: "RangeError",
      message: `Cannot offer ${count} choices in a figure: expected 2 to 10`,
    });
});

test("of several sweeps the first is seen, and each choice shows the traces, title and lines of its own", () => {
  const half = someRows().map((row) => ({ ...row, baseline: row.baseline / 2 }));
  const { data, layout } = accuracyByLayer({ zero: someRows(), half });
  assert.deepEqual(
    data.map((trace) => (trace as { visible: boolean }).visible),
    [true, true, true, false, false, false],
  );
  const alone = accuracyByLayer(half, { title: "Accuracy, half" }).layout;
  const [{ visible }, change] = layout.updatemenus![0].buttons![1].args!;
  assert.deepEqual(visible, [false, false, false, true, true, true]);
  assert.deepEqual(change, { title: alone.title, shapes: alone.shapes, annotations: alone.annotations });
});

test("a picture shows the first choice without buttons", async () => {
  const figure = switchable({ one: accuracyByLayer(someRows()), two: accuracyByLayer(someRows(), { title: "two" }) });
  assert.ok(!("updatemenus" in plainFigure(withoutChoices(figure)).layout));
  const other = switchable({ one: accuracyByLayer(someRows()), three: accuracyByLayer(someRows(), { title: "3" }) });
  assert.deepEqual(await toPng(figure), await toPng(other));
  await closeBrowser();
});
