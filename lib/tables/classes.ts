// Table of damage per class: which classes does a layer's loss hit?
import type { ClassRow } from "../results/rows";
import { type Table, tableOf } from "./table";

/**
 * One line per ablated layer with its drop in percentage points for each class; classes without images have no column.
 * @param classes what label 0, 1, ... is called
 */
export function classTable(rows: readonly ClassRow[], classes: readonly string[]): Table {
  const lines = new Map<string, Record<string, number | string>>();
  for (const { layer, label, drop } of rows) {
    const line = lines.get(layer) ?? { layer };
    lines.set(layer, { ...line, [`${classes[label] ?? `class ${label}`} pp`]: 100 * drop });
  }
  return tableOf([...lines.values()]);
}
