// What a verification says: for people, and as JSON.
import { counted } from "../../text/format";
import { print } from "../command";
import type { Comparison, Difference } from "./compare";
import type { Place } from "./recompute";

/** What came out of a notebook: a comparison, or why there is none. */
export type Verified = { readonly notebook: string } & (Comparison | { readonly failure: string });

/** What came out of an archive. */
export interface SentResult {
  readonly archive: string;
  readonly sha256: string;
  readonly files: number;
  /** Of the tables, from the saved predictions. */
  readonly recomputed: Verified;
  readonly tables: number;
  /** Tables that were not recomputed. */
  readonly others: readonly Place[];
  /** Of all of it, where it was executed again. */
  readonly executed?: Verified;
}

const SHOWN = 20; // differences of a notebook

/** Whether a notebook says what it said. */
export const isSame = (verified: Verified): boolean => !("failure" in verified) && verified.differences.length === 0;

/** What came out of a comparison, in a line. */
export function outcome(verified: Comparison): string {
  const { differences } = verified;
  if (differences.length > 0)
    return `${counted(differences.length, "difference").toUpperCase()} among ${amount(verified)}`;
  return `same numbers in ${amount(verified)}`;
}

function amount({ exact, tables, figures, texts }: Comparison): string {
  const parts = [counted(tables, "table"), counted(figures, "figure"), counted(texts, "text")];
  return `${parts.join(", ")}${exact ? ", to the last digit" : ", as far as machines agree"}`;
}

/** Prints the results; whether all numbers are the same. */
export function printed(results: readonly Verified[], { json }: { readonly json: boolean }): boolean {
  const same = results.every(isSame);
  if (json) print(JSON.stringify({ same, notebooks: results }, undefined, 2));
  else print([...results.flatMap(linesOf), same ? "same numbers" : "NOT the same numbers"].join("\n"));
  return same;
}

/** The same of an archive. */
export function printedSent(result: SentResult, { json }: { readonly json: boolean }): boolean {
  const verified = [result.recomputed, ...(result.executed ? [result.executed] : [])];
  const same = verified.every(isSame);
  const others = result.executed
    ? []
    : result.others.map(({ cell, title }) => `not made again: cell ${cell}, table${title ? ` "${title}"` : ""}`);
  if (json) print(JSON.stringify({ same, ...result }, undefined, 2));
  else print([...others, ...verified.flatMap(linesOf), verdictOf(result, same)].join("\n"));
  return same;
}

function verdictOf({ tables, executed }: SentResult, same: boolean): string {
  if (!same) return "NOT the same numbers";
  return tables > 0 || executed
    ? "same numbers"
    : "whole, but none of its tables could be made again; --full executes it";
}

function linesOf(verified: Verified): string[] {
  if ("failure" in verified) return [`${verified.notebook}: ${verified.failure}`];
  const { notebook, differences } = verified;
  const more = differences.length - SHOWN;
  const lines = differences.slice(0, SHOWN).map((each) => `${notebook}, ${differenceText(each)}`);
  return more > 0 ? [...lines, `${notebook}: … and ${more} more; --json lists all`] : lines;
}

/** A difference in a line: "cell 4, table "…", row stage1.block1.conv1, column lost: was 312, is 318 (± 3)". */
export function differenceText({ cell, output, row, column, was, is, tolerance }: Difference): string {
  const place = [`cell ${cell}`, output, row && `row ${row}`, column && `column ${column}`].filter(Boolean).join(", ");
  const [before, after] = apart(was, is);
  return `${place}: was ${before}, is ${after} (${tolerance === "exact" ? "exactly" : tolerance})`;
}

/** Two texts on a line, long ones from where they part. */
function apart(was: string, is: string): [string, string] {
  let at = 0;
  while (at < was.length && was[at] === is[at]) at++;
  const from = Math.max(0, at - 30);
  const cut = (text: string) => {
    const part = text.replace(/\s/g, " ").slice(from, from + 80);
    return `${from > 0 ? "…" : ""}${part}${from + 80 < text.length ? "…" : ""}` || "nothing";
  };
  return [cut(was), cut(is)];
}
