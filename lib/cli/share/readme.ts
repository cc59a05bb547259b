// The README of an archive: claim, command, expected numbers, time.
import type { NotebookFacts } from "./facts";

export function readmeOf(
  name: string,
  { title, claim, readings, provenance }: NotebookFacts,
  { seconds, files }: { readonly seconds: number; readonly files: readonly string[] },
): string {
  const fact = (key: string) => provenance.get(key) ?? "unknown";
  const archive = `${name}.crate.zip`;
  const changed = fact("codeChangedSinceCommit") === "true" ? ", with changes that are not committed" : "";
  return `# ${title}

${claim}

## How to check it

In a checkout of the code at commit ${fact("commit")}${changed}:

| command | what it does | time |
|---|---|---|
| \`npm run verify -- ${archive}\` | checks every file's digest and recomputes the tables from the saved predictions; executes nothing of the archive | seconds |
| \`npm run verify -- ${archive} --full\` | executes the notebook, everything computed again, and compares all it says; read its code first | minutes to an hour; with saved sweeps it took ${Math.ceil(seconds)} s on ${fact("processor")}, ${fact("cores")} cores |
| \`sha256sum -c sha256.txt\` | checks the digests without us, after unpacking | seconds |

The numbers repeat to the last digit on the kind of machine that computed them, between machines within three images.

## Expected numbers

${readings.length > 0 ? readings.map((reading) => `* ${reading.replaceAll(/\s+/g, " ")}`).join("\n") : "Those in the notebook's tables."}

## Files

* \`${name}.ipynb\`, the executed notebook, and \`${name}.html\`, the same to look at in a browser, offline
* \`sweeps/\`: what every network predicted for every image (a line of JSON says what it is), ${files.filter((each) => each.startsWith("sweeps/")).length} sweeps
* \`runs/\`: how the networks were trained (\`run.json\`, with their weights' SHA-256), and the weights where they are small
* \`ro-crate-metadata.json\`: the same for machines, as a Process Run Crate 0.5
* \`sha256.txt\`: digests
`;
}
