// What prose declares about its numbers, in comments that no reader sees: that they are given, and by whom; which file shows them.
import { plainNumbers, type Quoted } from "./numbers";

/** What the comments of a piece of prose say. */
export interface Declarations {
  /** `<!-- given: 91.25, 164 (He et al. 2015); 95 (confidence) -->`: numbers from elsewhere, each with its source. */
  readonly given: readonly Quoted[];
  /** `<!-- shown in: notebooks/03_train.ipynb, data/runs/README.md -->`: files that hold the numbers; `a.ipynb#id` one cell. */
  readonly shownIn: readonly string[];
  /** `<!-- measured: npm run bench, July 2026 -->`: all numbers were measured so, and come out otherwise elsewhere. */
  readonly measured: boolean;
  /** Comments that begin like one of these and cannot be read. */
  readonly faults: readonly string[];
}

const COMMENT = /<!--\s*(given|shown in|measured):\s*([\s\S]*?)\s*-->/g;

/** Reads the declarations of a piece of prose. */
export function declarationsOf(markdown: string): Declarations {
  const comments = [...markdown.matchAll(COMMENT)].map(([, kind, text]) => ({ kind, text }));
  const texts = (wanted: string) => comments.filter(({ kind }) => kind === wanted).map(({ text }) => text);
  const entries = texts("given").flatMap((text) => text.split(/;\s*/));
  const readable = (entry: string) => /^[\d\s.,%−e/-]+(?:pp)?\s*\([^()]{3,}\)$/.test(entry);
  return {
    given: entries.filter(readable).flatMap((entry) => plainNumbers(entry.slice(0, entry.indexOf("(")))),
    shownIn: texts("shown in").flatMap((text) => text.split(/,\s*/)),
    measured: texts("measured").length > 0,
    faults: [
      ...entries.filter((entry) => !readable(entry)).map((entry) => `expected "numbers (source)" but found "${entry}"`),
      ...texts("measured").flatMap((text) =>
        text === "" ? ["expected by what it was measured but found nothing"] : [],
      ),
    ],
  };
}

/** Whether a number is among those given, with the same digits. */
export function isGiven(quoted: Quoted, given: readonly Quoted[]): boolean {
  return given.some(({ value, digits }) => value === quoted.value && digits === quoted.digits);
}

/** Given numbers that the prose does not quote. */
export function unusedGiven({ given }: Declarations, quoted: readonly Quoted[]): Quoted[] {
  return given.filter((each) => !quoted.some((number) => isGiven(number, [each])));
}
