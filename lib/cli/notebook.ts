// npm run notebook: a notebook with other parameters, by papermill, into a file of its own.
import { chosenNotebook, parametersText } from "./notebook/choice";
import { defineCommand, runCommand, UsageError } from "./command";

const COMMAND = defineCommand({
  name: "notebook",
  summary: `Runs a notebook (04, 04_every_layer, or the path of your own) with other parameters, into a folder of its own: executed notebook and
figures. It is papermill with values of the right type. Several values of a parameter give several notebooks. Finished ones are kept when
the same command is given again; saved sweeps are read back. One that fails leaves what it has, with the error in its place. Paths in
parameters start in the project's folder.`,
  words: "NOTEBOOK",
  options: {
    parameter: {
      short: "p",
      value: "NAME=VALUE",
      help: "a parameter; may be given again, for others or for more values of the same; lists as JSON",
      several: true,
    },
    out: {
      short: "o",
      value: "DIR",
      help: "the folder that the notebooks are written to",
      preset: "data/local/notebooks",
      isPath: true,
    },
    fresh: { help: "also runs what is finished, and replaces what was made with other parameters" },
  },
  details: (words) => words.map((word) => parametersText(chosenNotebook(word))).join("\n\n"),
});

void runCommand(COMMAND, async ({ words = [], ...given }) => {
  if (words.length !== 1) throw new UsageError(`Cannot run ${words.length} notebooks: expected one, such as 04`);
  const { runNotebook } = await import("./notebook/run");
  if (!(await runNotebook(chosenNotebook(words[0]), given))) process.exitCode = 1;
});
