// Does prose quote what its notebook shows? Every number of a text is looked for in what stands above it, or in what it names.
import type { Notebook, NotebookCell } from "./cells";
import { declarationsOf, isGiven, unusedGiven } from "./declarations";
import { numbersShown, proseOf, sourceOf } from "./evidence";
import { matches, nearest, type Quoted, quotedNumbers } from "./numbers";

/** The numbers of a file that prose names; throws what the fault should say. */
export type NumbersOf = (file: string) => readonly number[];

/**
 * The faults of a notebook's prose, one line each. A number in a text, or in the words of a cell's `say`, has to be found in an output or
 * a code cell above it or in a file that it names, rounded to the digits quoted, or be declared as given.
 * @param name how the notebook is called in a fault
 */
export function proseFaults(name: string, { cells }: Notebook, numbersOf: NumbersOf): string[] {
  let shown: readonly number[] = [];
  return cells.flatMap((cell, index) => {
    const faults = textFaults(proseOf(cell), shown, numbersOf);
    shown = shown.concat(numbersShown(cell));
    return faults.map((fault) => `${name} ${placeOf(cells, index)}: ${fault}`);
  });
}

/** Cells of code are counted as Jupyter numbers them when run from the top; a text is found by the one above it. */
function placeOf(cells: readonly NotebookCell[], index: number): string {
  const number = cells.slice(0, index + 1).filter(isCode).length;
  if (isCode(cells[index])) return `cell ${number}`;
  return number === 0 ? "text at the top" : `text below cell ${number}`;
}

const isCode = (cell: NotebookCell): boolean => cell.cell_type === "code" && sourceOf(cell).trim() !== "";

/** The faults of a page in Markdown, one line each. Paragraphs, tables and lists say below themselves what shows their numbers. */
export function pageFaults(name: string, markdown: string, numbersOf: NumbersOf): string[] {
  return blocksOf(markdown).flatMap(({ line, text }) =>
    textFaults(text, [], numbersOf).map((fault) => `${name}:${line}: ${fault}`),
  );
}

/** What stands between blank lines; fenced code is none, whatever is in it. */
function blocksOf(markdown: string): { readonly line: number; readonly text: string }[] {
  const blank = (fence: string) => fence.replace(/[^\n]/g, "");
  const lines = markdown.replace(/^(```|~~~)[\s\S]*?^\1.*$/gm, blank).split("\n");
  const starts = [...lines.keys()].filter((at) => lines[at].trim() && !lines[at - 1]?.trim());
  return starts.map((start) => {
    const length = lines.slice(start).findIndex((line) => !line.trim());
    return { line: start + 1, text: lines.slice(start, length < 0 ? undefined : start + length).join("\n") };
  });
}

/** The faults of one text against the numbers that were shown to its reader, and those of the files that it names. */
function textFaults(text: string, above: readonly number[], numbersOf: NumbersOf): string[] {
  const declared = declarationsOf(text);
  const quoted = quotedNumbers(text);
  try {
    const shown = above.concat(declared.shownIn.flatMap(numbersOf));
    const isShown = (number: Quoted) =>
      isGiven(number, declared.given) || shown.some((value) => matches(number, value));
    const missing = declared.measured ? [] : quoted.filter((number) => !isShown(number));
    return [
      ...declared.faults.map((fault) => `Cannot read a declaration: ${fault}`),
      ...unusedGiven(declared, quoted).map((number) => `${number.text} is declared as given but not quoted`),
      ...missing.map((number) => missingFault(number, text, nearest(number, shown))),
    ];
  } catch (error) {
    return [(error as Error).message];
  }
}

function missingFault(number: Quoted, text: string, near: number | undefined): string {
  const found = near === undefined ? "nothing is shown" : `the nearest is ${Number(near.toPrecision(6))}`;
  return `${number.text} is shown nowhere above, ${found}: "${sentenceAt(text, number.start)}"`;
}

/** The sentence around a place, on one line; the part of it nearby where it is long. */
function sentenceAt(text: string, start: number): string {
  const [before = ""] = text
    .slice(0, start)
    .split(/(?<=[.?!:|])\s+|\n\n/)
    .slice(-1);
  const [after] = text.slice(start).split(/(?<=[.?!|])\s+|\n\n/);
  const near = [
    before.length > 100 ? `…${before.slice(-99)}` : before,
    after.length > 100 ? `${after.slice(0, 99)}…` : after,
  ];
  return near.join("").replace(/\s+/g, " ").trim();
}

/** Whether a notebook is kept as executed from top to bottom: its cells are numbered from 1, and none failed. */
export function executionFaults(name: string, { cells }: Notebook): string[] {
  return cells
    .filter(isCode)
    .flatMap(({ execution_count: count, outputs = [] }, index) => [
      ...(count === index + 1
        ? []
        : [`${name} cell ${index + 1}: expected it executed as ${index + 1} but found ${count ?? "none"}`]),
      ...outputs
        .filter(({ output_type: type }) => type === "error")
        .map(({ ename, evalue }) => `${name} cell ${index + 1}: it failed with ${ename}: ${evalue}`),
    ]);
}
