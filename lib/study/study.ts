// A study: which networks are trained with which seeds and recipes, and what is then done to their layers. Read from a YAML file.
import { LineCounter, parseDocument } from "yaml";
import { operatorNamed } from "../ablations/named";
import { type SetKind, setKindNamed } from "../ablations/named-sets";
import { isRecord } from "../files/json";
import { PRECISIONS } from "../networks/network";
import { specOf } from "../networks/spec";
import { printable } from "../text/format";
import { PRESETS } from "../training/recipe";

/** How a network is trained: the options of `npm run train`, as they are called there. */
export interface StudyRecipe {
  readonly preset: keyof typeof PRESETS;
  readonly epochs?: number;
  readonly precision?: (typeof PRECISIONS)[number];
  readonly batch?: number;
  readonly rate?: number;
  readonly "weight-decay"?: number;
  readonly images?: number;
  readonly "held-out"?: number;
}

/** All of a study: every network is trained with every recipe and seed, and swept with every operator over every kind of sets. */
export interface Study {
  readonly dataset: "cifar10" | "cifar100";
  readonly networks: readonly string[];
  readonly seeds: readonly number[];
  readonly recipes: Readonly<Record<string, StudyRecipe>>;
  readonly operators: readonly string[];
  readonly sets: readonly SetKind[];
  /** Test images of each sweep, the first ones; all by default. */
  readonly images?: number;
  /** Into how many jobs each sweep is split. */
  readonly shards: number;
  /** Processors of each job. Other numbers of threads add in another order, so they are a part of the study. */
  readonly threads: number;
  /** GPUs of each job. */
  readonly gpus: number;
  /** GiB of memory of each job. */
  readonly memory: number;
}

/** Reads one value. @throws RangeError saying what is expected, as in "a whole number of at least 1" */
type Reader<T> = (value: unknown, path: Path) => T;
type Path = readonly (string | number)[];

/** What is wrong in a study's file, and where. */
class Misfit extends Error {
  constructor(
    readonly path: Path,
    message: string,
  ) {
    super(message);
  }
}

const MOST_SEEDS = 100_000;

const wholeNumber =
  (least: number): Reader<number> =>
  (value, path) =>
    Number.isSafeInteger(value) && (value as number) >= least
      ? (value as number)
      : refuse(path, value, `a whole number of at least ${least}`);

const positive: Reader<number> = (value, path) =>
  typeof value === "number" && Number.isFinite(value) && value > 0 ? value : refuse(path, value, "a number above 0");

const oneOf =
  <T extends string>(names: readonly T[]): Reader<T> =>
  (value, path) =>
    names.includes(value as T) ? (value as T) : refuse(path, value, names.join(" or "));

/** A name that another part of the project reads, which says what is wrong with it. */
const named =
  <T>(what: string, read: (text: string) => T): Reader<string> =>
  (value, path) => {
    if (typeof value !== "string") return refuse(path, value, what);
    try {
      read(value);
      return value;
    } catch (error) {
      throw new Misfit(path, `${wordsOf(path)}: ${(error as Error).message.split("\n")[0]}`);
    }
  };

/** One value, or a list of them, each once. */
const listOf =
  <T>(read: Reader<T>): Reader<readonly T[]> =>
  (value, path) => {
    if (!Array.isArray(value)) return [read(value, path)];
    if (value.length === 0) refuse(path, value, "at least one");
    value.forEach((item, index) => value.indexOf(item) < index && refuse([...path, index], item, "each once"));
    return value.map((item, index) => read(item, [...path, index]));
  };

/** A list of seeds, or the first and the last: "1-20". */
const seeds: Reader<readonly number[]> = (value, path) => {
  const ends = typeof value === "string" ? /^(\d{1,9})-(\d{1,9})$/.exec(value) : null;
  if (!ends) return listOf(wholeNumber(0))(value, path);
  const [first, last] = [Number(ends[1]), Number(ends[2])];
  if (last < first || last - first >= MOST_SEEDS) refuse(path, value, `the first and the last, at most ${MOST_SEEDS}`);
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
};

