// Values for a notebook's parameters from the words of a command line. Which of them fit is left to the kernel's type check.
import { UsageError } from "../command";

/** A parameter, its default as it is written, and the comment behind it. */
export interface Parameter {
  readonly name: string;
  readonly text: string;
  readonly comment: string;
}

/** Values of parameters by name. */
export type Values = Readonly<Record<string, unknown>>;

/** The values of one notebook, and what tells it from the others of the same command. */
export interface Variant {
  readonly values: Values;
  /** Such as "-images-2000"; empty where there is only one. */
  readonly suffix: string;
}

/**
 * The notebooks that words such as "images=2000" ask for: one for every combination of values, where a parameter has several.
 * @throws UsageError for a parameter that there is not, a value that its default's type cannot be read from, and one that is given twice
 */
export function variantsOf(words: readonly string[], parameters: readonly Parameter[]): Variant[] {
  const chosen = new Map<string, unknown[]>();
  for (const word of words) {
    const [name, value] = readWord(word, parameters);
    chosen.set(name, [...(chosen.get(name) ?? []), value]);
  }
  const variants = [...chosen].reduce<Variant[]>(times, [{ values: {}, suffix: "" }]);
  if (new Set(variants.map(({ suffix }) => suffix)).size === variants.length) return variants;
  throw new UsageError("Cannot tell notebooks apart: the values of a parameter are the same, or differ in marks alone");
}

/** Every variant with every value of a parameter. */
function times(variants: readonly Variant[], [name, many]: readonly [string, readonly unknown[]]): Variant[] {
  const suffix = (value: unknown) => (many.length > 1 ? `-${name}-${inName(value)}` : "");
  return variants.flatMap((each) =>
    many.map((value) => ({ values: { ...each.values, [name]: value }, suffix: each.suffix + suffix(value) })),
  );
}

/** A value as a part of a file's name. */
const inName = (value: unknown): string =>
  (typeof value === "string" ? value : JSON.stringify(value)).replaceAll(/[^\w.]+/g, "-").replaceAll(/^-|-$/g, "");

function readWord(word: string, parameters: readonly Parameter[]): [string, unknown] {
  const [, name, text] = /^(\w+)=(.*)$/s.exec(word) ?? [];
  if (name === undefined) throw new UsageError(`Cannot read the parameter "${word}": expected NAME=VALUE`);
  const parameter = parameters.find((each) => each.name === name);
  if (parameter) return [name, readValue(parameter, text)];
  throw new UsageError(
    `Cannot set the parameter "${name}": there are ${parameters.map((each) => each.name).join(", ")}`,
  );
}

/** A text as a value of the type that the parameter's default has. */
function readValue({ name, text: preset }: Parameter, text: string): unknown {
  const [expected, fits] = expectedLike(preset);
  if (expected === "text") return text;
  const value = fromJson(text);
  if (fits(value)) return value;
  throw new UsageError(`Cannot read ${name}=${text}: expected ${expected}, as its default ${preset} is`);
}

type Expected = readonly [words: string, fits: (value: unknown) => boolean];

/** What a value has to be, by the first character of the default. */
function expectedLike(preset: string): Expected {
  if (preset.startsWith('"')) return ["text", () => true];
  if (preset.startsWith("[")) return ['a list in JSON, such as ["a","b"]', Array.isArray];
  if (/^(true|false)$/.test(preset)) return ["true or false", (value) => typeof value === "boolean"];
  if (/^[-.\d]/.test(preset)) return ["a number", (value) => typeof value === "number"];
  return ["JSON", (value) => value !== undefined];
}

/** Undefined for what is no JSON; thousands may be set apart as in TypeScript. */
function fromJson(text: string): unknown {
  try {
    return JSON.parse(/^-?\d[\d_]*$/.test(text) ? text.replaceAll("_", "") : text);
  } catch {
    return undefined;
  }
}
