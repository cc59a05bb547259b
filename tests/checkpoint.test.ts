// Run folders: saved, loaded, damaged, on a full disk.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { decodeNetwork, encodeNetwork, withHalfKernels } from "../lib/checkpoints/network-file";
import { checkParameters } from "../lib/networks/complete";
import { initialParameters, type Network } from "../lib/networks/network";
import type { Run } from "../lib/runs/run-file";
import { loadNetwork, loadRun, saveRun } from "../lib/runs/run-folder";
import { randomStream } from "../lib/statistics/random";
import { startParameters } from "../lib/training/start";
import { smallNetwork } from "./small";

const spec = { family: "resnet", depth: 8, width: 2, shortcut: "B", classes: 3 } as const;
const network: Network = {
  name: "small",
  spec,
  normalization: { mean: [0.5, 0.4, 0.3], std: [0.2, 0.2, 0.3] },
  parameters: initialParameters(spec, randomStream(1, "end")),
};
const run: Run = {
  network,
  start: initialParameters(spec, randomStream(1, "start")),
  seed: 1,
  data: { name: "cifar10", sha256: "ab".repeat(32) },
  accuracy: 0.5,
  history: [{ epoch: 1, rate: 0.1, trainLoss: 2.3, trainAccuracy: 0.1, seconds: 3, imagesPerSecond: 100 }],
  config: { epochs: 1, precision: "float32" },
  provenance: { commit: "0123abc", versions: { node: "20" } },
};

