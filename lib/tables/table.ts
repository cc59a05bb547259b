// Tables: what they are, and how records become one.
import { type ColumnTable, table } from "arquero";
import { columnsOf } from "./columns";

/** A table as a value: arquero's, columns of numbers, text and booleans. */
export type Table = ColumnTable;

/** Any records as a table: a column for every field of any of them, empty where a record has none. */
export function tableOf(records: readonly object[]): Table {
  return table(columnsOf(records));
}
