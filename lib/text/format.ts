// How things are said to people: percent, thousands, durations, lines of progress, and text that cannot act as markup.
/** A fraction as percent without its sign: 0.9173 -> "91.73". */
export function percent(fraction: number, digits = 2): string {
  return (100 * fraction).toFixed(digits);
}

/** A whole number with its thousands set apart: 10000 -> "10,000". */
export function grouped(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ",");
}

const ZEROED = "set to zero";

/** What operators do to layers: "set to zero", "changed by noise:0.5". */
export function doneText(operators: readonly string[]): string {
  const names = [...new Set(operators)];
  return names.join() === "zero" ? ZEROED : `changed by ${names.join(" or ")}`;
}

/**
 * What ablations do: "one layer's kernel set to zero", "two layers changed by mean"; where they change different numbers of layers,
 * "one set of layers changed by mean".
 */
export function changeText(rows: readonly { readonly operator: string; readonly layers: number }[]): string {
  const [size, ...others] = new Set(rows.map(({ layers }) => layers));
  const done = doneText(rows.map(({ operator }) => operator));
  if (others.length > 0) return `${done === ZEROED ? "the kernels of " : ""}one set of layers ${done}`;
  const which = size === 1 ? "one layer" : `${size === 2 ? "two" : size} layers`;
  return done === ZEROED ? `${which}${size === 1 ? "'s kernel" : "' kernels"} ${done}` : `${which} ${done}`;
}

/** A fraction in percent with a real minus sign, and no sign for what rounds to zero: -0.0031 -> "−0.31", -0.00001 -> "0.00". */
export function signedPercent(fraction: number, digits = 2): string {
  const text = percent(Math.abs(fraction), digits);
  return `${fraction < 0 && Number(text) !== 0 ? "−" : ""}${text}`;
}

/** A drop or a difference, a fraction, in percentage points: -0.0031 -> "−0.31 pp". */
export function pp(fraction: number, digits = 2): string {
  return `${signedPercent(fraction, digits)} pp`;
}

/** A p value to two significant digits: "p = 0.39", "p = 0.0065", "p < 0.0001". */
export function pValue(p: number): string {
  return p < 0.0001 ? "p < 0.0001" : `p = ${p === 1 ? "1" : p.toPrecision(2)}`;
}

const WORDS = "zero one two three four five six seven eight nine ten eleven twelve".split(" ");
const ORDINALS = "zeroth first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth".split(" ");
const ENDINGS = ["th", "st", "nd", "rd"];

/** A count as prose has it, in words up to twelve: "seven", "1,024". */
export function spelled(count: number): string {
  return WORDS[count] ?? grouped(count);
}

/** A place in an order: "ninth", "22nd". */
export function ordinal(place: number): string {
  const teens = Math.floor(place / 10) % 10 === 1;
  return ORDINALS[place] ?? `${grouped(place)}${teens ? "th" : (ENDINGS[place % 10] ?? "th")}`;
}

/** How many there are of something: "no layer", "one layer", "seven layers"; with a plural of its own where "s" will not do. */
export function counted(count: number, noun: string, plural = `${noun}s`): string {
  return `${count === 0 ? "no" : spelled(count)} ${count < 2 ? noun : plural}`;
}

/** A part of a whole: "none of the 19", "seven of the nine", "all 19". */
export function howMany(part: number, whole: number): string {
  if (part === whole && whole > 1) return whole === 2 ? "both" : `all ${spelled(whole)}`;
  return `${part === 0 ? "none" : spelled(part)} of the ${spelled(whole)}`;
}

/** The verb of a count: "is" of one, else "are". */
export function are(count: number): string {
  return count === 1 ? "is" : "are";
}

/** The text as the beginning of a sentence. */
export function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

const ENTITIES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" } as Readonly<
  Record<string, string>
>;
const CHARACTERS = Object.fromEntries(Object.entries(ENTITIES).map(([character, entity]) => [entity, character]));

/** Text in which nothing is markup any more, for HTML and for the pseudo-HTML of plotly's labels. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character]);
}

/** Text in which nothing is markup any more, for Markdown (and the HTML and formulas in it). */
export function escapeMarkdown(text: string): string {
  return escapeHtml(text.replace(/[\\`*_[\]|~#!$]/g, "\\$&"));
}

/** Text on one line, without characters that move the cursor or turn the direction of writing. */
export function printable(text: string): string {
  // eslint-disable-next-line no-control-regex
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]+/g, " ");
}

/** The text that `escapeHtml` was given. */
export function unescapeHtml(text: string): string {
  return text.replace(/&(?:amp|lt|gt|quot|#39);/g, (entity) => CHARACTERS[entity]);
}

/** What kind of thing a value is, for errors: "undefined", "a number", "an Array", "a Promise". */
export function typeText(value: unknown): string {
  if (value === undefined || value === null) return String(value);
  const name = typeof value === "object" ? (value.constructor?.name ?? "object") : typeof value;
  return `${/^[aeiou]/i.test(name) ? "an" : "a"} ${name}`;
}
