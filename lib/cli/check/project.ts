// The prose of the whole project against what its notebooks and files show.
import { readFileSync, statSync } from "node:fs";
import { basename, join, relative, resolve } from "node:path";
import type { Notebook, NotebookCell } from "./cells";
import { numbersShown } from "./evidence";
import { plainNumbers } from "./numbers";
import { executionFaults, pageFaults, proseFaults } from "./prose";

/** The pages whose numbers are held against what they name. */
export const PAGES = [
  ...[
    "README.md",
    "data/README.md",
    "data/runs/README.md",
    "environment.md",
    "notebooks/README.md",
    "tests/bench/README.md",
  ],
  ...["", "checkpoints/", "cli/", "jupyter/", "results/"].map((folder) => `lib/${folder}README.md`),
];

/** Pages whose ```ts blocks are the cells of a notebook. */
export const EXAMPLES = ["README.md", "notebooks/README.md"];

const LARGEST = 64 * 2 ** 20; // bytes of a file that is read for its numbers

/** Bytes above which code hosts no longer show a notebook. */
const LARGEST_NOTEBOOK = 1_000_000;

/**
 * Numbers in prose that nothing shows, and notebooks that are not kept as executed or are too large to be shown, one line each.
 * @param root the project's folder
 * @param notebooks their files
 * @param pages Markdown files, relative to the project's folder
 * @throws Error when a notebook or page cannot be read
 */
export function projectFaults(root: string, notebooks: readonly string[], pages: readonly string[]): string[] {
  const numbers = (file: string) => numbersOf(root, file);
  const inNotebooks = notebooks.flatMap((file) => {
    const [name, notebook] = [basename(file), readNotebook(file)];
    return [...sizeFaults(file), ...executionFaults(name, notebook), ...proseFaults(name, notebook, numbers)];
  });
  const inPages = pages.flatMap((page) => pageFaults(page, readFileSync(join(root, page), "utf8"), numbers));
  return [...inNotebooks, ...inPages];
}

function sizeFaults(file: string): string[] {
  const { size } = statSync(file);
  if (size < LARGEST_NOTEBOOK) return [];
  return [`${basename(file)}: expected less than ${LARGEST_NOTEBOOK} bytes, which code hosts show, but found ${size}`];
}

function readNotebook(file: string): Notebook {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as Notebook;
  } catch (error) {
    throw new Error(`Cannot read the notebook ${file}: ${(error as Error).message}`, { cause: error });
  }
}

/** The numbers that a file of the project shows: of a notebook, or one cell of it (`file#id`), code and outputs; else its text. */
function numbersOf(root: string, named: string): number[] {
  const [name, id] = named.split("#");
  const file = resolve(root, name);
  const size = statSync(file, { throwIfNoEntry: false })?.size;
  if (relative(root, file).startsWith("..") || size === undefined || size > LARGEST)
    throw new Error(`Cannot find what is "shown in: ${name}": expected a file of the project`);
  if (file.endsWith(".ipynb")) return cellsOf(file, id).flatMap(numbersShown);
  return plainNumbers(readFileSync(file, "utf8")).map(({ value }) => value);
}

function cellsOf(file: string, id: string | undefined): readonly NotebookCell[] {
  const cells = readNotebook(file).cells.filter((cell) => id === undefined || cell.id === id);
  if (cells.length > 0) return cells;
  throw new Error(`Cannot find what is "shown in: ${basename(file)}#${id}": expected the id of a cell`);
}
