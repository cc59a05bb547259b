// Executes notebooks again in a folder of their own, and holds what they say against what they said.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { onInterrupt } from "../../setup/children.mjs";
import { ROOT } from "../../setup/environment.mjs";
import { createReport } from "../../setup/report.mjs";
import { asked } from "../command";
import { executeNotebook } from "../reproduce/execute.mjs";
import { chooseNotebooks, parametersOf, parseNotebook, withParameters } from "../reproduce/notebooks.mjs";
import { compareNotebooks, type Comparison } from "./compare";
import type { Notebook } from "./outputs";
import { isSame, outcome, type Verified } from "./report";

export interface VerifyOptions {
  /** Only these, by name or number (default: all). */
  readonly wanted?: readonly string[];
  /** Whether numbers may differ as between machines. */
  readonly between?: boolean;
  /** Whether sweeps are computed although data/results keeps them. */
  readonly fresh?: boolean;
  /** The folder of the notebooks (default: the committed ones). */
  readonly folder?: string;
}

/** Verifies notebooks one after the other; a line on the error output says how far it is. @throws UsageError where there is none of that name */
export async function verifyNotebooks(options: VerifyOptions): Promise<Verified[]> {
  const { wanted = [], folder = join(ROOT, "notebooks") } = options;
  const names = chosenNotebooks(folder, wanted);
  const temporary = mkdtempSync(join(tmpdir(), "nontrivial-verify-"));
  const stopListening = onInterrupt();
  const found: Verified[] = [];
  try {
    for (const name of names) found.push(await verifyOne(join(folder, name), temporary, options));
    return found;
  } finally {
    stopListening();
    rmSync(temporary, { recursive: true, force: true });
  }
}

/** The names of the notebooks in a folder that are wanted, each by its name or number; all without. @throws UsageError where there is none */
export function chosenNotebooks(folder: string, wanted: readonly string[]): string[] {
  const names = readdirSync(folder);
  return asked(() => (wanted.length > 0 ? wanted : [undefined]).flatMap((each) => chooseNotebooks(names, each)));
}

async function verifyOne(source: string, temporary: string, options: VerifyOptions): Promise<Verified> {
  const notebook = basename(source, ".ipynb");
  const report = createReport({ stream: process.stderr });
  const work = async (say: (text: string) => void) => {
    const results = options.fresh ? undefined : join(ROOT, "data", "results");
    verified = { notebook, ...(await executedAgain(source, temporary, { ...options, results, say })) };
    if (!isSame(verified)) throw new Error(outcome(verified));
    return outcome(verified);
  };
  let verified: Verified | undefined;
  try {
    await report.work(notebook, "starting the kernel,", work);
  } catch (error) {
    const { message, interrupted } = error as Error & { interrupted?: boolean };
    if (interrupted) throw error;
    report.failed(notebook, { message });
    return verified ?? { notebook, failure: message };
  }
  return verified!;
}

/** How a notebook is executed again. */
export interface AgainOptions {
  /** Whether numbers may differ as between machines (default: where the machines differ). */
  readonly between?: boolean;
  /** The folder of results to read back and to add to; none: everything is computed. */
  readonly results?: string;
  readonly say: (text: string) => void;
}

/**
 * Executes a notebook again in a folder of its own, where its figures go, and compares.
 * @throws Error where a cell fails
 */
export async function executedAgain(source: string, temporary: string, options: AgainOptions): Promise<Comparison> {
  const { between, results, say } = options;
  const target = join(temporary, basename(source));
  const prepare = (notebook: Notebook) => withFigures(notebook, join(temporary, "figures"));
  await executeNotebook({ root: ROOT, source, target, prepare, results, say });
  const [was, is] = [source, target].map(readNotebook);
  return compareNotebooks(was, is, { exact: between ? false : undefined });
}

/** Reads a notebook's file. @throws TypeError in one line where it is none */
export const readNotebook = (file: string): Notebook =>
  parseNotebook(basename(file), readFileSync(file, "utf8")) as Notebook;

const isInjected = ({ metadata }: Notebook["cells"][number]) =>
  metadata?.tags?.includes("injected-parameters") === true;

/** A notebook that saves its figures in a folder, where it saves any, with all other parameters as they were. */
function withFigures(notebook: Notebook, figures: string): Notebook {
  if (!parametersOf(notebook)?.some(({ name }) => name === "figures")) return notebook;
  if (!notebook.cells.some(isInjected)) return withParameters(notebook, { figures }, "npm run verify") as Notebook;
  const added = `\nCONFIG.figures = ${JSON.stringify(figures)};`;
  const cells = notebook.cells.map((cell) =>
    isInjected(cell) ? { ...cell, source: [cell.source].flat().join("") + added } : cell,
  );
  return { ...notebook, cells };
}
