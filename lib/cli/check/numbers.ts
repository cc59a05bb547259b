// Numbers as prose quotes them, to the digits that it gives; what only looks like a number (a name, a label, a year) is passed over.

/** A number in a text. */
export interface Quoted {
  /** As it is written: "6.68 pp". */
  readonly text: string;
  /** Without its sign, which prose puts into words ("0.31 pp below"). */
  readonly value: number;
  /** How many stand after the point. */
  readonly digits: number;
  /** "%", "pp", "million", … or nothing. */
  readonly unit: string;
  /** Where in the text it begins. */
  readonly start: number;
}

// Names hold digits after letters (conv1, ResNet-20, stage2.block1, AVX-512) or begin with them (6n, 1x1).
const NAMES = [
  /(?<![\w.])[A-Za-z_]\w*(?:[-–./]\w+)*(?<=\d[A-Za-z]*)/g,
  /(?<![\w.,])\d+(?!(?:st|nd|rd|th)\b|e[-−]?\d)[A-Za-z_]\w*(?:[+-]\d+)?/g,
];

const LABEL =
  "tables?|figures?|claims?|versions?|stages?|blocks?|seeds?|cells?|channels?|pixel|machines? [A-Z]|zen|windows?";
const SOFTWARE =
  "Node(?:\\.js)?|Python|PyTorch|TensorFlow(?:\\.js)?(?: \\w+)?|TypeScript|Debian|CUDA|tfjs\\S*|tslab|plotly\\.js|nbformat";

/** Of prose alone: code, formulas, addresses and comments; references, versions, dates and years; headings and shapes. */
const REFERENCES = [
  /<!--[\s\S]*?-->/g,
  /^ *(```|~~~)[\s\S]*?^ *\1/gm,
  /(?<!`)(`+)(?!`)[\s\S]*?(?<!`)\1(?!`)/g,
  /\$\$[\s\S]*?\$\$|\$[^\s$][^$\n]*\$/g,
  /\]\([^)]*\)/g,
  /<[a-z/][^>]*>/gi,
  /https?:\/\/\S+/g,
  /\bsections? \d[\d.]*\d/gi,
  /\barXiv[ :]\d{4}\.\d{4,5}/gi,
  /^#+ +\d\d\b/gm,
  /^ *\d+\. /gm,
  /\b\d+\.\d+\.\d+\b/g,
  /\b\d{4}-\d\d-\d\d\b/g,
  /\b(?:1[89]|20)\d\d\b(?![.,]\d|\s?%|\s?pp\b)/g,
  /\b\d+ ?[×x] ?\d+(?: ?[×x] ?\d+)*\b/g,
  new RegExp(`\\b(?:${SOFTWARE}) \\d[\\d.]*\\d\\+?|\\b(?:${SOFTWARE}) \\d+`, "g"),
  new RegExp(`\\b(?:${LABEL})(?:(?: |, | and | or | to )\\d{1,2}\\b(?!\\.\\d|,\\d{3}| ?%| pp))+`, "gi"),
];

/** The text with the same length and blanks in place of what matches. */
function masked(text: string, patterns: readonly RegExp[]): string {
  return patterns.reduce((rest, pattern) => rest.replace(pattern, (match) => match.replace(/[^\n]/g, " ")), text);
}

const NUMBER = /(?<![\w.])(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?(?:e[-−]?\d+)?/g;
const UNIT = /^(?:st|nd|rd|th)?[ -]?(%|pp\b|(?:percentage )?points?\b|percent\b|million\b|ms\b|s\b|min\b|nats\b)?/;
const BETWEEN = /^(?:,| to| and| or| against| but)* [-−]?$/;

/** The numbers of a piece of prose in Markdown. */
export function quotedNumbers(markdown: string): Quoted[] {
  return numbersOf(masked(markdown, [...REFERENCES, ...NAMES]));
}

/** All numbers of an output, a cell's code or a file, names alone passed over. */
export function plainNumbers(text: string): Quoted[] {
  return numbersOf(masked(text.replace(/(\d)_(?=\d)/g, "$1"), NAMES));
}

function numbersOf(text: string): Quoted[] {
  const found = [...text.matchAll(NUMBER)].map((match) => {
    const start = match.index ?? 0;
    const end = start + match[0].length;
    const [, unit = ""] = UNIT.exec(text.slice(end, end + 24)) as RegExpExecArray;
    return { number: match[0], start, end, unit: unit.replace(/^(?:percentage )?points?$/, "pp") };
  });
  // "14 to 17 %": the unit is said once, at the end.
  for (let i = found.length - 2; i >= 0; i--)
    if (!found[i].unit && BETWEEN.test(text.slice(found[i].end, found[i + 1].start))) found[i].unit = found[i + 1].unit;
  return found.map(({ number, start, unit }) => {
    const plain = number.replace(/,/g, "").replace("−", "-");
    const [mantissa, exponent = "0"] = plain.split("e");
    const digits = (mantissa.split(".")[1] ?? "").length - Number(exponent);
    return { text: unit ? `${number} ${unit}` : number, value: Number(plain), digits, unit, start };
  });
}

/**
 * Whether what was found, rounded to the digits of what is quoted, is what is quoted: 52.6 is quoted as "53 pp", 0.9083 as "90.83 %",
 * 269,722 as "0.27 million". A count, a whole number without a unit, has to be the same.
 */
export function matches(quoted: Quoted, found: number): boolean {
  return formsOf(quoted, Math.abs(found)).some((value) => Math.abs(value - quoted.value) <= toleranceOf(quoted));
}

function toleranceOf({ digits, unit, value }: Quoted): number {
  return digits > 0 || unit ? 0.5 * 10 ** -digits + 1e-9 * Math.max(1, value) : 1e-9 * value;
}

/** What was found in the unit of what is quoted. */
function formsOf({ unit }: Quoted, found: number): number[] {
  if (unit === "million") return [found, found / 1e6];
  return /^(?:%|pp|percent)$/.test(unit) && found <= 1 ? [found, 100 * found] : [found];
}

/** The one of these numbers that is nearest to what is quoted, in its unit; undefined where there is none. */
export function nearest(quoted: Quoted, found: readonly number[]): number | undefined {
  const forms = found.flatMap((value) => formsOf(quoted, Math.abs(value)));
  const distance = (value: number) => Math.abs(value - quoted.value);
  return forms.reduce<number | undefined>(
    (best, value) => (best === undefined || distance(value) < distance(best) ? value : best),
    undefined,
  );
}
