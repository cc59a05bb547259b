// Command lines: options with help, errors in one line, exit codes. Nothing but Node, since set-up runs before packages are there.
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { print, printError } from "../setup/visible.mjs";

/** A mistake in the words of a command. */
export class UsageError extends Error {}

/**
 * Runs a command: reads its options, and turns errors into one line and an exit code (2: wrong usage, 1: failed, 130: stopped).
 * @param {{name: string, summary: string, words?: string, options: Record<string, {value?: string, help: string, preset?: string,
 *   isPath?: boolean, short?: string, several?: boolean, read?: (option: string, text: string) => unknown}>,
 *   details?: (words: string[]) => string}} command its npm script, what it does, what its own words are where it takes some, and its
 *   options: those without the word for a `value` are flags; a path starts where the user stands; `read` makes something of the text;
 *   `several` may be given more than once, for a list; `details` is what --help says besides, of the words given with it
 * @param {(given: any, signal: AbortSignal) => Promise<unknown>} body gets a value for each option, and, where it takes one, a signal
 *   that Ctrl-C aborts
 */
export async function runCommand(command, body) {
  const stop = new AbortController();
  endWithParent();
  // Without a signal to obey, Ctrl-C ends the process as it ends any other.
  if (body.length > 1) process.once("SIGINT", () => stop.abort(new Error("stopped by Ctrl-C")));
  try {
    const args = process.argv.slice(2);
    const given = readOptions(command, args);
    if (given === "help") print(usage(command, args));
    else await body(given, stop.signal);
  } catch (error) {
    const wrong = error instanceof UsageError;
    const message = error instanceof Error ? error.message : String(error);
    printError(wrong ? withHint(message, command.name) : message);
    process.exitCode = stop.signal.aborted ? 130 : wrong ? 2 : 1;
  }
}

/** Started by `start.mjs`, a command ends with it: nobody would see it go on. */
function endWithParent() {
  process.once("disconnect", () => process.exit(143)); // as after SIGTERM
  process.channel?.unref();
}

function withHint(message, name) {
  if (message.includes("--help")) return message;
  return `${message}${message.includes("\n") ? "\n" : "; "}npm run ${name} -- --help shows the options`;
}

/**
 * Reads a command's options from words.
 * @param {{options: any, words?: string}} command
 * @param {string[]} args
 * @returns {any} a value for each option, or "help"
 * @throws {UsageError} for words that it does not know
 */
export function readOptions({ options, words }, args) {
  const types = Object.entries(options).map(([name, option]) => [name, typeOf(option)]);
  const { values, positionals } = parse(args, { ...Object.fromEntries(types), help: { type: "boolean" } }, words);
  if (values.help) return "help";
  const given = Object.entries(options).map(([name, option]) => [name, valueOf(name, option, values[name])]);
  return { ...Object.fromEntries(given), ...(words && { words: positionals }) };
}

const typeOf = ({ value, short, several = false }) => ({
  type: value ? "string" : "boolean",
  multiple: several,
  ...(short && { short }),
});

function valueOf(name, { value, isPath, preset, several, read }, given) {
  if (!value) return given === true;
  if (several) return given ?? [];
  const text = (isPath && given !== undefined ? fromHere(given) : given) ?? preset;
  return read && text !== undefined ? read(name, text) : text;
}

/** A path given by the user, who may stand in another folder than the project's, where commands run; "-" is no path. */
export function fromHere(text) {
  const here = process.env.INIT_CWD ?? "";
  return text === "-" || resolve(here) === process.cwd() ? text : resolve(here, text);
}

function parse(args, options, words) {
  try {
    return parseArgs({ args, options, strict: true, allowPositionals: words !== undefined });
  } catch (error) {
    const known = Object.keys(options).map((name) => `--${name}`);
    const near = nearest(/'(--[^']+)'/.exec(error.message)?.[1] ?? "", known);
    const meant = near ? ` Did you mean ${near}?` : "";
    throw new UsageError(`${error.message.split(". To specify")[0]}.${meant} Known options: ${known.join(", ")}`);
  }
}

/** The word that most likely was meant: at most two letters away. */
function nearest(word, known) {
  const away = known.map((each) => [distance(word, each), each]).sort(([one], [other]) => one - other);
  return away[0][0] <= 2 ? away[0][1] : undefined;
}

/** How many letters have to be put in, left out or replaced to make one word of another (Levenshtein 1966). */
function distance(from, to) {
  let row = [...to, ""].map((_, index) => index);
  for (const [index, letter] of [...from].entries()) {
    const next = [index + 1];
    for (const [place, other] of [...to].entries())
      next.push(Math.min(next[place] + 1, row[place + 1] + 1, row[place] + (letter === other ? 0 : 1)));
    row = next;
  }
  return row[to.length];
}

function usage({ name, summary, words, options, details }, args) {
  const rows = Object.entries(options).map(([option, { value, help, preset, short }]) => [
    `${short ? `-${short}, ` : ""}--${option}${value ? ` ${value}` : ""}`,
    help + (preset === undefined ? "" : ` (${preset})`),
  ]);
  rows.push(["--help", "this text"]);
  const width = Math.max(...rows.map(([flag]) => flag.length)); // eslint-disable-line no-restricted-syntax -- a few options
  const lines = rows.map(
    ([flag, help]) => `  ${flag.padEnd(width)}  ${help.replaceAll("\n", `\n${" ".repeat(width + 4)}`)}`,
  );
  const more = details?.(
    readOptions(
      { options, words },
      args.filter((arg) => arg !== "--help"),
    ).words,
  );
  const call = `npm run ${name} ${words ? `-- ${words} [options]` : "[-- options]"}`;
  return [call, summary, lines.join("\n"), more].filter(Boolean).join("\n\n");
}
