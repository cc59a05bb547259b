// Sweeps that are kept beside their runs: what is read back is what was computed, and nothing else is ever read.
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, test } from "node:test";
import { gunzipSync, gzipSync } from "node:zlib";
import { pairs } from "../lib/ablations/sets";
import { firstImages, loadCifar } from "../lib/data/cifar";
import { take } from "../lib/data/select";
import { layersOf } from "../lib/networks/layers";
import { rowsOf } from "../lib/results/rows";
import { loadCollection } from "../lib/runs/collection";
import { ninesOf, STEPS } from "../lib/results/nines";
import { hasConfidences, keepConfidences, loadConfidences } from "../lib/runs/kept-confidences";
import { isKept, keepSweep, loadSweep } from "../lib/runs/kept-sweep";
import { loadRun, weightsDigest } from "../lib/runs/run-folder";
import { sweepRun } from "../lib/sweeps/kept";
import { sweep } from "../lib/sweeps/sweep";
import { evaluate } from "../lib/training/evaluate";
import { smallDataset } from "./small";
import { smallTraining } from "./killed";

const FOLDER = mkdtempSync(path.join(tmpdir(), "nontrivial-kept-"));
after(() => rmSync(FOLDER, { recursive: true, force: true }));
const RUN = path.join(FOLDER, "run");
const TEST = smallDataset(60);
const FILE = path.join(RUN, "zero.answers.gz");

/** A small run with its sweep. */
async function kept() {
  if (!existsSync(RUN)) await smallTraining(RUN);
  const { network } = await loadRun(RUN);
  const found = await sweep(network, TEST);
  await keepSweep(RUN, found, TEST, { commit: "none" });
  return { network, found };
}

test("loadSweep() gives the rows of the sweep that was kept, its losses left out", async () => {
  const { found } = await kept();
  assert.ok(isKept(RUN) && !isKept(RUN, "mean"));
  const read = await loadSweep(RUN, TEST);
  assert.deepEqual(rowsOf(read), rowsOf({ ...found, losses: undefined }));
  assert.deepEqual([read.sets, read.predictions, read.labels], [found.sets, found.predictions, TEST.labels]);
});

