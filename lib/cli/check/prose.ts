// Does prose quote what its notebook shows? Every number of a text is looked for in what stands above it, or in what it names.
import type { Notebook, NotebookCell } from "./cells";
import { declarationsOf, isGiven, unusedGiven } from "./declarations";
import { numbersShown, proseOf, sourceOf } from "./evidence";
import { matches, nearest, type Quoted, quotedNumbers } from "./numbers";

/**
 * The faults of a notebook's prose, one line each. A number in a text, or in the words of a cell's `say`, has to be found in an output or
 * a code cell above it, rounded to the digits quoted, or be declared as given.
 * @param name how the notebook is called in a fault
 */
export function proseFaults(name: string, { cells }: Notebook): string[] {
  const shown: number[] = [];
  return cells.flatMap((cell, index) => {
    const faults = textFaults(proseOf(cell), shown).map((fault) => `${name} ${placeOf(cells, index)}: ${fault}`);
    shown.push(...numbersShown(cell));
    return faults;
  });
}

/** Cells of code are counted as Jupyter numbers them when run from the top; a text is found by the one above it. */
function placeOf(cells: readonly NotebookCell[], index: number): string {
  const number = cells.slice(0, index + 1).filter(isCode).length;
  if (isCode(cells[index])) return `cell ${number}`;
  return number === 0 ? "text at the top" : `text below cell ${number}`;
}

const isCode = (cell: NotebookCell): boolean => cell.cell_type === "code" && sourceOf(cell).trim() !== "";

/**
 * The faults of a page in Markdown, one line each. Paragraphs, tables and lists say below themselves what shows their numbers.
 * @param numbersOf the numbers of a file that the page names; throws what the fault should say
 */
export function pageFaults(name: string, markdown: string, numbersOf: (file: string) => readonly number[]): string[] {
  return blocksOf(markdown).flatMap(({ line, text }) => {
    const place = (fault: string) => `${name}:${line}: ${fault}`;
    try {
      return textFaults(text, declarationsOf(text).shownIn.flatMap(numbersOf)).map(place);
    } catch (error) {
      return [place((error as Error).message)];
    }
  });
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

/** The faults of one text against the numbers that were shown to its reader. */
function textFaults(text: string, shown: readonly number[]): string[] {
  const declared = declarationsOf(text);
  const quoted = quotedNumbers(text);
  const missing = quoted.filter(
    (number) =>
      !declared.measured && !isGiven(number, declared.given) && !shown.some((value) => matches(number, value)),
  );
  return [
    ...declared.faults.map((fault) => `Cannot read a declaration: ${fault}`),
    ...unusedGiven(declared, quoted).map((number) => `${number.text} is declared as given but not quoted`),
    ...missing.map((number) => missingFault(number, text, nearest(number, shown))),
  ];
}

function missingFault(number: Quoted, text: string, near: number | undefined): string {
  const found = near === undefined ? "nothing is shown" : `the nearest is ${Number(near.toPrecision(6))}`;
  return `${number.text} is shown nowhere above, ${found}: "${sentenceAt(text, number.start)}"`;
}

/** The sentence around a place, on one line. */
function sentenceAt(text: string, start: number): string {
  const before = text.slice(0, start).split(/(?<=[.?!:|])\s+|\n\n/);
  const [after] = text.slice(start).split(/(?<=[.?!|])\s+|\n\n/);
  return `${before[before.length - 1]}${after}`.replace(/\s+/g, " ").trim();
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
