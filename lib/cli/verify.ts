// npm run verify: do the notebooks still say what they say?
import { defineCommand, fromHere, runCommand, UsageError } from "./command";

const COMMAND = defineCommand({
  name: "verify",
  summary: `Executes the committed notebooks again, all or some (04, 04_every_layer), in a folder of their own, and holds every cell of every
table, the data of every figure and every text against what they say. Says "same numbers", or lists what differs: notebook, cell, row,
column, was, is, tolerance; then it ends with exit code 1. Sweeps that data/results keeps are read back: their keys hold all that their
numbers depend on.

On the kind of machine that executed them before, every digit has to be the same. Between machines counts may differ by three images, and
shares, p values and losses by what follows from that. Times, rates, dates, hardware and pictures do not count.

Of an archive that npm run share made, it checks every file's digest and makes the tables again from the saved predictions, in seconds and
without executing anything in it, which shows that tables and predictions belong together; that the predictions are those of the networks
shows --full, which executes its notebook, whose code should be read first, with everything computed again.`,
  words: "[NOTEBOOK ... | NAME.crate.zip]",
  options: {
    full: { help: "executes what an archive holds" },
    between: { help: "allows what may differ between machines, also where this one looks like the one before" },
    fresh: { help: "computes also what data/results keeps" },
    json: { help: "prints the result as JSON" },
  },
});

void runCommand(COMMAND, async ({ words = [], ...given }) => {
  const { printed, printedSent } = await import("./verify/report");
  const archive = words.find((word) => word.endsWith(".zip"));
  if (archive !== undefined && words.length > 1)
    throw new UsageError("Cannot verify several archives at once: expected one");
  if (archive === undefined && given.full)
    throw new UsageError("Cannot use --full: expected an archive, NAME.crate.zip");
  if (!(archive === undefined ? await own() : await sent(archive))) process.exitCode = 1;

  async function own(): Promise<boolean> {
    const { verifyNotebooks } = await import("./verify/notebooks");
    return printed(await verifyNotebooks({ ...given, wanted: words }), given);
  }

  async function sent(file: string): Promise<boolean> {
    const { verifySent } = await import("./verify/sent");
    return printedSent(await verifySent(fromHere(file), given), given);
  }
});
