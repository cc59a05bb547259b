// Figures of several operators as values: which square and which point stands for which row.
import assert from "node:assert/strict";
import { test } from "node:test";
import { dropByDose } from "../lib/figures/doses";
import { squaresTrace } from "../lib/figures/heatmap";
import { agreementMap, dropByOperator } from "../lib/figures/operators";
import type { Figure } from "../lib/figures/style";
import { someRows } from "./figures";

type Trace = { x: number[]; y: number[]; z: (number | null)[][]; text: string[][]; customdata: string[][] } & Record<
  string,
  unknown
>;
const traces = (figure: Figure) => figure.data as unknown as Trace[];
const rows = someRows();
const hostile = `<script>alert("x")</script>`;

test("squaresTrace() puts each square where it belongs and leaves the rest empty", () => {
  const square = { row: 1, column: 2, value: 5, text: "5", hover: "five" };
  const { z, text, x, y } = squaresTrace([square], { rows: 2, columns: 3 }, {}) as unknown as Trace;
  assert.deepEqual(
    [x, y],
    [
      [1, 2, 3],
      [1, 2],
    ],
  );
  assert.deepEqual(z, [
    [null, null, null],
    [null, null, 5],
  ]);
  assert.equal(text[1][2], "5");
});

test("dropByOperator() has a square in percentage points per layer and operator, none where an operator does not apply", () => {
  const { data, layout } = dropByOperator({ blocks: rows.slice(2, 4), zero: rows });
  const [drops] = data as unknown as Trace[];
  assert.deepEqual((layout.xaxis as { ticktext: string[] }).ticktext, ["blocks", "zero"]);
  assert.deepEqual(
    (layout.yaxis as { ticktext: string[] }).ticktext,
    rows.map(({ layer }) => layer),
  );
  rows.forEach((row, index) => {
    assert.equal(drops.z[index][1], 100 * row.drop);
    assert.equal(drops.z[index][0], index === 2 || index === 3 ? 100 * row.drop : null);
  });
  assert.equal(drops.text[18][1], (100 * rows[18].drop).toFixed(0));
  assert.match(drops.customdata[18][1], /lost \d+, gained \d+ of 1,000/);
});

test("dropByOperator() shows a no-op as a no-op, not as a drop of nothing", () => {
  const still = rows.map((row, index) => (index === 3 ? { ...row, unchanged: true } : row));
  const [drops, still3] = traces(dropByOperator({ zero: still }));
  assert.equal(drops.z[3][0], null);
  assert.equal(still3.text[3][0], "no-op");
  assert.equal(still3.z.flat().filter((value) => value !== null).length, 1);
});

test("agreementMap() frames the diagonal and leaves out what is not a number", () => {
  const taus = [
    [0.5, NaN],
    [-0.25, 1],
  ];
  const figure = agreementMap({ operators: ["a", "b"], taus });
  const [{ z, text }] = traces(figure);
  assert.deepEqual(z, [
    [0.5, null],
    [-0.25, 1],
  ]);
  assert.equal(text[1][0], "−0.25");
  assert.deepEqual(
    figure.layout.shapes?.map(({ x0, y0 }) => [x0, y0]),
    [
      [0.5, 0.5],
      [1.5, 1.5],
    ],
  );
});

test("dropByDose() has a line per layer from the intact network on, a panel per stage, rings for no-ops", () => {
  const still = rows.map((row) => ({ ...row, unchanged: true }));
  const lines = traces(
    dropByDose([
      { dose: 0.25, rows: still },
      { dose: 1, rows },
    ]),
  );
  assert.equal(lines.length, rows.length);
  assert.deepEqual(lines[7].x, [0, 25, 100]);
  assert.deepEqual(lines[7].y, [0, 100 * rows[7].drop, 100 * rows[7].drop]);
  assert.deepEqual((lines[7].marker as { symbol: string[] }).symbol, ["circle", "circle-open", "circle"]);
  const panels = rows.map(({ stage }, index) => [Math.max(1, stage), lines[index].xaxis]);
  assert.deepEqual(new Set(panels.map(String)), new Set(["1,x", "2,x2", "3,x3"]));
  assert.deepEqual(
    lines.filter(({ showlegend }) => showlegend).map(({ name }) => name),
    ["stem.conv", "block1.conv1", "block1.conv2", "block2.conv1", "block2.conv2", "block3.conv1", "block3.conv2"],
  );
});

test("dropByDose() names the operator where all doses are of one", () => {
  const titleOf = (...operators: string[]) =>
    JSON.stringify(
      dropByDose(
        operators.map((operator, index) => ({ dose: index / 2, rows: rows.map((row) => ({ ...row, operator })) })),
      ).layout.title,
    );
  assert.match(titleOf("noise:0.5", "noise:1"), /<b>Drop in accuracy by dose of noise</);
  assert.match(titleOf("zeroFilters:0.5", "zero"), /<b>Drop in accuracy by dose</);
  assert.match(titleOf("<b>:1"), /by dose of &lt;b&gt;</);
});

test("figures of operators obey no markup in names", () => {
  const named = rows.map((row) => ({ ...row, layer: hostile + row.layer }));
  const figures = [
    dropByOperator({ [hostile]: named }, { title: hostile }),
    agreementMap({ operators: [hostile], taus: [[1]] }, { title: hostile }),
    dropByDose([{ dose: 1, rows: named }], { title: hostile, dosed: hostile }),
  ];
  for (const figure of figures) {
    const text = JSON.stringify(figure);
    assert.doesNotMatch(text, /<script/);
    assert.match(text, /&lt;script&gt;/);
  }
});

test("figures of operators cannot be drawn from nothing", () => {
  assert.throws(() => dropByOperator({}), {
    name: "RangeError",
    message: "Cannot draw drops by operator: expected at least one row but found none",
  });
  assert.throws(() => dropByDose([]), RangeError);
  assert.throws(() => dropByDose([{ dose: 1, rows: [] }]), RangeError);
});
