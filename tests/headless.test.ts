// Tests of notebooks that are run headless, by nbconvert, on the kernel of lib/jupyter.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { describe, test } from "node:test";
import { ENVIRONMENT, PYTHON } from "./jupyter/kernel";

interface Notebook {
  readonly code: number; // exit status of nbconvert
  readonly stderr: string;
  readonly cells: { execution_count: number | null; outputs: { text?: string[]; name?: string }[] }[];
  readonly metadata: { language_info?: { version?: string } };
}

/** Runs the cells as a notebook through `jupyter nbconvert --execute`, in a folder of its own. */
async function convert(...sources: string[]): Promise<Notebook> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "headless-test-"));
  const cells = sources.map((source, i) => ({
    cell_type: "code",
    id: `cell-${i}`,
    execution_count: null,
    metadata: {},
    outputs: [],
    source,
  }));
  const metadata = { kernelspec: { name: "tslab", display_name: "TypeScript", language: "typescript" } };
  const file = path.join(folder, "notebook.ipynb");
  fs.writeFileSync(file, JSON.stringify({ cells, metadata, nbformat: 4, nbformat_minor: 5 }));
  const options = [
    "--to",
    "notebook",
    "--execute",
    "--inplace",
    "--ExecutePreprocessor.raise_on_iopub_timeout=True",
    file,
  ];
  const { code, stderr } = await run(PYTHON, ["-m", "nbconvert", ...options]);
  const notebook = JSON.parse(fs.readFileSync(file, "utf8"));
  fs.rmSync(folder, { recursive: true });
  return { code, stderr, cells: notebook.cells, metadata: notebook.metadata };
}

function run(program: string, args: string[]): Promise<{ code: number; stderr: string }> {
  return new Promise((resolve) => {
    execFile(program, args, { env: ENVIRONMENT, timeout: 60_000 }, (error, _, stderr) =>
      resolve({ code: error ? Number(error.code ?? 1) : 0, stderr }),
    );
  });
}

describe("a headless run", { timeout: 120_000, concurrency: 2 }, () => {
  test("counts its cells, keeps their output and ends with 0", async () => {
    const notebook = await convert(
      `console.log(process.cwd());`,
      `for (let i = 0; i < 5000; i++) console.log(i);`,
      `1 + 1`,
    );
    assert.equal(notebook.code, 0, notebook.stderr);
    assert.deepEqual(
      notebook.cells.map((cell) => cell.execution_count),
      [1, 2, 3],
    );
    assert.deepEqual(notebook.cells[0].outputs[0].text, [`${process.cwd()}\n`]);
    const printed = notebook.cells[1].outputs.flatMap((output) => output.text!).join("");
    assert.equal(printed, Array.from({ length: 5000 }, (_, i) => `${i}\n`).join(""));
    assert.match(notebook.metadata.language_info!.version!, /^5\./);
  });

  test("fails when a promise that nobody awaited is rejected, and says why", async () => {
    const notebook = await convert(`1`, `Promise.reject(new Error("nobody awaited this"));`);
    assert.notEqual(notebook.code, 0);
    assert.match(notebook.stderr, /Error: nobody awaited this/);
  });
});
