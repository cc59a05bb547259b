// What an executed notebook says about itself: its question, its readings, what computed it, and the runs that it is about.
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { parametersOf } from "../reproduce/notebooks.mjs";
import { factsOf, type Notebook, shownCells } from "../verify/outputs";

/** What a README and a crate say of a notebook. */
export interface NotebookFacts {
  readonly title: string;
  /** Its first text, without the title: what it asks, claims and predicts. */
  readonly claim: string;
  /** The sentences that it makes of its results. */
  readonly readings: readonly string[];
  /** Commit, versions, hardware and parameters, by name. */
  readonly provenance: ReadonlyMap<string, string>;
}

const textOf = (source: unknown): string => [source].flat().join("");
const withoutComments = (text: string): string => text.replaceAll(/<!--.*?-->/gs, "").trim();

export function factsIn(notebook: Notebook): NotebookFacts {
  const texts = notebook.cells
    .filter(({ cell_type }) => cell_type === "markdown")
    .map(({ source }) => withoutComments(textOf(source)));
  const cells = shownCells(notebook);
  const readings = cells.flatMap(({ outputs }) =>
    outputs.flatMap((each) => (each.kind === "text" && each.text.startsWith("**Reading") ? [each.text] : [])),
  );
  const title = /^# (.*)$/m.exec(texts[0] ?? "")?.[1] ?? "A notebook";
  const claim = texts
    .slice(0, 2)
    .join("\n\n")
    .replace(/^# .*$/m, "")
    .trim();
  return {
    title,
    claim,
    readings: readings.map((text) => withoutComments(text).replace("**Reading.** ", "")),
    provenance: factsOf(cells),
  };
}

/**
 * The folders of the runs that a notebook is about: those that its parameters name, and then all in the folder that it takes as `runs`.
 */
export function runsOf(notebook: Notebook): string[] {
  const facts = factsOf(shownCells(notebook));
  const names: string[] = (parametersOf(notebook) ?? []).map(({ name }) => name);
  const values = names.flatMap((name) => listed(facts.get(name) ?? ""));
  const folder = facts.get("runs");
  const all = folder && existsSync(folder) ? readdirSync(folder).sort() : [];
  const named = folder ? values.flatMap((value) => [value, join(folder, value)]) : values;
  const runs = [...named, ...all.map((name) => join(folder!, name))].filter(isRun);
  return [...new Set(runs)];
}

const isRun = (dir: string): boolean =>
  ["run.json", "weights.safetensors"].every((file) => existsSync(join(dir, file)));

/** A parameter as a table of facts has it: a text, or a list in JSON. */
function listed(text: string): string[] {
  if (!text.startsWith("[")) return [text];
  try {
    return (JSON.parse(text) as unknown[]).filter((each): each is string => typeof each === "string");
  } catch {
    return [];
  }
}
