// Where a notebook's results come from, as a table.
import { readFileSync } from "node:fs";
import type { Engine } from "./backend";
import { provenanceOf } from "./provenance";
import { type Table, tableOf } from "./table";

/**
 * Where the notebook's results come from, as a table: code, versions, hardware, its parameters and what else is given (seed, data's hash).
 * Without a clock, so that a re-run shows the same.
 */
export function provenance(engine: Engine, config: object, extra: object = {}): Table {
  const versions = {
    tslab: versionOf("tslab"),
    typescript: versionOf("@tslab/typescript-for-tslab"),
    "plotly.js": versionOf("plotly.js-dist"),
    arquero: versionOf("arquero"),
  };
  const facts = { ...provenanceOf(engine), ...versions, ...extra, ...config };
  return tableOf(
    Object.entries(facts).map(([fact, value]) => ({
      fact,
      value: typeof value === "object" ? JSON.stringify(value) : String(value),
    })),
  );
}

function versionOf(name: string): string {
  const file = require.resolve("tslab/package.json").replace(/tslab\/package\.json$/, `${name}/package.json`);
  return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
}
