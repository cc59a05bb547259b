// Figures as plain JSON: typed arrays in them are lists, wherever they are, and what JSON would lose is refused by its place.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Figure } from "../lib/figures/style";
import { plainFigure } from "../lib/figures/plain";
import { accuracyByLayer } from "../lib/figures/layers";
import { dataFrame } from "../lib/tables/data-frame";
import { someRows } from "./figures";

const figureOf = (x: unknown, layout: object = {}) => ({ data: [{ type: "scatter", x }], layout }) as unknown as Figure;
const xOf = (figure: Figure) => (figure.data[0] as { x: unknown }).x;

test("plainFigure() leaves a plain figure as it is, and makes lists of all typed arrays", () => {
  const figure = accuracyByLayer(someRows());
  assert.deepEqual(plainFigure(figure), JSON.parse(JSON.stringify(figure)));
  for (const Typed of [Float32Array, Float64Array, Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint32Array])
    assert.deepEqual(xOf(plainFigure(figureOf(Typed.of(1, 2, 3)))), [1, 2, 3], Typed.name);
  assert.deepEqual(xOf(plainFigure(figureOf(new Float32Array([1, 2, 3]).subarray(1)))), [2, 3]);
  const nested = plainFigure(
    figureOf([Uint8Array.of(1), [Int8Array.of(-1)]], { xaxis: { range: Float64Array.of(0, 9) } }),
  );
  assert.deepEqual(
    [xOf(nested), nested.layout.xaxis?.range],
    [
      [[1], [[-1]]],
      [0, 9],
    ],
  );
});

test("plainFigure() leaves gaps for what is no number, in lists of any kind, and writes dates", () => {
  assert.deepEqual(xOf(plainFigure(figureOf(Float32Array.of(1, NaN, Infinity)))), [1, null, null]);
  assert.deepEqual(xOf(plainFigure(figureOf([1, NaN, -Infinity, undefined, null]))), [1, null, null, null, null]);
  assert.deepEqual(xOf(plainFigure(figureOf([new Date(0)]))), ["1970-01-01T00:00:00.000Z"]);
  assert.deepEqual(Object.keys(plainFigure(figureOf([], { width: undefined })).layout), []);
});

test("plainFigure() refuses what JSON does not keep, and says where it is", async () => {
  const series = (await dataFrame([{ a: 1 }])).column("a");
  for (const [x, message] of [
    [BigInt64Array.of(1n), "data[0].x is a BigInt64Array"],
    [BigUint64Array.of(1n), "data[0].x is a BigUint64Array"],
    [[1, 2n], "data[0].x[1] is a bigint"],
    [new Set([1]), "data[0].x is a Set"],
    [new Map(), "data[0].x is a Map"],
    [new DataView(new ArrayBuffer(8)), "data[0].x is a DataView"],
    [() => 1, "data[0].x is a function"],
    [series, "data[0].x is a Series"],
  ] as const)
    assert.throws(() => plainFigure(figureOf(x)), {
      name: "TypeError",
      message: `Cannot show the figure: its ${message}, expected numbers, text, and lists or objects of them`,
    });
  assert.throws(
    () => plainFigure(figureOf([], { xaxis: { range: [0, 1n] } })),
    /its layout\.xaxis\.range\[1\] is a bigint/,
  );
});

test("plainFigure() takes hundreds of thousands of points", () => {
  assert.equal((xOf(plainFigure(figureOf(new Float32Array(500_000)))) as number[]).length, 500_000);
});
