// Verifies an archive: its digests, its tables from the saved predictions, and, where that is asked for, all of it, executed again.
import type { Labels } from "../../data/labels";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { firstImages, loadCifar } from "../../data/cifar";
import type { EvenSweep } from "../../results/matrix";
import { rowsOf } from "../../results/rows";
import { memberOf } from "../../runs/collection";
import type { SweptMember } from "../../runs/family";
import { commit } from "../../runs/provenance";
import { decodeRunFile } from "../../runs/run-file";
import { onInterrupt } from "../../setup/children.mjs";
import { createReport } from "../../setup/report.mjs";
import { decodeSweep, type SweptData } from "../../sweeps/sweep-file";
import { counted } from "../../text/format";
import { runsOf } from "../share/facts";
import { type Archive, digestOf, openArchive } from "./archive";
import { executedAgain } from "./notebooks";
import { isZeroed, recomputeTables } from "./recompute";
import { factsOf, shownCells } from "./outputs";
import { isSame, outcome, type SentResult, type Verified } from "./report";

export interface SentOptions {
  /** Whether the notebook is executed, with everything computed again. */
  readonly full: boolean;
  readonly between?: boolean;
}

/**
 * Verifies an archive. Its code is executed only with `full`.
 * @throws Error for an archive that is not whole, or lists other files than it has, and where a file in it is not as wanted
 */
export async function verifySent(path: string, { full, between }: SentOptions): Promise<SentResult> {
  const report = createReport({ stream: process.stderr });
  const archive = openArchive(path);
  report.ready(
    "digests",
    `${counted(archive.files.size, "file")}, as listed; the archive's own SHA-256 is ${archive.sha256}`,
  );
  sayCommit(archive, report);
  const { tables, differences, others } = recomputeTables(archive.notebook, await savedIn(archive));
  const none = { exact: true, tables, figures: 0, texts: 0 };
  const recomputed: Verified = { notebook: archive.name, ...none, differences };
  const missing = others.length > 0 ? `; ${counted(others.length, "other")} ${full ? "below" : "with --full"}` : "";
  const text = `${counted(tables, "table")} made again from the saved predictions${missing}`;
  if (isSame(recomputed)) report.ready("tables", text);
  else report.failed("tables", { message: `${counted(differences.length, "difference")} in ${text}` });
  const executed = full ? await executedWhole(archive, { between }) : undefined;
  const { sha256, files } = archive;
  return { archive: path, sha256, files: files.size, recomputed, tables, others, ...(executed && { executed }) };
}

/** Says where the code that made the archive is not the code here, which may explain differences. */
function sayCommit({ notebook }: Archive, report: ReturnType<typeof createReport>): void {
  const [made, here] = [factsOf(shownCells(notebook)).get("commit"), commit()];
  if (made !== undefined && made !== here)
    report.notice("code", `made by commit ${made.slice(0, 12)}; here it is ${here?.slice(0, 12) ?? "unknown"}`);
}

async function savedIn(archive: Archive) {
  const sweeps = await sweepsIn(archive);
  return { sweeps, members: membersIn(archive, sweeps) };
}

/** The trained networks of an archive with what its sweeps say of them. */
function membersIn({ files }: Archive, sweeps: readonly EvenSweep[]): SweptMember[] {
  return [...files].flatMap(([name, bytes]) => {
    const run = /^runs\/([^/]+)\/run\.json$/.exec(name)?.[1];
    if (run === undefined) return [];
    const { spec, ...json } = decodeRunFile(bytes);
    const member = memberOf(run, { ...json, network: { spec } });
    const whole = (sweep: EvenSweep) =>
      sweep.network === json.name && isZeroed(sweep) && sweep.labels.length === member.testImages;
    const sweep = sweeps.find(whole);
    return sweep ? [{ ...member, rows: rowsOf(sweep) }] : [];
  });
}

/** Unpacked, sweeps may be much larger than the archive; these stay within the memory. */
const MOST_PREDICTIONS = 2 ** 28;

async function sweepsIn({ files }: Archive): Promise<EvenSweep[]> {
  const sweeps: EvenSweep[] = [];
  let room = MOST_PREDICTIONS;
  for (const [name, bytes] of files) {
    if (!/^sweeps\/.*\.sweep\.gz$/.test(name)) continue;
    const sweep = await decodeSweep(bytes, ownLabels).catch((error: Error) => {
      throw new Error(`Cannot read ${name} of the archive: ${error.message}`, { cause: error });
    });
    sweeps.push(sweep);
    room -= sweep.labels.length * (1 + sweep.sets.length);
    if (room < 0) throw new Error(`Cannot read the archive's sweeps: expected at most ${MOST_PREDICTIONS} predictions`);
  }
  return sweeps;
}

/** Labels are the reader's own, of the published data set. */
async function ownLabels({ name, split, sha256, images }: SweptData): Promise<Labels> {
  const own = await loadCifar(name as "cifar10", split);
  if (own.sha256 !== sha256)
    throw new Error(`its ${name} is another one: its SHA-256 is ${String(sha256).slice(0, 64)}`);
  return firstImages(own, images).labels;
}

async function executedWhole(archive: Archive, { between }: { readonly between?: boolean }): Promise<Verified> {
  checkRuns(archive);
  const { name, files } = archive;
  const folder = mkdtempSync(join(tmpdir(), "nontrivial-sent-"));
  const source = join(folder, "sent.ipynb");
  const report = createReport({ stream: process.stderr });
  const stopListening = onInterrupt();
  let verified: Verified | undefined;
  try {
    writeFileSync(source, files.get(`${name}.ipynb`)!);
    const temporary = join(folder, "again");
    await report.work(name, "starting the kernel,", async (say: (text: string) => void) => {
      verified = { notebook: name, ...(await executedAgain(source, temporary, { between, say })) };
      if (!isSame(verified)) throw new Error(outcome(verified));
      return outcome(verified);
    });
    return verified!;
  } catch (error) {
    const { message, interrupted } = error as Error & { interrupted?: boolean };
    if (interrupted) throw error;
    report.failed(name, { message });
    return verified ?? { notebook: name, failure: message };
  } finally {
    stopListening();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @throws Error where a run that the notebook takes is not here, or another one than in the archive */
function checkRuns({ notebook, files }: Archive): void {
  for (const dir of runsOf(notebook)) {
    const name = dir.split("/").at(-1)!;
    const [sent, own] = [files.get(`runs/${name}/run.json`), readFileSync(join(dir, "run.json"))];
    if (sent && digestOf(sent) !== digestOf(own))
      throw new Error(`Cannot execute it: the run ${dir} here is another one`);
  }
  const here = new Set(runsOf(notebook).map((dir) => dir.split("/").at(-1)));
  const sent = [...files.keys()].flatMap((file) => /^runs\/([^/]+)\/run\.json$/.exec(file)?.[1] ?? []);
  const lacking = sent.find((name) => !here.has(name) && !existsSync(join("data", "runs", name)));
  if (lacking === undefined) return;
  throw new Error(
    `Cannot execute it: the run ${lacking} is not here; put runs/${lacking} of the archive where its parameters say`,
  );
}
