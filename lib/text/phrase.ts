// Words about results, put together by code: Markdown for a page, plain text for a terminal, and nothing in a value acts as markup.
import { escapeMarkdown, grouped, printable } from "./format";
import { largestOf } from "../statistics/extremes";

/** Words in both forms. */
export interface Phrase {
  readonly markdown: string;
  readonly text: string;
}

/** What can be set into words: text as it is, a whole number with its thousands set apart, or a phrase. */
export type Said = string | number | Phrase;

/**
 * Words with values set in: phrase`the stem (${code("stem.conv")}) costs ${pp(0.808)}`. The template is Markdown; indented
 * lines go on the one before, comments in it (`<!-- … -->`) are for `npm run check` alone.
 * @throws TypeError when a value is a number with a fraction, or none at all: it has to be given its digits and unit first
 */
export function phrase(words: TemplateStringsArray, ...values: readonly Said[]): Phrase {
  const said = values.map(phraseOf);
  const put = (form: keyof Phrase) =>
    words
      .map((part, index) => unfolded(part) + (said[index]?.[form] ?? ""))
      .join("")
      .trim();
  return { markdown: put("markdown"), text: put("text").replace(/\s*<!--[\s\S]*?-->/g, "") };
}

/** Indented lines belong to the line before; a line that is not, as of a table, stays one. */
function unfolded(part: string): string {
  return part.replace(/\n[ \t]*\n[ \t]*/g, "\n\n").replace(/(^|[^\n])\n[ \t]+/g, "$1 ");
}

function phraseOf(value: Said): Phrase {
  if (typeof value === "object") return value;
  if (typeof value === "string") return { markdown: escapeMarkdown(printable(value)), text: printable(value) };
  if (!Number.isSafeInteger(value))
    throw new TypeError(`Cannot say ${value}: expected a whole number, or text such as percent() and pp() make`);
  const text = value < 0 ? `−${grouped(-value)}` : grouped(value);
  return { markdown: text, text };
}

/** A name as code: `stage2.block1.conv1`. */
export function code(name: string): Phrase {
  const text = printable(name);
  const fence = "`".repeat(1 + Math.max(0, largestOf(Array.from(text.matchAll(/`+/g), ([ticks]) => ticks.length))));
  const space = /^`|`$|^ .* $/.test(text) ? " " : "";
  return { markdown: text.trim() === "" ? "" : `${fence}${space}${text}${space}${fence}`, text };
}

/** One after the other: "a", "a and b", "a, b and c"; "none" where there is nothing. */
export function listed(values: readonly Said[], nothing: Said = "none"): Phrase {
  const all = values.map(phraseOf);
  if (all.length === 0) return phraseOf(nothing);
  const joined = (form: keyof Phrase) => {
    const [last, ...before] = all.map((each) => each[form]).reverse();
    return before.length === 0 ? last : `${before.reverse().join(", ")} and ${last}`;
  };
  return { markdown: joined("markdown"), text: joined("text") };
}
