// Runs papermill once for every variant of a notebook, and keeps those that are finished.
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { onInterrupt, runChild } from "../../setup/children.mjs";
import { childEnvironment, ROOT } from "../../setup/environment.mjs";
import { interpreter } from "../../setup/python.mjs";
import { createReport } from "../../setup/report.mjs";
import { UsageError } from "../command";
import { describeFailure, parseNotebook } from "../reproduce/notebooks.mjs";
import type { ParameterNotebook } from "./choice";
import { type Values, type Variant, variantsOf } from "./parameters";

export interface NotebookOptions {
  /** Words such as "images=2000". */
  readonly parameter: readonly string[];
  readonly out: string;
  readonly fresh: boolean;
}

/**
 * Runs a notebook with parameters, once for every combination of their values; lines on the output say what came of each.
 * @returns whether all are finished
 * @throws UsageError for words that are no parameters of it, and where a file is in the way
 */
export async function runNotebook(notebook: ParameterNotebook, options: NotebookOptions): Promise<boolean> {
  const { parameter, out, fresh } = options;
  const variants = variantsOf(parameter, notebook.parameters);
  const runs = variants.map((variant) => runOf(notebook, variant, out));
  const finished = new Set(fresh ? [] : runs.filter((run) => isFinished(notebook, run)));
  mkdirSync(out, { recursive: true });
  const stopListening = onInterrupt();
  try {
    let good = true;
    for (const run of runs) good = (await done(notebook, run, finished.has(run))) && good;
    return good;
  } finally {
    stopListening();
  }
}

interface Run {
  readonly name: string;
  readonly target: string;
  readonly values: Values;
}

/** Figures go beside the notebook: those of the project belong to the committed one. */
function runOf({ name: own, parameters }: ParameterNotebook, { values, suffix }: Variant, out: string): Run {
  const name = own + suffix;
  const saves = parameters.some((each) => each.name === "figures") && !("figures" in values);
  const figures = relative(ROOT, join(out, "figures", name));
  return { name, target: join(out, `${name}.ipynb`), values: saves ? { ...values, figures } : values };
}

interface Executed {
  readonly cells: readonly ExecutedCell[];
  readonly metadata: { readonly papermill?: Readonly<Record<string, unknown>> };
}

interface ExecutedCell {
  readonly cell_type: string;
  readonly source: string | readonly string[];
  readonly metadata?: { readonly tags?: readonly string[] };
  readonly outputs?: readonly Readonly<Record<string, unknown>>[];
}

const read = (file: string): Executed => parseNotebook(basename(file), readFileSync(file, "utf8")) as Executed;

/** Whether a run stands there, finished, of this very notebook and these values. @throws UsageError where another one does */
function isFinished(notebook: ParameterNotebook, { target, values }: Run): boolean {
  if (!existsSync(target)) return false;
  const { cells, metadata } = read(target);
  const { papermill } = metadata;
  if (papermill && (!papermill.end_time || papermill.exception)) return false;
  const same = isDeepStrictEqual(sourcesOf(cells), sourcesOf(notebook.content.cells));
  if (papermill && same && isDeepStrictEqual(papermill.parameters, values)) return true;
  throw new UsageError(
    `Cannot write ${target}: there is another notebook, or one made with other parameters; --fresh replaces it, --out takes another folder`,
  );
}

/** Without the cells that papermill puts in: parameters, and a mark where a run failed. */
function sourcesOf(cells: readonly Pick<ExecutedCell, "source" | "metadata">[]): string[] {
  const own = ({ metadata }: Pick<ExecutedCell, "metadata">) =>
    !metadata?.tags?.some((tag) => ["injected-parameters", "papermill-error-cell-tag"].includes(tag));
  return cells.filter(own).map(({ source }) => [source].flat().join(""));
}

/** A path within the project without the project's. */
const shownPath = (file: string): string => (relative(ROOT, file).startsWith("..") ? file : relative(ROOT, file));

async function done(notebook: ParameterNotebook, run: Run, finished: boolean): Promise<boolean> {
  const report = createReport();
  const shown = shownPath(run.target);
  if (finished) {
    report.ready(run.name, `finished before: ${shown}`);
    return true;
  }
  try {
    await report.work(run.name, "starting the kernel,", async (say: (text: string) => void) => {
      await execute(notebook, run, say);
      return `executed: ${shown}`;
    });
    return true;
  } catch (error) {
    if ((error as { interrupted?: boolean }).interrupted) throw error;
    report.failed(run.name, { message: failureText(run, error as Error), advice: adviceFor(shown) });
    return false;
  }
}

const adviceFor = (shown: string) =>
  `What it has so far is in ${shown}. The same command runs it again; sweeps that were finished are read back.`;

async function execute({ file }: ParameterNotebook, { target, values }: Run, say: (text: string) => void) {
  const onLine = (line: string) => /^cell \d+ of \d+$/.test(line) && say(`${line},`);
  const engine = ["--engine", "tslab", "--cwd", dirname(file), "--no-progress-bar"];
  const args = ["-m", "papermill", file, target, ...engine, "-y", JSON.stringify(values)];
  await runChild(interpreter(ROOT), args, { cwd: ROOT, env: childEnvironment(), onLine });
}

/** What the notebook itself says of its failure; where it holds none, papermill's last line. */
function failureText({ name, target }: Run, error: Error & { output?: string }): string {
  const code = existsSync(target) ? read(target).cells.filter(isRun) : [];
  const index = code.findIndex((cell) => errorIn(cell));
  if (index < 0) return `${name} ended early: ${error.output?.split("\n").at(-1) ?? error.message}`;
  const { ename, evalue, traceback } = errorIn(code[index])!;
  const told = { name: ename, message: evalue, traceback: [traceback].flat().join("\n") };
  return describeFailure(name, { number: index + 1, source: [code[index].source].flat().join(""), ...told });
}

const isRun = ({ cell_type, source }: ExecutedCell): boolean =>
  cell_type === "code" && [source].flat().join("").trim() !== "";
const errorIn = ({ outputs = [] }: ExecutedCell) =>
  outputs.find(({ output_type }) => output_type === "error") as
    (Record<"ename" | "evalue", string> & { traceback: unknown }) | undefined;
