// What the command lines share: options with help, one-line errors, Ctrl-C, and a progress bar with rate and time left.
import { parseArgs } from "node:util";
import { Presets, SingleBar } from "cli-progress";
import { largestOf } from "../statistics/extremes";

// TensorFlow's C++ log would otherwise come between the lines of a command. Read when the native library is loaded, which is later.
process.env.TF_CPP_MIN_LOG_LEVEL ??= "3";

/** One option of a command: a flag without a placeholder, or one that takes a value. */
export interface Option {
  /** What the value is, in capitals; none for a flag that is on or off. */
  readonly value?: string;
  readonly help: string;
  readonly preset?: string;
}

/** The options that were given, presets filled in; flags are "yes" when they are on. */
export type Given<Names extends string> = Readonly<Partial<Record<Names, string>>>;

/** Describes a command: its npm script, a sentence, and its options. */
export interface Command<Names extends string> {
  readonly name: string;
  readonly summary: string;
  readonly options: Readonly<Record<Names, Option>>;
}

/** A mistake in the words of a command: answered with its usage. */
export class UsageError extends Error {}

/** Runs a command: reads its options, and turns errors into one line and an exit code (2: wrong usage, 1: failed, 130: stopped). */
export async function runCommand<Names extends string>(
  command: Command<Names>,
  body: (given: Given<Names>, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const stop = new AbortController();
  process.once("SIGINT", () => stop.abort(new Error("stopped by Ctrl-C")));
  try {
    const given = readOptions(command, process.argv.slice(2));
    if (given === "help") console.log(usage(command));
    else await body(given, stop.signal);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    console.error(`\n${message}`);
    if (error instanceof UsageError) console.error(`See: npm run ${command.name} -- --help`);
    process.exitCode = stop.signal.aborted ? 130 : error instanceof UsageError ? 2 : 1;
  }
}

/** Reads a command's options from words. @throws UsageError for words that it does not know */
export function readOptions<Names extends string>(
  command: Command<Names>,
  words: readonly string[],
): Given<Names> | "help" {
  const entries = Object.entries<Option>(command.options);
  const options = Object.fromEntries(
    entries.map(([name, { value }]) => [name, { type: value ? "string" : "boolean" } as const]),
  );
  const given = parse(words, { ...options, help: { type: "boolean" } });
  if (given.help) return "help";
  const filled = entries.map(([name, { preset }]) => [name, given[name] === true ? "yes" : (given[name] ?? preset)]);
  return Object.fromEntries(filled) as Given<Names>;
}

function parse(words: readonly string[], options: Record<string, { type: "string" | "boolean" }>) {
  try {
    return parseArgs({ args: [...words], options, strict: true, allowPositionals: false }).values;
  } catch (error) {
    const known = Object.keys(options).map((name) => `--${name}`);
    throw new UsageError(`${(error as Error).message.split(". To specify")[0]}. Known options: ${known.join(", ")}`);
  }
}

function usage<Names extends string>({ name, summary, options }: Command<Names>): string {
  const rows = Object.entries<Option>(options).map(([option, { value, help, preset }]) => [
    `--${option}${value ? ` ${value}` : ""}`,
    help + (preset === undefined ? "" : ` (${preset})`),
  ]);
  rows.push(["--help", "this text"]);
  const width = largestOf(rows.map(([flag]) => flag.length));
  return `${summary}\n\n  npm run ${name} -- [options]\n\n${rows.map(([flag, help]) => `  ${flag.padEnd(width)}  ${help}`).join("\n")}`;
}

/** A whole number of at least `least`. @throws UsageError otherwise */
export function wholeNumber(option: string, text: string, least = 1): number {
  const value = Number(text);
  if (text.trim() && Number.isInteger(value) && value >= least) return value;
  throw new UsageError(`Cannot read --${option} "${text}": expected a whole number of at least ${least}`);
}

/** A number above zero. @throws UsageError otherwise */
export function positiveNumber(option: string, text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  throw new UsageError(`Cannot read --${option} "${text}": expected a number above 0`);
}

/** A bar on the terminal (lines every ten seconds where there is none) with rate and time left. */
export function progressBar(label: string, unit: string) {
  const format = `${label} {bar} {percentage}% | {value}/{total} ${unit} | {rate} ${unit}/s | {duration_formatted} gone, {eta_formatted} left {note}`;
  const bar = new SingleBar(
    { format, noTTYOutput: true, notTTYSchedule: 10_000, hideCursor: true },
    Presets.shades_classic,
  );
  let began = 0;
  let first = 0;
  return {
    update(done: number, total: number, note = ""): void {
      if (!began) {
        [began, first] = [performance.now(), done];
        bar.start(total, done, { rate: "?", note });
      }
      const rate = ((done - first) / (performance.now() - began)) * 1000;
      bar.update(done, { rate: rate >= 10 ? rate.toFixed(0) : rate.toFixed(1), note });
    },
    stop(): void {
      if (began) bar.stop();
    },
  };
}