test("loadSweep() refuses other images, other weights, and a file that is damaged anywhere", async () => {
  await kept();
  await assert.rejects(loadSweep(RUN, { ...TEST, sha256: "0".repeat(64) }), /data\.sha256/);
  await assert.rejects(loadSweep(RUN, firstImages(TEST, 50)), /data\.images is 60, expected 50/);
  const backwards = take(TEST, [...TEST.labels.keys()].reverse());
  await assert.rejects(loadSweep(RUN, backwards), /data\.content/, "the same images in another order");
  const darker = { ...TEST, images: TEST.images.map((value) => value >> 1) };
  await assert.rejects(loadSweep(RUN, darker), /data\.content/, "the same images with other pixels");
  await assert.rejects(loadSweep(RUN, TEST, "mean"), /npm run sweep -- --all computes what is missing/);
  const whole = readFileSync(FILE);
  const content = gunzipSync(whole);
  const refused = async (bytes: Uint8Array, message: RegExp) => {
    writeFileSync(FILE, bytes);
    await assert.rejects(loadSweep(RUN, TEST), message);
  };
  const changed = Buffer.from(content);
  changed[changed.length - 1] ^= 1;
  await refused(gzipSync(changed), /its answers are damaged/);
  await refused(whole.subarray(0, 100), /Cannot load the sweep/);
  const header = JSON.parse(content.subarray(0, content.indexOf("\n")).toString());
  const withHeader = (change: object) =>
    gzipSync(
      Buffer.concat([Buffer.from(JSON.stringify({ ...header, ...change })), content.subarray(content.indexOf("\n"))]),
    );
  await refused(withHeader({ weights: "0".repeat(64) }), /weights is "0+", expected .* those of the network/);
  await refused(withHeader({ layers: ["stem.conv"], unchanged: [false] }), /the number of answers/);
  await refused(withHeader({ layers: header.layers.map(() => "x") }), /a layer is "x", expected one of the network's/);
  writeFileSync(FILE, whole);
});

test("sweepRun() reads what is kept of the same images, and computes on others or where it is told to", async () => {
  const { found } = await kept();
  const counted = async (dataset: typeof TEST, options = {}) => {
    const calls: number[] = [];
    const rows = rowsOf(await sweepRun(RUN, dataset, "zero", { ...options, onProgress: (done) => calls.push(done) }));
    return { rows, calls: calls.length, losses: rows[0].lossChange !== undefined };
  };
  const read = await counted(TEST);
  assert.deepEqual([read.calls, read.losses], [1, false], "read: at once, and without losses");
  assert.deepEqual(read.rows, rowsOf({ ...found, losses: undefined }));
  for (const computed of [await counted(firstImages(TEST, 50)), await counted(TEST, { fresh: true })])
    assert.ok(computed.losses, "computed: with losses");
  await keepSweep(RUN, await sweep((await loadRun(RUN)).network, TEST, { seed: 2 }), TEST, {});
  assert.ok((await counted(TEST)).losses, "computed: what is kept began with another seed");
  await keepSweep(RUN, found, TEST, { commit: "none" });
  await assert.rejects(sweepRun(RUN, TEST, "nought"), /Cannot find the operator "nought"/);
});

test("keepSweep() takes only what other runs' sweeps can be compared with", async () => {
  const { network } = await kept();
  const two = await sweep(network, TEST, { sets: pairs(layersOf(network.spec).slice(0, 2)) });
  await assert.rejects(keepSweep(RUN, two, TEST, {}), /expected single layers in float32, on all images/);
  const few = await sweep(network, firstImages(TEST, 50));
  await assert.rejects(keepSweep(RUN, few, TEST, {}), RangeError);
});

test("kept confidences say of each image how many nines there are, and are of these weights and images alone", async () => {
  const { network } = await kept();
  const weights = weightsDigest(RUN);
  const { confidences } = await evaluate(network, TEST);
  assert.equal(hasConfidences(RUN), false);
  await keepConfidences(RUN, confidences, { dataset: TEST, weights });
  assert.ok(hasConfidences(RUN));
  const read = await loadConfidences(RUN, weights, TEST);
  for (const nines of [1, 2, 3])
    for (const [image, p] of confidences.entries())
      if (Math.abs(p - (1 - 10 ** -nines)) > 1e-6) assert.equal(read[image] >= nines * STEPS, p >= 1 - 10 ** -nines);
  await assert.rejects(loadConfidences(RUN, "0".repeat(64), TEST), /weights is .*those of the network/);
  await assert.rejects(loadConfidences(RUN, weights, firstImages(TEST, 50)), /data is/);
  const file = path.join(RUN, "intact.confidences.gz");
  const content = gunzipSync(readFileSync(file));
  content[content.length - 1] ^= 1;
  writeFileSync(file, gzipSync(content));
  await assert.rejects(loadConfidences(RUN, weights, TEST), /Cannot load the confidences .*they have another SHA-256/);
});

test("ninesOf() rounds down, so that a threshold is never passed from below", () => {
  assert.deepEqual([...ninesOf(Float32Array.of(0, 0.5, 0.89, 0.95, 0.9999999, 1))].slice(0, 4), [0, 15, 47, 65]);
  assert.equal(ninesOf(Float32Array.of(1))[0], 255);
});

test("every committed run has its start, and its full sweep, whose intact network is as good as the run says", async () => {
  const cifar = await loadCifar("cifar10", "test");
  for (const { run, accuracy } of await loadCollection("data/runs")) {
    const [row] = rowsOf(await loadSweep(path.join("data", "runs", run), cifar));
    assert.equal(row.images, 10_000, run);
    assert.ok((await loadRun(path.join("data", "runs", run))).start, run); // made of the seed, held to the digest
    assert.ok(Math.abs(row.baseline - accuracy) <= 0.0003, `${run}: ${row.baseline}, but its run says ${accuracy}`);
  }
});
