// Command-line options of the .mjs commands: known flags only, and --help on each.
import { parseArgs } from "node:util";

/**
 * Reads flags; prints the help and leaves on --help, and leaves with the list of known flags on any other.
 * @param {string[]} args
 * @param {Record<string, "boolean" | "string">} types of the known flags
 * @param {string} help
 * @returns {Record<string, any>}
 */
export function parseOptions(args, types, help) {
  const options = Object.fromEntries(
    Object.entries({ ...types, help: "boolean" }).map(([name, type]) => [name, { type }]),
  );
  try {
    const { values } = parseArgs({ args, options, allowPositionals: false });
    if (!values.help) return values;
  } catch (error) {
    console.error(
      `${error.message.split(". ")[0]}. Known: ${Object.keys(options)
        .map((name) => `--${name}`)
        .join(", ")}`,
    );
    process.exit(2);
  }
  console.log(help);
  process.exit(0);
}
