// An archive's metadata as RO-Crate: a Process Run Crate 0.5, which says that these files came from executing this notebook.
// Format: https://w3id.org/ro/wfrun/process/0.5
import { createHash } from "node:crypto";
import type { NotebookFacts } from "./facts";

const PROFILE = "https://w3id.org/ro/wfrun/process/0.5";
const CRATE = "https://w3id.org/ro/crate/1.1";

const KINDS: readonly (readonly [ending: RegExp, kind: string])[] = [
  [/\.ipynb$/, "application/x-ipynb+json"],
  [/\.html$/, "text/html"],
  [/\.json$/, "application/json"],
  [/\.md$/, "text/markdown"],
  [/\.gz$/, "application/gzip"],
];

const refer = (id: string) => ({ "@id": id });
const timeText = (time: Date): string => time.toISOString().replace("Z", "+00:00");
const personOf = ({ name, orcid }: Author) => ({
  ...{ "@id": orcid ? `https://orcid.org/${orcid}` : "#author", "@type": "Person" },
  name,
});

/** Who executed a notebook and answers for its archive. */
export interface Author {
  readonly name: string;
  /** Four groups of four digits, such as 0000-0002-1825-0097. */
  readonly orcid?: string;
}

/** What is said of an execution besides its files. */
export interface Execution {
  /** How long it took. */
  readonly seconds: number;
  readonly author?: Author;
  readonly now?: Date;
}

/** The metadata as JSON. @param files all files but the metadata and the list of digests */
export function crateOf(
  name: string,
  { title, claim, provenance }: NotebookFacts,
  files: ReadonlyMap<string, Uint8Array>,
  { seconds, author, now = new Date() }: Execution,
): string {
  const person = author && personOf(author);
  const by = (...roles: string[]) =>
    person ? Object.fromEntries(roles.map((role) => [role, refer(person["@id"])])) : {};
  const paths = [...files.keys()];
  const software = `swh:1:rev:${provenance.get("commit") ?? "unknown"}`; // a commit's own identifier, wherever it is kept
  const isInput = (path: string) => path.startsWith("runs/");
  const graph = [
    { "@id": "ro-crate-metadata.json", "@type": "CreativeWork", conformsTo: refer(CRATE), about: refer("./") },
    {
      ...{ "@id": "./", "@type": "Dataset", conformsTo: refer(PROFILE), name: title },
      description: claim.replaceAll(/\s+/g, " ") || title,
      datePublished: now.toISOString(),
      license: refer("https://spdx.org/licenses/MIT"),
      hasPart: paths.map(refer),
      mentions: refer("#execution"),
      ...by("author", "publisher"),
    },
    { "@id": PROFILE, "@type": "CreativeWork", name: "Process Run Crate", version: "0.5" },
    { "@id": "https://spdx.org/licenses/MIT", "@type": "CreativeWork", name: "MIT License" },
    {
      ...{ "@id": "#execution", "@type": "CreateAction", name: `Execution of ${name}.ipynb` },
      description: `All cells of ${name}.ipynb, from top to bottom, gave the same numbers as before`,
      instrument: refer(software),
      object: paths.filter(isInput).map(refer),
      result: paths.filter((path) => !isInput(path) && path !== "README.md").map(refer),
      ...by("agent"),
      startTime: timeText(new Date(now.getTime() - 1000 * seconds)),
      endTime: timeText(now),
      actionStatus: "http://schema.org/CompletedActionStatus",
    },
    {
      ...{ "@id": software, "@type": "SoftwareApplication", name: "nontrivial" },
      softwareVersion: `${provenance.get("nontrivial") ?? "unknown"}, commit ${provenance.get("commit") ?? "unknown"}`,
      softwareRequirements: ["node", "tensorflow", "tfjs"]
        .map((key) => `${key} ${provenance.get(key) ?? "unknown"}`)
        .join(", "),
    },
    ...(person ? [person] : []),
    ...[...files].map(([path, bytes]) => ({
      ...{ "@id": path, "@type": "File", name: path, contentSize: String(bytes.length) },
      encodingFormat: KINDS.find(([ending]) => ending.test(path))?.[1] ?? "application/octet-stream",
      sha256: createHash("sha256").update(bytes).digest("hex"),
    })),
  ];
  const context = [`${CRATE}/context`, "https://w3id.org/ro/terms/workflow-run/context"];
  return `${JSON.stringify({ "@context": context, "@graph": graph }, undefined, 2)}\n`;
}
