// What a value looks like when it is shown: the one place that knows the kinds of values. Those of libraries are told by their shape, so
// that none is loaded for it.
import type { Dataset } from "../data/dataset";
import { networkPicture } from "../figures/chain";
import { imageGrid } from "../figures/images";
import type { Figure } from "../figures/style";
import { layersOf } from "../networks/layers";
import { type Network, parameterCount } from "../networks/network";
import { type Spec, specName } from "../networks/spec";
import type { ExactVerdicts } from "../results/exact";
import type { Sweep } from "../results/matrix";
import { type Row, rowsOf } from "../results/rows";
import { verdictsOf } from "../results/verdict";
import type { Run } from "../runs/run-file";
import { largestOf, smallestOf } from "../statistics/extremes";
import { ablationTable } from "../tables/ablations";
import { captionOf } from "../tables/caption";
import { exactCaption, exactTable } from "../tables/exact";
import { factTable } from "../tables/provenance";
import { toHtml, toText } from "../tables/render";
import { type Table, tableOf } from "../tables/table";
import { escapeHtml, grouped, percent } from "../text/format";

/** HTML of the notebook's own making; its text is what viewers without HTML show. */
export interface Html {
  readonly html: string;
  readonly text: string;
}

/** What can be drawn, and the line above it that is shown where none is asked for. */
export interface View {
  readonly what: Figure | Table | Html;
  readonly caption?: string;
}

/** A kind of value: how it is told from others, and how it looks. */
interface Kind {
  readonly name: string;
  readonly is: (value: object) => boolean;
  readonly view: (value: never) => View;
}

const has =
  (...fields: string[]) =>
  (value: object): boolean =>
    fields.every((field) => field in value);

const PICTURES = 20; // of a data set

/** The kinds, more special ones first. */
const KINDS: readonly Kind[] = [
  { name: "HTML", is: has("html", "text"), view: (what: Html) => ({ what }) },
  {
    name: "a figure",
    is: (value) => has("layout", "data")(value) && Array.isArray((value as Figure).data),
    view: (what: Figure) => ({ what }),
  },
  { name: "a table", is: has("columnNames", "objects", "numRows"), view: (what: Table) => ({ what }) },
  { name: "a DataFrame", is: has("columns", "values", "dtypes"), view: frameView },
  { name: "a tensor", is: has("shape", "dtype", "dataSync"), view: tensorView },
  {
    name: "a result of sweepLive",
    is: has("sweep", "verdicts"),
    view: ({ sweep }: { sweep: Sweep }) => sweepView(sweep),
  },
  { name: "exact verdicts", is: has("sets", "margin", "verdicts"), view: exactView },
  { name: "a sweep", is: has("sets", "predictions", "labels"), view: sweepView },
  { name: "a run", is: has("network", "history", "config"), view: runView },
  { name: "a network", is: has("spec", "parameters", "normalization"), view: networkView },
  { name: "a dataset", is: has("images", "labels", "classes", "count"), view: datasetView },
  { name: "rows", is: isRows, view: rowsView },
  { name: "a record", is: isPlain, view: (record: object) => ({ what: factTable(record) }) },
];

/**
 * How a value is shown: a figure, table or HTML as it is, rows, sweeps, arquero's tables and danfojs' frames as tables, runs, networks and
 * tensors as cards, a dataset as its first pictures.
 * @throws TypeError that names what can be shown when it is something else
 */
export function viewOf(value: unknown): View {
  const known = typeof value === "object" && value !== null && KINDS.find(({ is }) => is(value));
  if (known) return known.view(value as never);
  const found = value === null ? "null" : Array.isArray(value) ? `an array of ${value.length}` : typeof value;
  throw new TypeError(
    `Cannot show ${found}: expected ${KINDS.map(({ name }) => name).join(", ")}; console.log() prints anything`,
  );
}

/**
 * How the result of a cell is shown: as `viewOf` says, but of lists and records only those of plain values, which make tables; undefined for
 * what is better printed, such as nested JSON, typed arrays and text.
 */
export function resultView(value: object): View | undefined {
  const kind = KINDS.find(({ is }) => is(value));
  if (!kind || (isPlain(value) && kind === KINDS.at(-1) && !isFlat(value))) return undefined;
  const rows = Array.isArray(value) ? (value as object[]) : [];
  if (!rows.every(isFlat) && !isSweepRows(rows)) return undefined;
  return kind.view(value as never);
}

