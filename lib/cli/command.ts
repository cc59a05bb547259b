// Commands whose types follow from their options: an option is named once, and what it gives is known from there.
import { fromHere, runCommand as run, UsageError } from "./options.mjs";

export { print, printError } from "../setup/visible.mjs";
export { fromHere, UsageError };

// TensorFlow's C++ log would otherwise come between the lines of a command. Read when the native library is loaded, which is later.
process.env.TF_CPP_MIN_LOG_LEVEL ??= "3";

/** One option of a command: a flag without `value`, or one that takes a value. */
export interface Option {
  /** What the value is, in capitals; none for a flag that is on or off. */
  readonly value?: string;
  readonly help: string;
  readonly preset?: string;
  /** Whether it is a path, which starts where the user stands; a preset starts in the project's folder. */
  readonly isPath?: boolean;
  /** The letter that stands for it. */
  readonly short?: string;
  /** May be given more than once: the command gets a list. */
  readonly several?: true;
  /** What the command gets instead of the text. @throws UsageError when it cannot be read */
  readonly read?: (option: string, text: string) => unknown;
}

export type Options = Readonly<Record<string, Option>>;

type ValueOf<O> = O extends { readonly read: (option: string, text: string) => infer Value } ? Value : string;

/** What a command gets: true or false of a flag, what was read of another option, undefined where nothing was given or preset. */
export type Given<O extends Options> = {
  readonly [Name in keyof O]: O[Name] extends { readonly several: true }
    ? string[]
    : O[Name] extends { readonly value: string }
      ? ValueOf<O[Name]> | (O[Name] extends { readonly preset: string } ? never : undefined)
      : boolean;
};

/** What it gets of words without an option's name. */
interface Words {
  readonly words?: readonly string[];
}

/** A command: its npm script, what it does, and its options. */
export interface Command<O extends Options> {
  readonly name: string;
  readonly summary: string;
  /** What its own words are, those without an option's name, where it takes some. */
  readonly words?: string;
  readonly options: O;
  /** What --help says besides, of the words that are given with it. */
  readonly details?: (words: string[]) => string;
}

/** What a command gets, by the command's type: `GivenTo<typeof COMMAND>`. */
export type GivenTo<C> = C extends Command<infer O> ? Given<O> & Words : never;

/** A command as it is, with the types of its options kept to the letter. */
export function defineCommand<const O extends Options>(command: Command<O>): Command<O> {
  return command;
}

/** Runs a command: reads its options, and turns errors into one line and an exit code (2: wrong usage, 1: failed, 130: stopped). */
export function runCommand<O extends Options>(
  command: Command<O>,
  body: (given: Given<O> & Words, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  return run(command, body);
}

/** Reads whole numbers from `least` to `most`. */
export function wholeNumber(least = 1, most = Number.MAX_SAFE_INTEGER) {
  return (option: string, text: string): number => {
    const value = Number(text);
    if (text.trim() && Number.isInteger(value) && value >= least && value <= most) return value;
    const wanted = value > most ? `from ${least} to ${most}` : `of at least ${least}`;
    throw new UsageError(`Cannot read --${option} "${text}": expected a whole number ${wanted}`);
  };
}

/** Reads a number above zero, and below a limit where there is one. */
export function numberBelow(limit: number) {
  return (option: string, text: string): number => {
    const value = Number(text);
    if (value > 0 && value < limit) return value;
    const wanted = limit < Infinity ? `between 0 and ${limit}` : "above 0";
    throw new UsageError(`Cannot read --${option} "${text}": expected a number ${wanted}`);
  };
}

/** Reads a number above zero. */
export const positiveNumber = numberBelow(Infinity);

/** Reads the name of something in a table, and gives that: `oneOf(PRESETS, "Cannot find the preset")`. */
export function oneOf<T>(table: Readonly<Record<string, T>>, failure: string, expected = "expected") {
  return (_: string, name: string): T => {
    if (Object.hasOwn(table, name)) return table[name];
    const names = Object.keys(table);
    throw new UsageError(`${failure} "${name}": ${expected} ${names.join(names.length === 2 ? " or " : ", ")}`);
  };
}

/** Reads a list with commas between. */
export function listOf<T>(read: (option: string, text: string) => T) {
  return (option: string, text: string): T[] =>
    text
      .split(",")
      .filter(Boolean)
      .map((part) => read(option, part));
}

/** What is wrong in a word of the command is a mistake in its usage, whoever finds it. */
export function asked<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof RangeError ? new UsageError(error.message) : error;
  }
}