/** The fields of a recipe or of a study: how each is read, and what it is where it is missing. */
type Fields<T> = {
  readonly [Name in keyof T]-?: {
    readonly read: Reader<NonNullable<T[Name]>>;
    readonly preset?: T[Name];
    readonly needed?: true;
  };
};

const RECIPE: Fields<StudyRecipe> = {
  preset: { read: oneOf(Object.keys(PRESETS) as (keyof typeof PRESETS)[]), preset: "fast" },
  epochs: { read: wholeNumber(1) },
  precision: { read: oneOf(PRECISIONS) },
  batch: { read: wholeNumber(1) },
  rate: { read: positive },
  "weight-decay": { read: positive },
  images: { read: wholeNumber(1) },
  "held-out": { read: wholeNumber(1) },
};

const recipes: Reader<Study["recipes"]> = (value, path) => {
  if (!isRecord(value) || Object.keys(value).length === 0) return refuse(path, value, "recipes by their names");
  return Object.fromEntries(
    Object.entries(value).map(([name, recipe]) => {
      if (!/^[a-z0-9_]{1,40}$/.test(name)) refuse([...path, name], name, "a name of small letters, digits and _");
      return [name, fieldsOf(RECIPE, recipe ?? {}, [...path, name])];
    }),
  );
};

const STUDY: Fields<Study> = {
  dataset: { read: oneOf(["cifar10", "cifar100"]), preset: "cifar10" },
  networks: { read: listOf(named("the name of a network", specOf)), needed: true },
  seeds: { read: seeds, needed: true },
  recipes: { read: recipes, preset: { fast: { preset: "fast" } } },
  operators: { read: listOf(named("the name of an operator", operatorNamed)), preset: ["zero"] },
  sets: { read: listOf(named("a kind of sets", setKindNamed)) as Reader<readonly SetKind[]>, preset: ["single"] },
  images: { read: wholeNumber(1) },
  shards: { read: wholeNumber(1), preset: 1 },
  threads: { read: wholeNumber(1), preset: 2 },
  gpus: { read: wholeNumber(0), preset: 0 },
  memory: { read: positive, preset: 4 },
};

/**
 * Reads a study.
 * @param text YAML
 * @throws Error naming the line, the field, what it is and what was expected
 */
export function parseStudy(text: string): Study {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const [broken] = document.errors;
  if (broken) throw new Error(`line ${lines.linePos(broken.pos[0]).line}: ${broken.message.split("\n")[0]}`);
  try {
    return fieldsOf(STUDY, document.toJS({ maxAliasCount: 100 }), []);
  } catch (error) {
    if (!(error instanceof Misfit)) throw error;
    const node = document.getIn(error.path, true) as { readonly range?: readonly number[] } | undefined;
    const line = node?.range ? `line ${lines.linePos(node.range[0]).line}: ` : "";
    throw new Error(line + printable(error.message), { cause: error });
  }
}

function fieldsOf<T>(fields: Fields<T>, value: unknown, path: Path): T {
  if (!isRecord(value)) return refuse(path, value, `the fields ${Object.keys(fields).join(", ")}`);
  for (const name of Object.keys(value))
    if (!Object.hasOwn(fields, name))
      throw new Misfit(
        [...path, name],
        `${wordsOf([...path, name])} is unknown, expected ${Object.keys(fields).join(", ")}`,
      );
  const entries = Object.entries<Fields<T>[keyof T]>(fields).map(([name, { read, preset, needed }]) => {
    if (value[name] == null) return needed ? refuse([...path, name], undefined, "it to be given") : [name, preset];
    return [name, read(value[name], [...path, name])];
  });
  return Object.fromEntries(entries.filter(([, found]) => found !== undefined)) as T;
}

function refuse(path: Path, found: unknown, wanted: string): never {
  const text = found === undefined ? "missing" : String(JSON.stringify(found)).slice(0, 100);
  throw new Misfit(path, `${wordsOf(path)} is ${text}, expected ${wanted}`);
}

/** "recipes.short.epochs", "seeds[1]" */
const wordsOf = (path: Path): string =>
  path.map((part, index) => (typeof part === "number" ? `[${part}]` : index ? `.${part}` : part)).join("") ||
  "the study";
