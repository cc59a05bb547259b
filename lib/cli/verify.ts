// npm run verify: do the notebooks still say what they say?
import { defineCommand, runCommand } from "./command";

const COMMAND = defineCommand({
  name: "verify",
  summary: `Executes the committed notebooks again, all or some (04, 04_every_layer), in a folder of their own, and holds every cell of every
table, the data of every figure and every text against what they say. Says "same numbers", or lists what differs: notebook, cell, row,
column, was, is, tolerance; then it ends with exit code 1. Sweeps that data/results keeps are read back: their keys hold all that their
numbers depend on.

On the kind of machine that executed them before, every digit has to be the same. Between machines counts may differ by three images, and
shares, p values and losses by what follows from that. Times, rates, dates, hardware and pictures do not count.`,
  words: "[NOTEBOOK ...]",
  options: {
    between: { help: "allows what may differ between machines, also where this one looks like the one before" },
    fresh: { help: "computes also what data/results keeps" },
    json: { help: "prints the result as JSON" },
  },
});

void runCommand(COMMAND, async (given) => {
  const { verifyNotebooks } = await import("./verify/notebooks");
  const { printed } = await import("./verify/report");
  const results = await verifyNotebooks({ ...given, wanted: given.words });
  if (!printed(results, given)) process.exitCode = 1;
});
