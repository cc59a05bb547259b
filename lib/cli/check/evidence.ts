// What a notebook shows: the numbers of its outputs and of its code, cell by cell; and the prose that its code writes.
import ts from "typescript";
import type { NotebookCell } from "./cells";
import { plainNumbers } from "./numbers";

/** The numbers that a cell shows, in its code and its outputs; none for prose. */
export function numbersShown(cell: NotebookCell): number[] {
  if (cell.cell_type !== "code") return [];
  return [sourceOf(cell), ...(cell.outputs ?? []).flatMap(textsOf)].flatMap(plainNumbers).map(({ value }) => value);
}

/** A cell's source as one string. */
export function sourceOf({ source }: NotebookCell): string {
  return [source].flat().join("");
}

type Output = NonNullable<NotebookCell["outputs"]>[number];

/** The texts of an output: what it prints, its plain text and Markdown, and whatever is written in a figure. */
function textsOf({ text, data = {} }: Output): string[] {
  const written = [text, data["text/plain"], data["text/markdown"]].map((part) => [part ?? ""].flat().join(""));
  return [...written, ...stringsIn(data["application/vnd.plotly.v1+json"])];
}

/** All strings in a value made of JSON; the length bounds what a picture in a figure could hold. */
function stringsIn(value: unknown): string[] {
  if (typeof value === "string") return value.length < 1000 ? [value] : [];
  return value !== null && typeof value === "object" ? Object.values(value).flatMap(stringsIn) : [];
}

/** The prose of a cell: Markdown, or of code what its templates `say` and `phrase` say beside their values ("…"). */
export function proseOf(cell: NotebookCell): string {
  if (cell.cell_type === "markdown") return sourceOf(cell);
  return cell.cell_type === "code" ? saidIn(sourceOf(cell)) : "";
}

function saidIn(code: string): string {
  if (!/\b(?:say|phrase)`/.test(code)) return "";
  const said: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isTaggedTemplateExpression(node) && /^(?:say|phrase)$/.test(node.tag.getText())) said.push(literalsOf(node));
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile("cell.ts", code, ts.ScriptTarget.ES2022, true, ts.ScriptKind.TS));
  return said.join("\n\n");
}

function literalsOf({ template }: ts.TaggedTemplateExpression): string {
  if (ts.isNoSubstitutionTemplateLiteral(template)) return template.text;
  return template.head.text + template.templateSpans.map(({ literal }) => `…${literal.text}`).join("");
}
