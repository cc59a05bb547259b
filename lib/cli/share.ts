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
    author: { value: "NAME", help: "who answers for it: the crate's author and agent (left out otherwise)" },
    orcid: { value: "ID", help: "the author's ORCID iD, such as 0000-0002-1825-0097" },
    out: {
      short: "o",
      value: "DIR",
      help: "the folder that the archive is written to",
      preset: "data/local",
      isPath: true,
    },
  },
});

/** ORCID iDs: four groups of four, the last character a digit or X. */
const ORCID = /^(\d{4}-){3}\d{3}[\dX]$/;

void runCommand(COMMAND, async ({ words = [], out, author, orcid }) => {
  if (words.length !== 1) throw new UsageError(`Cannot share ${words.length} notebooks: expected one, such as 04`);
  if (orcid !== undefined && author === undefined)
    throw new UsageError("Cannot use --orcid alone: expected --author too");
  if (orcid !== undefined && !ORCID.test(orcid))
    throw new UsageError(`Cannot use the ORCID iD "${orcid}": expected the form 0000-0002-1825-0097`);
  const { shareNotebook } = await import("./share/make");
  await shareNotebook(notebookFile(words[0]), out, author === undefined ? undefined : { name: author, orcid });
});
