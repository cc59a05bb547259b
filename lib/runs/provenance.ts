// Where a result comes from: the code's commit, the versions of what computed it, and the hardware.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { join } from "node:path";
import type { Engine } from "../engine/backend";
import { type Table, tableOf } from "../tables/table";

/** Facts about a result, by name; plain values that JSON keeps. */
export type Provenance = Readonly<Record<string, string | number | boolean>>;

/** The commit, versions and hardware of this process; no clock, so that a re-run states the same. */
export function provenanceOf(engine: Engine): Provenance {
  // Only what computes: notebooks and figures change by being made.
  const status = git("status", "--porcelain", "--", "lib", "package.json", "package-lock.json", "requirements.txt");
  return {
    commit: git("rev-parse", "HEAD") ?? "unknown",
    codeChangedSinceCommit: status === undefined ? "unknown" : status !== "",
    nontrivial: versionOf("../../package.json"),
    node: process.versions.node,
    tfjs: engine.version,
    "tfjs-node-gpu": versionOf("@tensorflow/tfjs-node/package.json"),
    backend: engine.backend,
    tensorflow: engine.library ?? "none",
    oneDNN: engine.oneDNN,
    "pure-rand": versionOf("pure-rand/package.json"), // makes the random numbers
    gpu: engine.gpu,
    processor: cpus()[0]?.model.trim() ?? "unknown",
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    platform: `${process.platform} ${process.arch}`,
  };
}

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

function git(...words: string[]): string | undefined {
  try {
    return execFileSync("git", words, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  } catch {
    // Not a checkout, or no git: the result says so instead of failing.
    return undefined;
  }
}

function versionOf(packageFile: string): string {
  return (JSON.parse(readFileSync(require.resolve(packageFile), "utf8")) as { version: string }).version;
}
