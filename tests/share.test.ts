// `npm run share` and what its reader checks: tables made again from predictions, hostile archives, and all of it executed again.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { deflateRawSync, gunzipSync, gzipSync } from "node:zlib";
import { executeNotebook } from "../lib/cli/reproduce/execute.mjs";
import { archiveOf, shareNotebook } from "../lib/cli/share/make";
import { openArchive } from "../lib/cli/verify/archive";
import { differenceText } from "../lib/cli/verify/report";
import { verifySent } from "../lib/cli/verify/sent";
import { firstImages, loadCifar } from "../lib/data/cifar";
import { encodeZip, listZip } from "../lib/files/zip";
import { tableBundle } from "../lib/notebook/bundle";
import { classRowsOf, rowsOf } from "../lib/results/rows";
import { verdictsOf } from "../lib/results/verdict";
import { memberOf } from "../lib/runs/collection";
import { loadSweep } from "../lib/runs/kept-sweep";
import { loadRun } from "../lib/runs/run-folder";
import { ROOT } from "../lib/setup/environment.mjs";
import { decodeSweep, encodeSweep } from "../lib/sweeps/sweep-file";
import { sweep } from "../lib/sweeps/sweep";
import { ablationTable } from "../lib/tables/ablations";
import { captionOf } from "../lib/tables/caption";
import { classTable } from "../lib/tables/classes";
import { operatorTable } from "../lib/tables/operators";
import { claimTable } from "../lib/tables/claims";
import { trivialityTable } from "../lib/tables/family";
import { tableOf } from "../lib/tables/table";
import { verdictCountTable } from "../lib/tables/verdicts";
import { smallNetwork } from "./small";

const bytesOf = (value: unknown) => new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));
const kernelspec = { name: "tslab", display_name: "TypeScript", language: "typescript" };
const notebookOf = (cells: readonly object[]) => ({ nbformat: 4, nbformat_minor: 5, metadata: { kernelspec }, cells });
const code = (source: string, outputs: readonly object[] = [], tags: readonly string[] = []) => ({
  ...{ cell_type: "code", execution_count: null, id: `c${source.length}`, metadata: { tags }, source, outputs },
});
const shows = (bundle: object) => ({ output_type: "display_data", metadata: {}, data: bundle });

async function swept() {
  const [network, test] = [smallNetwork(), await loadCifar("cifar10", "test")];
  return { network, dataset: firstImages(test, 60), result: await sweep(network, firstImages(test, 60)) };
}

/**
 * The files of a notebook with five tables of a sweep, one of something else, and code that must not run. A sweep of the same network over
 * fewer images is there too, as where a notebook looks at some and the run keeps all.
 */
async function files(marker = "/nowhere"): Promise<Map<string, Uint8Array>> {
  const { network, dataset, result } = await swept();
  const verdicts = verdictsOf(rowsOf(result));
  const outputs = [
    tableBundle(ablationTable(verdicts), { caption: captionOf(result) }),
    tableBundle(verdictCountTable(verdicts), { caption: "By verdict" }),
    tableBundle(claimTable({ [network.name]: rowsOf(result) }), { caption: "Claims" }),
    tableBundle(operatorTable({ zero: verdicts }), { caption: "Operators" }),
    tableBundle(classTable(classRowsOf(result).slice(0, 10), dataset.classes), { caption: "Classes" }),
    tableBundle(tableOf([{ colour: "red" }]), { caption: "Something else" }),
  ].map(shows);
  const few = firstImages(dataset, 40);
  const source = `import { writeFileSync } from "node:fs";\nwriteFileSync(${JSON.stringify(marker)}, "");`;
  return new Map([
    ["mine.ipynb", bytesOf(notebookOf([code(source, outputs)]))],
    ["sweeps/small-zero.sweep.gz", await encodeSweep(result, network.spec, dataset)],
    ["sweeps/small-few.sweep.gz", await encodeSweep(await sweep(network, few), network.spec, few)],
  ]);
}

