// Where a result comes from: the code's commit, the versions of what computed it, and the hardware.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import type { Engine } from "../engine/backend";

/** Facts about a result, by name; plain values that JSON keeps. */
export type Provenance = Readonly<Record<string, string | number | boolean>>;

/** The commit, versions and hardware of this process; no clock, so that a re-run states the same. */
export function provenanceOf(engine: Engine): Provenance {
  // Only what computes: notebooks and figures change by being made.
  const status = git("status", "--porcelain", "--", "lib", "package.json", "package-lock.json", "requirements.txt");
  return {
    commit: commit() ?? "unknown",
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
    ...(engine.accelerator !== undefined && { accelerator: engine.accelerator }),
    processor: cpus()[0]?.model.trim() ?? "unknown",
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    platform: `${process.platform} ${process.arch}`,
  };
}

/** The commit of the code here; undefined where it is no checkout. */
export const commit = (): string | undefined => git("rev-parse", "HEAD");

function git(...words: string[]): string | undefined {
  try {
    return execFileSync("git", words, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  } catch {
    // Not a checkout, or no git: the result says so instead of failing.
    return undefined;
  }
}

/** The version of a package, by its package.json as `require` finds it from here. */
export function versionOf(packageFile: string): string {
  return (JSON.parse(readFileSync(require.resolve(packageFile), "utf8")) as { version: string }).version;
}