/** A new empty folder, removed after the test. */
function folder(t: { after: (done: () => void) => void }): string {
  const dir = mkdtempSync(path.join(tmpdir(), "nontrivial-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** Sets one number of one parameter. */
function withNumber(name: string, value: number): Network {
  const { shape, data } = network.parameters.get(name)!;
  const changed = { shape, data: data.map((old, index) => (index === 1 ? value : old)) };
  return { ...network, parameters: new Map([...network.parameters, [name, changed]]) };
}

test("checkParameters() names what is missing, unknown, of another shape or not finite", () => {
  checkParameters(network);
  const without = new Map([...network.parameters].filter(([name]) => name !== "dense.bias"));
  assert.throws(() => checkParameters({ ...network, parameters: without }), /"small": dense.bias \[3\] is missing/);
  assert.throws(
    () => checkParameters({ ...network, spec: { ...spec, classes: 4 } }),
    /dense.kernel has the shape \[8, 3\] instead of \[8, 4\]/,
  );
  assert.throws(
    () => checkParameters({ ...network, spec: { ...spec, shortcut: "A" } }),
    /"stage2.block1.shortcut.kernel" \[1, 1, 2, 4\] is unknown/,
  );
  assert.throws(() => checkParameters(withNumber("dense.kernel", Infinity)), /dense.kernel holds Infinity/);
});

test("decodeNetwork() gives back what encodeNetwork() took", () => {
  const found = decodeNetwork(encodeNetwork(network));
  assert.deepEqual(
    { ...found, parameters: new Map([...found.parameters].sort()) },
    { ...network, parameters: new Map([...network.parameters].sort()) },
  );
});

test("an exported network in which a bit is flipped, or which is cut short, is never taken for whole", async (t) => {
  const file = path.join(folder(t), "network.safetensors");
  const whole = encodeNetwork(network);
  const random = randomStream(3, "damage");
  for (let round = 0; round < 100; round++) {
    const damaged = Uint8Array.from(whole);
    const bit = random.integer(8 * whole.length);
    damaged[bit >> 3] ^= 1 << (bit & 7);
    writeFileSync(file, damaged);
    await assert.rejects(loadNetwork(file), /^Error: Cannot load a network from/, `bit ${bit}`);
    writeFileSync(file, whole.subarray(0, random.integer(whole.length)));
    await assert.rejects(loadNetwork(file), /^Error: Cannot load a network from/);
  }
  writeFileSync(file, whole);
  assert.equal((await loadNetwork(file)).name, "small");
});

test("saveRun() gives equal networks equal weights, whatever their folders are called", async (t) => {
  const dir = folder(t);
  const weightsOf = async (name: string) => {
    await saveRun(path.join(dir, name), { ...run, network: { ...network, name } });
    assert.equal((await loadRun(path.join(dir, name))).network.name, name);
    return readFileSync(path.join(dir, name, "weights.safetensors"));
  };
  assert.ok((await weightsOf("one")).equals(await weightsOf("another")));
});

for (const name of ["vgg11-w2", "imagenet-resnet18-w2", "imagenet-resnet50-w2", "preresnet11bn-w2", "wrn10-2-w2"])
  test(`a run folder gives back the ${name} that it was given`, async (t) => {
    const dir = path.join(folder(t), "run");
    const given = smallNetwork(name);
    await saveRun(dir, { ...run, network: given, start: given.parameters });
    const found = await loadRun(dir);
    assert.deepEqual({ ...found.network, parameters: 0 }, { ...given, parameters: 0 });
    for (const [parameter, values] of given.parameters) {
      assert.deepEqual(found.network.parameters.get(parameter), values, parameter);
      assert.deepEqual(found.start!.get(parameter), values, parameter);
    }
  });

test("saveRun() and loadRun() keep every part of a run, and leave no other file", async (t) => {
  const dir = path.join(folder(t), "runs", "first");
  await saveRun(dir, run);
  assert.deepEqual(readdirSync(dir).sort(), ["run.json", "start.safetensors", "weights.safetensors"]);
  const found = await loadRun(dir);
  for (const [name, { data }] of run.start!) assert.deepEqual(found.start!.get(name)!.data, data, name);
  for (const [name, { data }] of network.parameters)
    assert.deepEqual(found.network.parameters.get(name)!.data, data, name);
  const rest = ({
    seed,
    data,
    accuracy,
    history,
    config,
    provenance,
    network: { name, spec: s, normalization },
  }: Run) => ({ seed, data, accuracy, history, config, provenance, name, s, normalization });
  assert.deepEqual(rest(found), rest(run));
});

test("saveRun() replaces a run, also one with a start by one without", async (t) => {
  const dir = folder(t);
  await saveRun(dir, run);
  await saveRun(dir, { ...run, start: undefined, accuracy: 0.25 });
  assert.deepEqual(readdirSync(dir).sort(), ["run.json", "weights.safetensors"]);
  const found = await loadRun(dir);
  assert.equal(found.accuracy, 0.25);
  assert.equal(found.start, undefined);
});

test("loadNetwork() takes a run folder, and its weights alone", async (t) => {
  const dir = folder(t);
  await saveRun(dir, run);
  for (const [place, name] of [
    [dir, "small"],
    [path.join(dir, "weights.safetensors"), "resnet8-B-w2"],
  ]) {
    const found = await loadNetwork(place);
    assert.deepEqual([found.name, found.spec, found.normalization], [name, spec, network.normalization]);
  }
});

test("loadNetwork() says what is wrong with a path", async (t) => {
  const dir = folder(t);
  writeFileSync(path.join(dir, "a.txt"), "x");
  writeFileSync(path.join(dir, "a.th"), "x");
  writeFileSync(path.join(dir, "a.safetensors"), "x");
  await assert.rejects(loadNetwork(path.join(dir, "none")), /Cannot load a network from ".*none": ENOENT/);
  await assert.rejects(
    loadNetwork(path.join(dir, "a.txt")),
    /a.txt": Cannot read the checkpoint: the file begins neither/,
  );
  await assert.rejects(
    loadNetwork(path.join(dir, "a.th")),
    /a.th": Cannot read the checkpoint: the file begins neither/,
  );
  await assert.rejects(loadNetwork(path.join(dir, "a.safetensors")), /a.safetensors": Cannot read the checkpoint: /);
  await assert.rejects(
    loadNetwork(dir),
    /Cannot load a network from ".*": it has no run.json.*such as "a.safetensors"/,
  );
  await assert.rejects(loadNetwork(folder(t)), /Cannot load the run ".*": Cannot read ".*run.json": ENOENT/);
});

test("loadRun() names the file whose bytes changed", async (t) => {
  const dir = folder(t);
  for (const file of ["weights.safetensors", "start.safetensors"]) {
    await saveRun(dir, run);
    const bytes = readFileSync(path.join(dir, file));
    bytes[bytes.length - 2] ^= 1;
    writeFileSync(path.join(dir, file), bytes);
    await assert.rejects(
      loadRun(dir),
      new RegExp(`Cannot load the run ".*": ${file} has the SHA-256 \\w{64}, but run.json says`),
    );
  }
});

test("loadRun() makes the start of its seed where it is not kept, rounded as it was, and refuses another one's", async (t) => {
  for (const half of [false, true]) {
    const dir = folder(t);
    const made = half ? withHalfKernels(startParameters(spec, 5)) : startParameters(spec, 5);
    const halved = half ? withHalfKernels(network.parameters) : network.parameters;
    await saveRun(dir, { ...run, network: { ...network, parameters: halved }, seed: 5, start: made }, { half });
    rmSync(path.join(dir, "start.safetensors"));
    assert.deepEqual((await loadRun(dir)).start, made);
  }
  const dir = folder(t);
  await saveRun(dir, { ...run, start: startParameters(spec, 6) });
  rmSync(path.join(dir, "start.safetensors"));
  const other = await loadRun(dir);
  assert.throws(() => other.start, /no start\.safetensors, and the seed 1 gives another SHA-256 than run\.json says/);
});

const fields: [string, (json: Record<string, unknown>) => void, RegExp][] = [
  ["the schema is another", (json) => (json.schema = 2), /schema is 2, expected 1/],
  ["the name is a number", (json) => (json.name = 5), /name is 5, expected a string/],
  [
    "the depth is a billion",
    (json) => (json.spec = { ...spec, depth: 1e9 }),
    /spec.depth is 1000000000, expected a whole number from 1 to 2000/,
  ],
  [
    "a VGG has a depth that there is not",
    (json) => (json.spec = { family: "vgg", depth: 12, width: 2, classes: 3 }),
    /depth 12: vgg has the depths 11, 13, 16/,
  ],
  [
    "the shortcut is missing",
    (json) => (json.spec = { ...spec, shortcut: undefined }),
    /spec.shortcut is undefined, expected "A" or "B"/,
  ],
  ["the depth is not 6n+2", (json) => (json.spec = { ...spec, depth: 9 }), /depth 9.*6n\+2/],
  [
    "the spec is missing",
    (json) => (json.spec = null),
    /spec.family is undefined, expected one of resnet, plain, preresnet, wrn, vgg, imagenet-resnet, torchvision-resnet/,
  ],
  [
    "the width is not that of the weights",
    (json) => (json.spec = { ...spec, width: 4 }),
    /stem.conv.kernel has the shape \[3, 3, 3, 2\] instead of \[3, 3, 3, 4\]/,
  ],
  [
    "a standard deviation is 0",
    (json) => (json.normalization = { mean: [0, 0, 0], std: [1, 0, 1] }),
    /normalization.std is \[1,0,1\], expected three numbers above 0/,
  ],
  ["the seed is missing", (json) => delete json.seed, /seed is undefined, expected a number/],
  ["the accuracy is in percent", (json) => (json.accuracy = 91.7), /accuracy is 91.7, expected a fraction/],
  ["the data are not identified", (json) => (json.data = {}), /data.sha256 is undefined/],
  [
    "the data have another digest's form",
    (json) => (json.data = { sha256: "AB" }),
    /data.sha256 is "AB", expected 64 hex/,
  ],
  [
    "half an image is held out",
    (json) => (json.data = { ...run.data, heldOut: 0.5 }),
    /data.heldOut is 0.5, expected a whole number of at least 0/,
  ],
  [
    "the training had no images",
    (json) => (json.data = { ...run.data, images: 0 }),
    /data.images is 0, expected a whole number of at least 1/,
  ],
  ["it was tested on no image", (json) => (json.testImages = 0), /testImages is 0, expected a whole number/],
  ["the recipe is missing", (json) => delete json.config, /config is undefined, expected an object/],
  [
    "the epochs are no number",
    (json) => (json.config = { ...run.config, epochs: "1" }),
    /config.epochs is "1", expected a whole number of at least 1/,
  ],
  [
    "the precision is unknown",
    (json) => (json.config = { ...run.config, precision: "half" }),
    /config.precision is "half", expected float32 or bfloat16/,
  ],
  ["the provenance is a list", (json) => (json.provenance = []), /provenance is \[\], expected an object/],
  [
    "the start is not identified",
    (json) => (json.start = {}),
    /start.sha256 is undefined, expected 64 hexadecimal digits/,
  ],
  [
    "the normalization is not that of the weights",
    (json) => (json.normalization = { mean: [0.5, 0.4, 0.3], std: [0.2, 0.2, 0.2] }),
    /normalization is .*0.2,0.2,0.2.*, expected .*0.2,0.2,0.3.*, as weights.safetensors says/,
  ],
  [
    "the family is another",
    (json) => (json.spec = { ...spec, family: "plain" }),
    /"stage2.block1.shortcut.kernel" .* is unknown/,
  ],
  [
    "an epoch is missing",
    (json) => (json.history = [{ ...run.history[0], epoch: 2 }]),
    /history\[0\].epoch is 2, expected 1/,
  ],
  [
    "a watched loss is a text",
    (json) => (json.history = [{ ...run.history[0], heldOutLoss: "low" }]),
    /history\[0\].heldOutLoss is "low", expected a number/,
  ],
  ["the weights are not identified", (json) => (json.weights = {}), /weights.sha256 is undefined/],
  [
    "a loss is null",
    (json) => (json.history = [{ ...run.history[0], trainLoss: null }]),
    /history\[0\].trainLoss is null, expected a number/,
  ],
];
for (const [title, change, message] of fields)
  test(`loadRun() names the field where ${title}`, async (t) => {
    const dir = folder(t);
    await saveRun(dir, run);
    const json = JSON.parse(readFileSync(path.join(dir, "run.json"), "utf8"));
    change(json);
    writeFileSync(path.join(dir, "run.json"), JSON.stringify(json));
    await assert.rejects(loadRun(dir), { message });
  });

test("loadRun() refuses a run.json that is cut short", async (t) => {
  const dir = folder(t);
  await saveRun(dir, run);
  writeFileSync(path.join(dir, "run.json"), readFileSync(path.join(dir, "run.json")).subarray(0, 100));
  await assert.rejects(loadRun(dir), /Cannot load the run ".*": run.json is not JSON/);
});

test("saveRun() refuses NaN in weights and in history before it writes anything", async (t) => {
  const dir = path.join(folder(t), "run");
  await assert.rejects(
    saveRun(dir, { ...run, network: withNumber("stem.conv.kernel", NaN) }),
    /stem.conv.kernel holds NaN/,
  );
  await assert.rejects(saveRun(dir, { ...run, history: [{ ...run.history[0], trainLoss: NaN }] }), /trainLoss is NaN/);
  assert.equal(existsSync(dir), false);
});

test("saveRun() names a file that it cannot put in place, and leaves no temporary file", async (t) => {
  const dir = folder(t);
  await mkdir(path.join(dir, "start.safetensors", "in the way"), { recursive: true });
  await assert.rejects(saveRun(dir, run), /Cannot write ".*start.safetensors": /);
  assert.deepEqual(readdirSync(dir).sort(), ["start.safetensors", "weights.safetensors"]);
  writeFileSync(path.join(dir, "file"), "");
  await assert.rejects(saveRun(path.join(dir, "file", "run"), run), /Cannot write ".*run": ENOTDIR/);
});

test("saveRun() on a full disk names the file, and leaves the run that was there", async (t) => {
  const dir = folder(t);
  await saveRun(dir, run);
  const before = readdirSync(dir).map((name) => [name, readFileSync(path.join(dir, name), "hex")]);
  // A limit on the size of files stands for the full disk: the write fails half-way.
  const entry = path.join(folder(t), "save.ts");
  writeFileSync(
    entry,
    `import { loadRun, saveRun } from ${JSON.stringify(path.resolve("lib", "runs", "run-folder"))};
     const dir = ${JSON.stringify(dir)};
     const show = (error) => console.log(error.message);
     loadRun(dir).then(async (run) => {
       for (const place of [dir, dir + "/new"]) await saveRun(place, { ...run, accuracy: 0.1 }).catch(show);
     });`,
  );
  const env = { ...process.env, TSX_DISABLE_CACHE: "1" }; // its files would be cut as well
  const { stdout } = await promisify(execFile)(
    "bash",
    ["-c", 'ulimit -f 2 && exec "$0" --import tsx "$1"', process.execPath, entry],
    { env },
  );
  assert.match(
    stdout,
    /^Cannot write ".*weights.safetensors": EFBIG.*\nCannot write ".*new.weights.safetensors": EFBIG/,
  );
  assert.deepEqual(
    readdirSync(dir).map((name) => [name, readFileSync(path.join(dir, name), "hex")]),
    before,
  );
});
