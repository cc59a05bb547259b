// Which notebook is meant by a word, and which parameters it has.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, resolve } from "node:path";
import { asked, fromHere, UsageError } from "../command";
import { chooseNotebooks, parametersOf, parseNotebook } from "../reproduce/notebooks.mjs";
import type { Parameter } from "./parameters";

/** A notebook that takes parameters. */
export interface ParameterNotebook {
  readonly file: string;
  /** The file's name without its ending. */
  readonly name: string;
  readonly content: { readonly cells: readonly { readonly source: string | readonly string[] }[] };
  readonly parameters: readonly Parameter[];
}

/**
 * The notebook of a name or number, or of a path from where the user stands.
 * @throws UsageError where there is none, or it has no cell of parameters
 */
export function chosenNotebook(word: string): ParameterNotebook {
  const file = notebookFile(word);
  const name = basename(file, ".ipynb");
  const content = parseNotebook(basename(file), readFileSync(file, "utf8"));
  const parameters: readonly Parameter[] | undefined = parametersOf(content);
  if (parameters) return { file, name, content, parameters };
  throw new UsageError(`Cannot set parameters of ${name}: none of its cells has the tag "parameters"`);
}

/** The file of a committed notebook's name or number, or of a path from where the user stands. @throws UsageError where there is none */
export function notebookFile(word: string): string {
  const own = fromHere(word);
  return word.endsWith(".ipynb") && existsSync(own) ? own : committed(word);
}

function committed(word: string): string {
  const [name] = asked(() => chooseNotebooks(readdirSync("notebooks"), word));
  return resolve("notebooks", name);
}

/** The parameters in a table of lines: name, default, comment. */
export function parametersText({ name, parameters }: ParameterNotebook): string {
  const width = (column: "name" | "text") => Math.max(...parameters.map((each) => each[column].length)); // eslint-disable-line no-restricted-syntax -- a few parameters
  const [names, texts] = [width("name"), width("text")];
  const lines = parameters.map((each) =>
    `  ${each.name.padEnd(names)}  ${each.text.padEnd(texts)}  ${each.comment}`.trimEnd(),
  );
  return [`Parameters of ${name}, with their defaults:`, "", ...lines].join("\n");
}