const isFlat = (record: object): boolean =>
  Object.keys(record).length > 0 && Object.values(record).every((value) => typeof value !== "object" || value === null);

function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value) as unknown;
  return prototype === Object.prototype || prototype === null;
}

function isRows(value: object): boolean {
  return (
    Array.isArray(value) &&
    value.length > 0 &&
    value.every((row) => typeof row === "object" && row !== null && isPlain(row as object))
  );
}

function isSweepRows(rows: readonly object[]): rows is readonly Row[] {
  return rows.every(has("layer", "drop", "accuracy", "images", "lost", "gained"));
}

/** Rows of a sweep as its table, all other records as they are. */
function rowsView(rows: readonly object[]): View {
  return { what: isSweepRows(rows) ? ablationTable(rows) : tableOf(rows) };
}

function sweepView(sweep: Sweep): View {
  return { what: ablationTable(verdictsOf(rowsOf(sweep))), caption: captionOf(sweep) };
}

function exactView(found: ExactVerdicts): View {
  return { what: exactTable(found), caption: exactCaption(found) };
}

function frameView({ columns, values }: { columns: readonly string[]; values: readonly (readonly unknown[])[] }): View {
  return { what: tableOf(values.map((row) => Object.fromEntries(columns.map((name, index) => [name, row[index]])))) };
}

/** A tensor as far as it is looked at; it is neither changed nor disposed of. */
interface TensorLike {
  readonly shape: readonly number[];
  readonly dtype: string;
  dataSync(): ArrayLike<number>;
}

function tensorView(tensor: TensorLike): View {
  const numbers = Array.from(tensor.dataSync());
  const range = numbers.length > 0 ? { least: smallestOf(numbers), greatest: largestOf(numbers) } : {};
  const first = `${numbers.slice(0, 8).join(", ")}${numbers.length > 8 ? ", ..." : ""}`;
  return {
    what: factTable({ shape: `[${tensor.shape.join(", ")}]`, type: tensor.dtype, ...range, first }),
    caption: "Tensor",
  };
}

function networkView({ name, spec, parameters, assumed }: Network): View {
  const facts = {
    architecture: specName(spec),
    parameters: grouped(parameterCount(spec)),
    layers: layersOf(spec).length,
    classes: parameters.get("dense.bias")?.data.length ?? "as its graph says",
    ...(assumed && { assumed }),
  };
  return networkCard(name, spec, facts);
}

function runView({ network, accuracy, testImages, data, seed, config, provenance }: Run): View {
  const { commit, finished, processor, accelerator } = provenance;
  const facts = {
    architecture: specName(network.spec),
    parameters: grouped(parameterCount(network.spec)),
    "test accuracy": `${percent(accuracy)} %${testImages ? ` of ${grouped(testImages)} images` : ""}`,
    "trained on": `${data.images ? `${grouped(data.images)} images of ` : ""}${data.name}`,
    ...{ seed, epochs: config.epochs, precision: config.precision },
    ...Object.fromEntries(Object.entries({ commit, finished, processor, accelerator }).filter(([, value]) => value)),
  };
  return networkCard(network.name, network.spec, facts);
}

/** Facts of a network under the picture of its blocks, where they are known. */
function networkCard(caption: string, spec: Spec, facts: object): View {
  const [table, picture] = [factTable(facts), networkPicture(spec)];
  if (!picture) return { what: table, caption };
  // A picture by its address, which JupyterLab shows also in notebooks that are not trusted; it would strip an SVG element.
  const address = `data:image/svg+xml;base64,${Buffer.from(picture.svg).toString("base64")}`;
  const image = `<div style="overflow-x:auto"><img src="${address}" alt="${escapeHtml(picture.text)}" style="max-width:none"></div><small>bars: convolutions, orange where they change the number of channels; above: shortcuts</small>`;
  const text = `${toText(table, { caption })}\n${picture.text}`;
  return { what: { html: `${toHtml(table, { caption })}${image}`, text } };
}

function datasetView(dataset: Dataset): View {
  const { name, split, count, classes } = dataset;
  const shown = Array.from({ length: Math.min(PICTURES, count) }, (_, index) => index);
  const title = `${name}, ${split}: ${grouped(count)} images, ${classes.length} classes; the first ${shown.length}`;
  return { what: imageGrid(dataset, shown, { title }) };
}
