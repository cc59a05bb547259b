// Which notebooks a reproduction runs, and the quick parameters written into one: pure functions.

/**
 * The main notebooks (00_…, 01_…) in order, or the one that was asked for.
 * @param {string[]} names the files in notebooks/
 * @param {string} [wanted] "04_every_layer", with or without its folder or ending, or just "04"
 * @throws {RangeError} when there is none of that name
 */
export function chooseNotebooks(names, wanted) {
  const main = names.filter((name) => /^\d\d_.+\.ipynb$/.test(name)).sort();
  const bare = (name) => name.replace(/^.*\//, "").replace(/\.ipynb$/, "");
  const chosen =
    wanted === undefined ? main : main.filter((name) => [bare(name), name.slice(0, 2)].includes(bare(wanted)));
  if (chosen.length > 0) return chosen;
  const found = main.map(bare).join(", ") || "none";
  throw new RangeError(`Cannot find the notebook ${wanted ?? "00_… to 04_…"} in notebooks/, found ${found}`);
}

/**
 * A notebook's content, with what everything here needs of it.
 * @param {string} name of its file
 * @param {string} text
 * @throws {TypeError} in one line, naming the cell that is not as nbformat 4 has it
 */
export function parseNotebook(name, text) {
  const refuse = (found) => {
    throw new TypeError(`Cannot read the notebook ${name}: ${found}`);
  };
  let notebook;
  try {
    notebook = JSON.parse(text);
  } catch (error) {
    refuse(`it is not JSON (${error.message.replace(/\s+/g, " ").slice(0, 100)})`);
  }
  if (notebook?.nbformat !== 4 || !Array.isArray(notebook.cells) || typeof notebook.metadata !== "object")
    refuse("expected nbformat 4 with metadata and a list of cells");
  const index = notebook.cells.findIndex((cell) => !isCell(cell));
  if (index >= 0) refuse(`cell ${index + 1} has no known type, no text, or, with code, no list of outputs`);
  return notebook;
}

function isCell(cell) {
  const source = [cell?.source].flat();
  const known = ["code", "markdown", "raw"].includes(cell?.cell_type);
  return (
    known &&
    source.every((line) => typeof line === "string") &&
    (cell.cell_type !== "code" || Array.isArray(cell.outputs))
  );
}

const hasTag = (tag) => (cell) => cell.metadata?.tags?.includes(tag) === true;

/**
 * The parameters of a notebook, one for each field of CONFIG in the cell tagged "parameters"; undefined where no cell
 * has the tag.
 * @param {any} notebook the content of an .ipynb file (nbformat 4)
 * @returns {{name: string, text: string, comment: string}[] | undefined} name, default as it is written, and the comment behind it
 */
export function parametersOf(notebook) {
  const cell = notebook.cells.find(hasTag("parameters"));
  if (!cell) return undefined;
  const fields = [cell.source].flat().join("").matchAll(FIELD);
  return [...fields].map(([, name, text, comment = ""]) => ({ name, text, comment }));
}

// name: value, // comment; a field on each line, or all on one
const FIELD =
  /(?:^ +|\{ |, )(\w+): ((?:"(?:[^"\\]|\\.)*"|[^"/]|\/(?!\/))+?)(?:,? *(?:\/\/ (.*))?$|(?=, \w+: )|(?=,? \};?$))/gm;

/**
 * A notebook with a cell after the one tagged "parameters" that changes CONFIG: in place of an earlier one, and refused by the kernel's
 * type check where CONFIG has no such parameter or one of another type.
 * @param {any} notebook the content of an .ipynb file (nbformat 4)
 * @param {object} values by name
 * @param {string} comment above them
 * @throws {TypeError} when no cell has the tag
 */
export function withParameters(notebook, values, comment) {
  const cells = notebook.cells.filter((cell) => !hasTag("injected-parameters")(cell));
  const index = cells.findIndex(hasTag("parameters"));
  if (index < 0) throw new TypeError('Cannot set parameters: no cell has the tag "parameters"');
  const cell = {
    cell_type: "code",
    execution_count: null,
    id: "injected-parameters",
    metadata: { tags: ["injected-parameters"] },
    outputs: [],
    source: `// ${comment}\nObject.assign(CONFIG, ${JSON.stringify(values)} satisfies Partial<typeof CONFIG>);`,
  };
  return { ...notebook, cells: [...cells.slice(0, index + 1), cell, ...cells.slice(index + 1)] };
}

const QUICK = { images: 1000, figures: "figures/quick" };

/**
 * A notebook with its quick parameters: 1,000 test images and figures in figures/quick, where it has such parameters, and what its own
 * metadata.quick says. A notebook without parameters stays as it is.
 * @param {any} notebook the content of an .ipynb file (nbformat 4)
 * @throws {TypeError} when it declares quick parameters but has no cell to change
 */
export function withQuickParameters(notebook) {
  const { quick } = notebook.metadata;
  const own = parametersOf(notebook);
  if (!own && !quick) return notebook;
  const known = Object.entries(QUICK).filter(([name]) => own?.some((each) => each.name === name));
  const values = { ...Object.fromEntries(known), ...quick };
  return withParameters(notebook, values, "Quick run: npm run reproduce -- --quick");
}

/**
 * What to say about a cell that failed.
 * @param {string} notebook its name
 * @param {{number: number, source: string, name: string, message: string, traceback?: string}} error from execute.py
 */
export function describeFailure(notebook, { number, source, name, message, traceback }) {
  const where = number > 0 ? `cell ${number} of ${notebook} failed` : `${notebook} could not be started`;
  const code = firstLines(source, 6).replace(/^/gm, "    | ");
  const told = plain(traceback ?? "").includes(message)
    ? plain(traceback)
    : [`${name}: ${message}`, plain(traceback ?? "")].join("\n");
  return [
    `${where}: ${firstLines(`${name}: ${plain(message)}`, 1)}`,
    source && code,
    firstLines(told, 25).replace(/^/gm, "    "),
  ]
    .filter(Boolean)
    .join("\n");
}

/** Text without a terminal's colours. @param {string} text */
function plain(text) {
  return text.replaceAll(new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, "g"), "");
}

function firstLines(text, count) {
  const lines = text.trim().split("\n");
  return lines.slice(0, count).join("\n") + (lines.length > count && count > 1 ? "\n…" : "");
}