/** A temporary folder, and what writes an archive into it. */
function folderOf(context: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), "share-"));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const write = (archive: Uint8Array) => {
    writeFileSync(join(folder, "mine.crate.zip"), archive);
    return join(folder, "mine.crate.zip");
  };
  return { folder, write };
}

const seconds = 1;
const quiet = { full: false };

test("a sweep's file is read back as it was, and refused where it was altered or is about other images", async () => {
  const { network, dataset, result } = await swept();
  const file = await encodeSweep(result, network.spec, dataset);
  const labels = () => Promise.resolve(dataset.labels);
  const { changes, ...rest } = result;
  assert.ok(changes);
  assert.deepEqual(await decodeSweep(file, labels), rest);
  const altered = (change: (content: Buffer) => Buffer) => gzipSync(change(gunzipSync(file)));
  const header = (from: string, to: string) =>
    altered((content) => Buffer.from(content.toString("latin1").replace(from, to), "latin1"));
  for (const [bytes, message] of [
    [altered((content) => (content.fill(3, content.length - 9), content)), /answers are damaged/],
    [header('"schema":1', '"schema":9'), /schema is 9, expected 1/],
    [header('"depth":8', '"depth":900000'), /spec\.depth is 900000/],
    [header('"images":60', '"images":61'), /other images/],
    [gzipSync(Buffer.alloc(2 ** 28 + 1)), /larger than/],
  ] as const)
    await assert.rejects(decodeSweep(bytes, labels), message);
  await assert.rejects(
    decodeSweep(file, () => Promise.resolve(dataset.labels.map(() => 0))),
    /other images/,
  );
});

test("tables are made again from the predictions without running any code; an altered number is found and named", async (context) => {
  const { folder, write } = folderOf(context);
  const marker = join(folder, "was-here");
  const sent = await files(marker);
  const { recomputed, tables, others } = await verifySent(write(archiveOf("mine", sent, { seconds })), quiet);
  assert.deepEqual(recomputed, { notebook: "mine", exact: true, tables: 5, figures: 0, texts: 0, differences: [] });
  assert.deepEqual([tables, others], [5, [{ cell: 1, title: "Something else" }]]);
  assert.equal(existsSync(marker), false, "no code of the archive has run");

  const text = new TextDecoder().decode(sent.get("mine.ipynb"));
  const at = text.indexOf("stage2.block1.conv1</td>");
  const changed = text.slice(0, at) + text.slice(at).replace(/>(−?\d+\.\d\d)</, ">77.77<");
  const forged = new Map(sent).set("mine.ipynb", bytesOf(changed));
  const { recomputed: wrong } = await verifySent(write(archiveOf("mine", forged, { seconds })), quiet);
  assert.ok("differences" in wrong && wrong.differences.length === 1);
  assert.match(
    differenceText(wrong.differences[0]),
    /cell 1, table "resnet8-w4, .*row stage2\.block1\.conv1, column drop pp: was 77\.77, is /,
  );
});

// The validator of the RO-Crate community (roc-validator 0.13.0) finds nothing that the profile requires and an archive lacks.
test("an archive's metadata name every file with its digest, and the execution that it comes from, as a Process Run Crate", async (context) => {
  const { write } = folderOf(context);
  const { files: all } = openArchive(write(archiveOf("mine", await files(), { seconds })));
  type Entity = Readonly<Record<string, unknown>> & { readonly "@id": string };
  const text = new TextDecoder().decode(all.get("ro-crate-metadata.json"));
  const graph = (JSON.parse(text) as { "@graph": Entity[] })["@graph"];
  const entity = (id: string) => graph.find((each) => each["@id"] === id) ?? assert.fail(`no entity ${id}`);
  const idsOf = (value: unknown) => [value].flat().map((each) => (each as Entity)["@id"]);
  assert.deepEqual(entity("./").conformsTo, { "@id": "https://w3id.org/ro/wfrun/process/0.5" });
  assert.deepEqual(idsOf(entity("./").hasPart), [
    "README.md",
    "mine.ipynb",
    "sweeps/small-zero.sweep.gz",
    "sweeps/small-few.sweep.gz",
  ]);
  for (const id of idsOf(entity("./").hasPart))
    assert.equal(entity(id).sha256, createHash("sha256").update(all.get(id)!).digest("hex"));
  const execution = entity("#execution");
  assert.equal(execution["@type"], "CreateAction");
  assert.equal(entity(idsOf(execution.instrument)[0])["@type"], "SoftwareApplication");
  assert.deepEqual(idsOf(execution.result), ["mine.ipynb", "sweeps/small-zero.sweep.gz", "sweeps/small-few.sweep.gz"]);
});

