// Small rows, epochs and images that the tests of figures, tables and pages draw.
import { singles } from "../lib/ablations/sets";
import type { Dataset } from "../lib/data/dataset";
import type { HistoryEpoch } from "../lib/figures/history";
import type { Figure } from "../lib/figures/style";
import { layersOf } from "../lib/networks/layers";
import { specOf } from "../lib/networks/spec";
import { type EvenRow, type Row, rowsOf } from "../lib/results/rows";
import { wilson } from "../lib/statistics/intervals";

/** Rows of a sweep over 1,000 images in which layer k loses a growing share of them. */
export function someRows(name = "resnet20"): EvenRow[] {
  const layers = layersOf(specOf(name));
  const labels = Uint8Array.from({ length: 1000 }, (_, image) => image % 10);
  const without = (k: number) => labels.map((label, image) => (image % (layers.length + 1) < k ? 9 - label : label));
  const predictions = layers.map((_, index) => without(index));
  const rest = { seed: 1, precision: "float32", sets: singles(layers), classes: 10 } as const;
  return rowsOf({ network: name, operator: "zero", ...rest, labels, baseline: without(1), predictions });
}

/** A row with these counts; before the ablation, `before` images of 10,000 were right. */
export function countedRow(
  layer: string,
  lost: number,
  gained: number,
  options?: { before?: number } & Partial<EvenRow>,
): EvenRow;
export function countedRow(
  layer: string,
  lost: number,
  gained: number,
  options?: { before?: number } & Partial<Row>,
): Row;
export function countedRow(
  layer: string,
  lost: number,
  gained: number,
  { before = 9173, images = 10_000, ...rest }: { before?: number } & Partial<Row> = {},
): Row {
  const right = Math.round((before * images) / 10_000);
  const correct = right - lost + gained;
  const [low, high] = wilson(correct, images);
  const site = { layer, layers: 1, operator: "zero", stage: 1, block: 1, changesChannels: false } as const;
  const how = { precision: "float32", parameters: 2304 } as const;
  const accuracy = { images, correct, accuracy: correct / images, low, high, baseline: right / images, chance: 0.1 };
  const counts = { drop: (lost - gained) / images, lost, gained, flips: lost + gained };
  return { ...site, ...how, ...accuracy, ...counts, ...rest };
}

/** A training of some epochs; the test set is looked at in the last one only. */
export function someEpochs(count: number): HistoryEpoch[] {
  return Array.from({ length: count }, (_, index) => ({
    epoch: index + 1,
    rate: 0.1 / (index + 1),
    trainLoss: index === 1 ? NaN : 2 / (index + 1),
    trainAccuracy: 0.9 - 0.5 / (index + 1),
    ...(index === count - 1 ? { testLoss: 1, testAccuracy: 0.8 } : {}),
  }));
}

/** A figure of a few marks, with its numbers in typed arrays, and the same one with lists. */
export function typedFigure(): { typed: Figure; listed: Figure } {
  const [x, y] = [Int32Array.of(1, 2, 3, 4), Float32Array.of(0.5, 0.25, NaN, 0.75)];
  const figure = (x: unknown, y: unknown, range: unknown) =>
    ({
      data: [{ type: "scatter", mode: "markers", x, y, marker: { size: 20, color: "#0072b2" } }],
      layout: { title: { text: "Typed" }, xaxis: { range } },
    }) as unknown as Figure;
  return {
    typed: figure(x, y, Float64Array.of(0, 5)),
    listed: figure([1, 2, 3, 4], [0.5, 0.25, null, 0.75], [0, 5]),
  };
}

/** Images of one colour each: red, green, blue. */
export function colouredImages(classes: readonly string[]): Dataset {
  const images = Uint8Array.from({ length: 3 * 3072 }, (_, at) => (at % 3 === Math.floor(at / 3072) ? 255 : 0));
  return { name: "cifar10", split: "test", count: 3, images, labels: Uint8Array.of(0, 1, 1), classes, sha256: "none" };
}
