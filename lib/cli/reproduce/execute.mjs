// Runs one notebook headless and writes its HTML; each file appears only when it is complete.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { runChild } from "../../setup/children.mjs";
import { childEnvironment } from "../../setup/environment.mjs";
import { interpreter } from "../../setup/python.mjs";
import { describeFailure, parseNotebook } from "./notebooks.mjs";

/**
 * Executes a notebook and puts the result in place of the target, which may be the notebook itself.
 * @param {{root: string, source: string, target: string, prepare?: (notebook: any) => any, results?: string,
 *   say: (text: string) => void}} options `prepare` changes the notebook before, such as its parameters; `results` is a folder with what
 *   earlier runs have computed, instead of one of its own: what is there was computed by whatever code there was then
 * @throws {Error} that names the cell which failed
 */
export async function executeNotebook({ root, source, target, prepare = (notebook) => notebook, results, say }) {
  const input = `${target}.${process.pid}.in.tmp`;
  const output = `${target}.${process.pid}.out.tmp`;
  mkdirSync(dirname(target), { recursive: true });
  try {
    const notebook = parseNotebook(basename(source), readFileSync(source, "utf8"));
    writeFileSync(input, JSON.stringify(prepare(notebook)));
    await runCells({ root, source, input, output, results, say });
    renameSync(output, target);
  } finally {
    for (const file of [input, output]) rmSync(file, { force: true });
  }
}

async function runCells({ root, source, input, output, results, say }) {
  let failure;
  const onLine = (line) => {
    const event = eventOf(line);
    if (event?.event === "cell") say(`cell ${event.number} of ${event.of},`);
    if (event?.event === "error") failure = event;
  };
  const own = results ? undefined : mkdtempSync(join(tmpdir(), "nontrivial-results-"));
  try {
    const script = join(root, "lib", "jupyter", "execute.py");
    const args = [script, input, output, dirname(source)];
    const env = { ...childEnvironment(root), NONTRIVIAL_RESULTS: results ?? own };
    await runChild(interpreter(root), args, { cwd: root, env, onLine });
  } catch (error) {
    throw failure && !error.interrupted
      ? new Error(describeFailure(basename(source), failure), { cause: error })
      : error;
  } finally {
    if (own) rmSync(own, { recursive: true, force: true });
  }
}

// A kernel's own output may come along on the same stream.
function eventOf(line) {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

const TEMPLATE = "lab-plotly";
const OFFLINE = ["--HTMLExporter.require_js_url=", "--HTMLExporter.mathjax_url=", "--HTMLExporter.mermaid_js_url="];

/**
 * Writes a self-contained HTML of an executed notebook, with interactive figures, that needs no network.
 * @param {{root: string, notebook: string, folder: string}} options
 * @returns {Promise<string>} its path
 */
export async function writeHtml({ root, notebook, folder }) {
  const name = `${basename(notebook, ".ipynb")}.html`;
  const temporary = `${name}.${process.pid}.tmp.html`;
  const template = existsSync(join(root, "lib", "jupyter", "nbconvert", "templates", TEMPLATE)) ? TEMPLATE : "lab";
  mkdirSync(folder, { recursive: true });
  const args = [
    "-m",
    "nbconvert",
    "--to",
    "html",
    "--template",
    template,
    ...OFFLINE,
    "--output-dir",
    folder,
    "--output",
    temporary,
  ];
  try {
    await runChild(interpreter(root), [...args, notebook], { cwd: root, env: childEnvironment(root) });
    renameSync(join(folder, temporary), join(folder, name));
  } finally {
    rmSync(join(folder, temporary), { force: true });
  }
  return join(folder, name);
}