test("an archive names its author as who executed it and answers for it, and nobody where none is given", async (context) => {
  const { folder } = folderOf(context);
  const author = { name: 'A. "B" <C>', orcid: "0000-0002-1825-0097" };
  const metadataOf = async (execution: Parameters<typeof archiveOf>[2]) => {
    writeFileSync(join(folder, "mine.crate.zip"), archiveOf("mine", await files(), execution));
    const bytes = openArchive(join(folder, "mine.crate.zip")).files.get("ro-crate-metadata.json");
    return new TextDecoder().decode(bytes);
  };
  const { "@graph": graph } = JSON.parse(await metadataOf({ seconds, author })) as {
    "@graph": Record<string, unknown>[];
  };
  const [root, execution] = ["./", "#execution"].map((id) => graph.find((each) => each["@id"] === id)!);
  const id = "https://orcid.org/0000-0002-1825-0097";
  assert.deepEqual([root.author, root.publisher, execution.agent], Array(3).fill({ "@id": id }));
  assert.deepEqual(
    graph.find((each) => each["@id"] === id),
    { "@id": id, "@type": "Person", name: author.name },
  );
  assert.doesNotMatch(await metadataOf({ seconds }), /"(author|agent|publisher)"|Person/);
});

test("tables of trained networks are made again from their runs and kept sweeps", async (context) => {
  const { write } = folderOf(context);
  const dir = "data/runs/resnet8-seed1";
  const [run, test] = [await loadRun(dir), await loadCifar("cifar10", "test")];
  const kept = await loadSweep(dir, test);
  const member = { ...memberOf("resnet8-seed1", run), rows: rowsOf(kept) };
  const bundle = tableBundle(trivialityTable([member]), { caption: "By verdict" });
  const sent = (shown: object) =>
    new Map([
      ["mine.ipynb", bytesOf(notebookOf([code("", [shows(shown)])]))],
      ["runs/resnet8-seed1/run.json", readFileSync(join(dir, "run.json"))],
      ["sweeps/kept.sweep.gz", encoded],
    ]);
  const encoded = await encodeSweep(kept, run.network.spec, test);
  const differencesIn = async (shown: object) => {
    const { recomputed, tables } = await verifySent(write(archiveOf("mine", sent(shown), { seconds })), quiet);
    return [
      "differences" in recomputed ? recomputed.differences.map(({ column }) => column) : recomputed.failure,
      tables,
    ];
  };
  assert.deepEqual(await differencesIn(bundle), [[], 1]);
  const forged = { "text/html": String(bundle["text/html"]).replace("0 / 0 / 7", "7 / 0 / 0") };
  assert.deepEqual(await differencesIn(forged), [["verdicts at 0.5 pp"], 1]);
});

test("only --full executes what was sent, and finds a notebook whose tables its code does not show", async (context) => {
  const { folder, write } = folderOf(context);
  const marker = join(folder, "was-here");
  const { executed } = await verifySent(write(archiveOf("mine", await files(marker), { seconds })), { full: true });
  assert.equal(existsSync(marker), true);
  assert.ok(executed && "differences" in executed, JSON.stringify(executed));
  assert.match(differenceText(executed.differences[0]), /^cell 1, outputs: was table, table, .* is none \(exactly\)$/);
});

