// A danfojs DataFrame of results, for those who know pandas; apart from table.ts, as danfojs and its types take long to load.
import type { DataFrame } from "danfojs-node";
import { columnsOf } from "./columns";

/**
 * Records as a DataFrame: a column for every field of any record, of numbers, booleans or, for everything else, text. What a record
 * lacks is NaN in all of them, as in pandas: `dropNa` and `isNa` know it, the mean of a group with a missing number is NaN.
 *
 * danfojs makes a property of each column, which would hide what a DataFrame has of that name: such a column gets an underscore,
 * `drop` becomes `drop_`. danfojs is loaded only here: it brings TensorFlow.js with it.
 */
export async function dataFrame(records: readonly object[]): Promise<DataFrame> {
  const danfojs = await import("danfojs-node");
  const columns = columnsOf(records);
  const typed = [...columns.values()].map(typedColumn);
  const rows = records.map((_, index) => typed.map(({ values }) => values[index]));
  const names = freeNames([...columns.keys()], new danfojs.DataFrame([]));
  return new danfojs.DataFrame(rows, { columns: names, dtypes: typed.map(({ dtype }) => dtype) });
}

type Cell = number | boolean | string;

interface TypedColumn {
  readonly dtype: "int32" | "float32" | "boolean" | "string";
  readonly values: readonly Cell[];
}

/** A column with its type said: danfojs guesses it from the first values alone. */
function typedColumn(column: readonly unknown[]): TypedColumn {
  const present = column.filter((value) => value !== null);
  const filled = (cellOf: (value: unknown) => Cell) => column.map((value) => (value === null ? NaN : cellOf(value)));
  const asIs = (value: unknown) => value as Cell;
  if (present.every((value) => typeof value === "number")) {
    const whole = column.every((value) => value === Math.trunc(value as number) && Math.abs(value as number) < 2 ** 31);
    return { dtype: whole ? "int32" : "float32", values: filled(asIs) };
  }
  if (present.every((value) => typeof value === "boolean")) return { dtype: "boolean", values: filled(asIs) };
  return {
    dtype: "string",
    values: filled((value) => (typeof value === "object" ? JSON.stringify(value) : String(value))),
  };
}

/** The names, with underscores after those that are taken. */
function freeNames(names: readonly string[], frame: DataFrame): string[] {
  const used = new Set(names.filter((name) => !(name in frame)));
  return names.map((name) => {
    if (used.has(name)) return name;
    let free = `${name}_`;
    while (used.has(free) || free in frame) free += "_";
    used.add(free);
    return free;
  });
}
