// Where a notebook's results come from, as a table.
import { join } from "node:path";
import type { Engine } from "../engine/backend";
import { provenanceOf, versionOf } from "../runs/provenance";
import { type Table, tableOf } from "./table";

/**
 * Where a notebook's results come from, as a table: code, versions, hardware, its parameters and what else is given.
 * @param config the notebook's parameters
 * @param extra further facts, such as the data's digest
 */
export function provenance(engine: Engine, config: object, extra: object = {}): Table {
  const versions = {
    tslab: versionOf("tslab/package.json"),
    typescript: versionOf(besideTslab("@tslab/typescript-for-tslab")),
    "plotly.js": versionOf(besideTslab("plotly.js-dist")),
    arquero: versionOf(besideTslab("arquero")),
  };
  return factTable({ ...provenanceOf(engine), ...versions, ...extra, ...config });
}

/** Facts by name as a table of two columns; what is not plain is shown as JSON. */
export function factTable(facts: object): Table {
  return tableOf(
    Object.entries(facts).map(([fact, value]) => ({
      fact,
      value: typeof value === "object" ? JSON.stringify(value) : String(value),
    })),
  );
}

/** The package.json of a package that does not export it, found as the neighbour of one that does. */
function besideTslab(name: string): string {
  return join(require.resolve("tslab/package.json"), "..", "..", name, "package.json");
}