test("hostile archives are refused: digests, missing and further files, paths, links, compression, sizes", async (context) => {
  const { write } = folderOf(context);
  const good = archiveOf("mine", await files(), { seconds });
  const entries = () => {
    const all = new Map<string, Uint8Array>();
    for (const { name, start, end } of listZip(good).values()) all.set(name, good.slice(start, end));
    return all;
  };
  const listed = (all: Map<string, Uint8Array>) => {
    const lines = [...all].filter(([name]) => name !== "sha256.txt");
    const digest = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
    return all.set("sha256.txt", bytesOf(lines.map(([name, bytes]) => `${digest(bytes)}  ${name}\n`).join("")));
  };
  const refused = (archive: Uint8Array, message: RegExp) => assert.throws(() => openArchive(write(archive)), message);
  assert.equal(openArchive(write(good)).name, "mine");

  refused(encodeZip(entries().set("README.md", bytesOf("other"))), /README\.md was altered: its SHA-256 is/);
  refused(encodeZip(entries().set("more.txt", bytesOf("more"))), /more\.txt is not listed/);
  const without = entries();
  without.delete("README.md");
  refused(encodeZip(without), /README\.md is missing/);
  without.delete("sha256.txt");
  refused(encodeZip(without), /it has no sha256\.txt/);
  refused(encodeZip(listed(entries().set("other.ipynb", bytesOf("{}")))), /expected one notebook in it, found 2/);
  for (const path of [
    "../evil",
    "/etc/evil",
    "a/../../evil",
    "C:\\evil",
    ".hidden",
    "a/.ssh/b",
    "a\nb",
    "a//b",
    "a/",
    "x".repeat(400),
  ])
    refused(encodeZip(listed(entries().set(path, bytesOf("")))), /it has the path|another line|names within/);
  const link = Buffer.from(good);
  link.writeUInt16LE(0o120777, link.indexOf(Buffer.from([0x50, 0x4b, 1, 2])) + 40);
  refused(link, /is a link, a folder or a device/);
  const packed = Buffer.from(good);
  packed.writeUInt16LE(8, packed.indexOf(Buffer.from([0x50, 0x4b, 1, 2])) + 10);
  refused(packed, /is compressed/);
  const large = Buffer.from(good);
  large.writeUInt32LE(0xfffffff0, large.indexOf(Buffer.from([0x50, 0x4b, 1, 2])) + 24);
  refused(large, /is compressed|reaches past/);
  refused(good.subarray(0, good.length - 30), /cut short/);
  refused(deflateRawSync(good), /does not end/);
});

test("a notebook is shared with what its numbers rest on, and its reader gets the same numbers", async (context) => {
  const { folder } = folderOf(context);
  const file = join(folder, "mine.ipynb");
  const config = 'const CONFIG = { network: "data/runs/resnet8-seed1", images: 40 };';
  const cells = [
    { cell_type: "markdown", id: "m", metadata: {}, source: "# Mine\n\n> Does it repeat?" },
    code(`import { firstImages, loadCifar, loadNetwork, provenance, show, startEngine, sweepLive } from "./lib";`),
    code(config, [], ["parameters"]),
    code(`const test = firstImages(await loadCifar("cifar10", "test"), CONFIG.images);
await sweepLive(await loadNetwork(CONFIG.network), test, { figure: false });`),
    code(`await show(provenance(await startEngine(), CONFIG));`),
  ];
  writeFileSync(file, JSON.stringify(notebookOf(cells)));
  await executeNotebook({ root: ROOT, source: file, target: file, say: () => {} });
  await shareNotebook(file, folder);
  const archive = join(folder, "mine.crate.zip");
  const names = [...openArchive(archive).files.keys()].map((name) => name.replace(/-[0-9a-f]{8}\./, "-…."));
  assert.deepEqual(names, [
    ...["README.md", "mine.ipynb", "mine.html", "sweeps/resnet8-seed1-zero-….sweep.gz", "runs/resnet8-seed1/run.json"],
    ...["runs/resnet8-seed1/weights.safetensors", "sweeps/resnet8-seed1-zero-….sweep.gz"],
    ...["ro-crate-metadata.json", "sha256.txt"],
  ]);
  const { recomputed, others } = await verifySent(archive, quiet);
  assert.ok("differences" in recomputed && recomputed.tables === 1 && recomputed.differences.length === 0);
  assert.deepEqual(others, []);
  assert.deepEqual(
    readdirSync("data/results").filter((name) => name.includes("-share-")),
    [],
  );
});
