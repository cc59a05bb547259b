// Makes an archive of a notebook: executes it again, collects what its numbers rest on, and writes all into one file.
import { createHash } from "node:crypto";
import { existsSync, linkSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { loadCifar } from "../../data/cifar";
import { writeTogether } from "../../files/disk";
import { temporaryFolder } from "../../files/temporary";
import { encodeZip } from "../../files/zip";
import { isKept, loadSweep } from "../../runs/kept-sweep";
import { onInterrupt } from "../../setup/children.mjs";
import { ROOT } from "../../setup/environment.mjs";
import { createReport } from "../../setup/report.mjs";
import { DESCRIBED, encodeSweep, fileNameOf } from "../../sweeps/sweep-file";
import { loadRun } from "../../runs/run-folder";
import { counted } from "../../text/format";
import { writeHtml } from "../reproduce/execute.mjs";
import { executedAgain, readNotebook } from "../verify/notebooks";
import { differenceText, outcome } from "../verify/report";
import { type Author, crateOf, type Execution } from "./crate";
import { factsIn, runsOf } from "./facts";
import { readmeOf } from "./readme";

/** Networks up to so many bytes together are put into an archive, of larger ones their digests. */
const MOST_WEIGHTS = 2 ** 23;

type Files = Map<string, Uint8Array>;

/**
 * Writes the archive of an executed notebook into a folder.
 * @throws Error where the notebook, executed again, says something else than it says, or fails
 */
export async function shareNotebook(file: string, out: string, author?: Author): Promise<void> {
  const name = basename(file, ".ipynb");
  const report = createReport();
  const stopListening = onInterrupt();
  const temporary = resultsToShare();
  try {
    await report.work(name, "starting the kernel,", async (say: (text: string) => void) => {
      const start = performance.now();
      await repeats(file, temporary, say);
      const seconds = (performance.now() - start) / 1000;
      say("collecting what its numbers rest on,");
      const files = await collected(file, temporary);
      const archive = archiveOf(name, files, { seconds, author });
      await writeTogether(out, new Map([[`${name}.crate.zip`, archive]]));
      const size = (archive.length / 2 ** 20).toFixed(1);
      return `${counted(files.size, "file")}, ${size} MiB, in ${join(out, `${name}.crate.zip`)}\n  SHA-256 ${digestOf(archive)}`;
    });
  } finally {
    stopListening();
    keepNew(temporary);
    rmSync(temporary, { recursive: true, force: true });
  }
}

const RESULTS = join(ROOT, "data", "results");

/** A folder with all that is saved of sweeps, in which those that are used are also described. */
function resultsToShare(): string {
  mkdirSync(RESULTS, { recursive: true });
  const temporary = temporaryFolder("share", RESULTS); // where files can be linked
  mkdirSync(join(temporary, DESCRIBED));
  for (const name of resultsIn(RESULTS)) linkSync(join(RESULTS, name), join(temporary, name));
  return temporary;
}

/** What was computed for the archive stays, as if the notebook had been run. */
function keepNew(temporary: string): void {
  for (const name of resultsIn(temporary))
    if (!existsSync(join(RESULTS, name))) linkSync(join(temporary, name), join(RESULTS, name));
}

const resultsIn = (folder: string): string[] => readdirSync(folder).filter((name) => name.endsWith(".results"));

async function repeats(file: string, temporary: string, say: (text: string) => void): Promise<void> {
  const comparison = await executedAgain(file, temporary, { results: temporary, say });
  if (comparison.differences.length === 0) return;
  const lines = comparison.differences.slice(0, 5).map((each) => `  ${differenceText(each)}`);
  throw new Error(
    [`Cannot share it: executed again, it does not say what it says (${outcome(comparison)})`, ...lines].join("\n"),
  );
}

/** The files that an archive is about, without those that describe it. */
async function collected(file: string, temporary: string): Promise<Files> {
  const files: Files = new Map();
  const html: string = await writeHtml({ root: ROOT, notebook: file, folder: temporary });
  files.set(basename(file), readFileSync(file));
  files.set(basename(html), readFileSync(html));
  const folder = join(temporary, DESCRIBED);
  for (const name of readdirSync(folder).sort()) files.set(`sweeps/${name}`, readFileSync(join(folder, name)));
  await addRuns(files, runsOf(readNotebook(file)));
  return files;
}

/** The runs that a notebook is about: what was trained, the sweep that is kept of it, and the network while there is room. */
async function addRuns(files: Files, runs: readonly string[]): Promise<void> {
  const test = runs.some((dir) => isKept(dir)) ? await loadCifar("cifar10", "test") : undefined;
  let room = MOST_WEIGHTS;
  for (const dir of runs) {
    const name = basename(dir);
    const weights = readFileSync(join(dir, "weights.safetensors"));
    files.set(`runs/${name}/run.json`, readFileSync(join(dir, "run.json")));
    if (weights.length <= room) files.set(`runs/${name}/weights.safetensors`, weights);
    room -= weights.length;
    if (!test || !isKept(dir)) continue;
    const sweep = await loadSweep(dir, test);
    const bytes = await encodeSweep(sweep, (await loadRun(dir)).network.spec, test);
    files.set(`sweeps/${fileNameOf(sweep, bytes)}`, bytes);
  }
}

/**
 * An archive of a notebook `<name>.ipynb` and other files, with a README, the crate's metadata and the list of digests.
 * @param execution how long it took with its saved sweeps, and who did it
 */
export function archiveOf(name: string, files: ReadonlyMap<string, Uint8Array>, execution: Execution): Uint8Array {
  const facts = factsIn(JSON.parse(Buffer.from(files.get(`${name}.ipynb`)!).toString()));
  const text = (value: string) => new TextEncoder().encode(value);
  const all: Files = new Map([
    ["README.md", text(readmeOf(name, facts, { ...execution, files: [...files.keys()] }))],
    ...files,
  ]);
  all.set("ro-crate-metadata.json", text(crateOf(name, facts, all, execution)));
  const lines = [...all].map(([path, bytes]) => `${digestOf(bytes)}  ${path}\n`);
  return encodeZip(all.set("sha256.txt", text(lines.join(""))));
}

const digestOf = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
