// Records as columns: every field of every record under its name, for tables and data frames.

/** The fields of all records in the order in which they first occur, each with a value per record; null where a record has none. */
export function columnsOf(records: readonly object[]): Map<string, unknown[]> {
  const columns = new Map<string, unknown[]>();
  records.forEach((record, index) => {
    for (const [name, value] of Object.entries(record)) {
      const column = columns.get(name) ?? new Array<unknown>(records.length).fill(null);
      columns.set(name, column);
      column[index] = value ?? null;
    }
  });
  return columns;
}
