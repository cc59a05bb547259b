// Figures in words: what someone hears who does not see them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { plainFigure } from "../lib/figures/plain";
import { figureWords } from "../lib/figures/words";
import type { Figure } from "../lib/figures/style";

const layout = {
  title: { text: "<b>Drop &lt;in&gt; accuracy</b><br><span style='x'>1,000 test images</span>" },
  xaxis: { title: { text: "drop (pp)" } },
  yaxis: {},
};

test("figureWords() says title, axes, and for each named series how many points lie between which values", () => {
  const data = [
    { type: "scatter", y: [1, 2] }, // guides the eye
    { type: "bar", name: "channel-changing", x: Float32Array.of(80.83, 50.63), y: ["a", "b"] },
    { type: "bar", name: "other", x: [3, null, 3], y: ["c", "d", "e"] },
    { type: "scatter", name: "not shown", y: [1], visible: false },
  ];
  assert.deepEqual(figureWords(plainFigure({ data, layout } as unknown as Figure)).split("\n"), [
    "Drop <in> accuracy",
    "1,000 test images",
    "across: drop (pp)",
    "channel-changing: 2 points from 50.6 to 80.8",
    "other: 2 points at 3",
  ]);
});

test("figureWords() does not read out numbers that an axis has other words for, and counts the squares of a map", () => {
  const words = (data: object, axes: object) =>
    figureWords({ data: [data], layout: { title: { text: "t" }, ...axes } } as unknown as Figure)
      .split("\n")
      .at(-1);
  const series = { name: "dots", x: [1, 2], y: [-1, 2] };
  assert.equal(words(series, { yaxis: { ticktext: ["0.1", "100"] } }), "dots: 2 points");
  assert.equal(
    words({ ...series, yaxis: "y2" }, { yaxis: { ticktext: [] }, yaxis2: {} }),
    "dots: 2 points from -1 to 2",
  );
  assert.equal(
    words(
      {
        type: "heatmap",
        z: [
          [1, null],
          [0.25, 3],
        ],
      },
      {},
    ),
    "3 squares from 0.25 to 3",
  );
});

test("figureWords() says in which panel a series is where there are several", () => {
  const data = ["x", "x2"].map((xaxis, index) => ({ name: "conv1", x: [0], y: [index], xaxis }));
  const lines = figureWords({ data, layout: {} } as unknown as Figure).split("\n");
  assert.deepEqual(lines.slice(-2), ["panel 1, conv1: 1 point at 0", "panel 2, conv1: 1 point at 1"]);
});

test("figureWords() of a hundred series stays short", () => {
  const data = Array.from({ length: 100 }, (_, index) => ({ name: `run ${index}`, y: [index] }));
  const lines = figureWords({ data, layout: {} } as unknown as Figure).split("\n");
  assert.ok(lines.length < 30);
  assert.equal(lines.at(-1), "and 76 more");
});
