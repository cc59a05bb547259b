// npm run share: a notebook with all that its numbers rest on, in one file for somebody else.
import { defineCommand, runCommand, UsageError } from "./command";
import { notebookFile } from "./notebook/choice";

const COMMAND = defineCommand({
  name: "share",
  summary: `Writes NAME.crate.zip: an executed notebook (04, 04_every_layer, or the path of your own), its HTML, the predictions that its numbers
were made from, the networks (or, of large ones, their digests), the commit of the code, a README and an RO-Crate's metadata, with the
SHA-256 of every file. The notebook is executed again first, with its saved sweeps, and has to say what it says. Whoever gets the archive
checks it with npm run verify -- NAME.crate.zip.`,
  words: "NOTEBOOK",
  options: {
    out: {
      short: "o",
      value: "DIR",
      help: "the folder that the archive is written to",
      preset: "data/local",
      isPath: true,
    },
  },
});

void runCommand(COMMAND, async ({ words = [], out }) => {
  if (words.length !== 1) throw new UsageError(`Cannot share ${words.length} notebooks: expected one, such as 04`);
  const { shareNotebook } = await import("./share/make");
  await shareNotebook(notebookFile(words[0]), out);
});
