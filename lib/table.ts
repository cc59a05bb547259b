// Tables of rows, layers and epochs: the columns that a reader wants, as arquero tables.
import * as aq from "arquero";
import type { ColumnTable } from "arquero";
import { percent } from "./format";
import { changesChannels, kernelShape, type Layer, sizeOf } from "./network";
import type { Row } from "./rows";
import type { Epoch } from "./train";
import type { Verdict } from "./verdict";

export { toHtml, toMarkdown, toText, type TableOptions } from "./table-text";

/** A table as a value: arquero's, columns of numbers, text and booleans. */
export type Table = ColumnTable;

/** A row, with its verdict where the layers were judged. */
export type JudgedRow = Row & Partial<Pick<Verdict, "upper" | "verdict">>;

/** Any records with the same fields as a table. */
export function tableOf(records: readonly object[]): Table {
  return aq.from([...records]);
}

/**
 * The paper's table: one line per ablated layer, in forward order or the largest drop first.
 * Accuracies in percent with their Wilson interval, drops in percentage points; verdicts where the rows have them.
 */
export function ablationTable(
  rows: readonly JudgedRow[],
  options: { readonly order?: "forward" | "drop" } = {},
): Table {
  const sorted = options.order === "drop" ? [...rows].sort((a, b) => b.drop - a.drop) : rows;
  return tableOf(sorted.map((row) => ({ ...resultColumns(row), ...verdictColumns(row) })));
}

function resultColumns(row: Row) {
  return {
    layer: row.layer,
    channels: row.changesChannels ? "changes" : "keeps",
    weights: row.parameters,
    "accuracy %": 100 * row.accuracy,
    "95 % interval": `${percent(row.low)} to ${percent(row.high)}`,
    "drop pp": 100 * row.drop,
    lost: row.lost,
    gained: row.gained,
    flips: row.flips,
  };
}

/** The upper bound of the drop (one-sided 95 %) beside the verdict lets readers apply a margin of their own. */
function verdictColumns({ upper, verdict }: JudgedRow) {
  return verdict === undefined || upper === undefined ? {} : { "drop ≤ pp": 100 * upper, verdict };
}

/** The layers of a network: kernel, stride and what comes in and goes out. */
export function layerTable(layers: readonly Layer[]): Table {
  return tableOf(
    layers.map((layer) => ({
      layer: layer.name,
      stage: layer.stage,
      block: layer.block,
      kernel: `${layer.size} × ${layer.size}`,
      inputs: layer.inputs,
      outputs: layer.outputs,
      stride: layer.stride,
      weights: sizeOf(kernelShape(layer)),
      channels: changesChannels(layer) ? "changes" : "keeps",
    })),
  );
}

/** A training by epoch; what was not measured stays empty. */
export function historyTable(epochs: readonly Epoch[]): Table {
  return tableOf(
    epochs.map((epoch) => ({
      epoch: epoch.epoch,
      "learning rate": epoch.rate,
      "training loss": epoch.trainLoss,
      "training accuracy %": 100 * epoch.trainAccuracy,
      "test loss": epoch.testLoss ?? null,
      "test accuracy %": epoch.testAccuracy === undefined ? null : 100 * epoch.testAccuracy,
      seconds: Math.round(epoch.seconds),
      "images/s": Math.round(epoch.imagesPerSecond),
    })),
  );
}
