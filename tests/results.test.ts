// Saved results: by-hand bytes, kills, several processes, damage at every byte, full disks. Whatever is read has to be right.
import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { randomStream } from "../lib/statistics/random";
import { encodePart, type Part, recordSize } from "../lib/sweeps/records";
import { openResults, type SavedResults } from "../lib/sweeps/saved";
import { mutate } from "./mutations";

const KEY = "0123456789abcdef".repeat(4);
const OTHER_KEY = "fedcba9876543210".repeat(4);

interface Shape {
  readonly rows: number;
  readonly images: number;
}
type Context = { after: (done: () => void) => void };

/** A new empty folder, removed after the test. */
function folder(t: Context): string {
  const dir = mkdtempSync(path.join(tmpdir(), "nontrivial-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

const fileIn = (dir: string) => path.join(dir, `${KEY}.results`);
const upTo = (count: number) => Array.from({ length: count }, (_, index) => index);

// Every number of the tests' sweep is known, so that a wrong one shows wherever it comes from.
const predictionOf = (row: number, image: number) => (row * 7 + image * 3 + 1) % 251;
const lossOf = (row: number, image: number) => 1 + row / 4 + image / 4096; // exact in float32

function partOf(start: number, end: number, rows: readonly number[]): Part {
  const images = upTo(end - start).map((index) => start + index);
  return {
    start,
    rows,
    predictions: rows.map((row) => Uint8Array.from(images, (image) => predictionOf(row, image))),
    losses: rows.map((row) => Float32Array.from(images, (image) => lossOf(row, image))),
  };
}

/** Which (row, image) are saved, after checking that each of them is right. */
function savedPlaces(results: SavedResults, { rows, images }: Shape): Set<string> {
  const places = new Set<string>();
  for (const row of upTo(rows))
    for (const image of upTo(images)) {
      const found = results.read(image, image + 1, [row]);
      if (!found) continue;
      assert.deepEqual(found, partOf(image, image + 1, [row]), `row ${row}, image ${image}`);
      places.add(`${row} ${image}`);
    }
  return places;
}

const placesOf = ({ start, rows, predictions: [first] }: Part) =>
  rows.flatMap((row) => upTo(first.length).map((index) => `${row} ${start + index}`));

test("a record has the bytes that its description says", (t) => {
  const dir = folder(t);
  const results = openResults(dir, KEY, { rows: 3, images: 10 });
  results.write({
    start: 4,
    rows: [0, 2],
    predictions: [Uint8Array.of(9, 1), Uint8Array.of(0, 7)],
    losses: [Float32Array.of(1, -2), Float32Array.of(0.5, 0)],
  });
  const numbers = (...list: number[]) => list.map((number) => number.toString(16).padStart(2, "0") + "000000").join("");
  const content = Buffer.from(
    Buffer.from("ntsweep1").toString("hex") + numbers(4, 2, 2, 0, 2) + "09010007" + "0000803f000000c00000003f00000000",
    "hex",
  );
  const digest = createHash("sha256").update(`${KEY} 3 10\n`).update(content).digest("hex");
  assert.equal(readFileSync(fileIn(dir), "hex"), content.toString("hex") + digest);
  assert.equal(statSync(fileIn(dir)).size, recordSize(2, 2));
});

test("what was written is read back, by who wrote it and by who opens it later", (t) => {
  const dir = path.join(folder(t), "data", "results");
  const shape = { rows: 4, images: 12 };
  const writer = openResults(dir, KEY, shape);
  assert.equal(existsSync(dir), false, "nothing is made before there is something to save");
  writer.write(partOf(0, 5, [0, 1, 2, 3]));
  writer.write(partOf(5, 10, [0, 3]));
  for (const results of [writer, openResults(dir, KEY, shape)]) {
    assert.deepEqual(upTo(4).map(results.saved), [10, 5, 5, 10]);
    assert.deepEqual(results.read(0, 5, [0, 1, 2, 3]), partOf(0, 5, [0, 1, 2, 3]));
    assert.deepEqual(results.read(3, 9, [3, 0]), partOf(3, 9, [3, 0]), "across two records, rows in another order");
    assert.equal(results.read(3, 9, [0, 1]), undefined, "row 1 ends before image 5");
    assert.equal(results.read(9, 11, [0]), undefined, "image 10 is missing");
    assert.equal(savedPlaces(results, shape).size, 30);
  }
});

test("computers write into files of their own, and each reads what all have saved", (t) => {
  const dir = folder(t);
  const shape = { rows: 2, images: 10 };
  openResults(dir, KEY, shape, { writer: "node-1" }).write(partOf(0, 10, [0]));
  openResults(dir, KEY, shape, { writer: "node/2" }).write(partOf(0, 10, [1]));
  openResults(dir, OTHER_KEY, shape, { writer: "node-1" }).write(partOf(0, 10, [1]));
  assert.deepEqual(
    readdirSync(dir).sort(),
    [`${KEY}.node-1`, `${KEY}.node-2`, `${OTHER_KEY}.node-1`].map((name) => `${name}.results`).sort(),
  );
  for (const writer of [undefined, "node-1", "node-3"])
    assert.deepEqual(openResults(dir, KEY, shape, { writer }).read(0, 10, [1, 0]), partOf(0, 10, [1, 0]));
  openResults(dir, KEY, shape, { writer: "node-3", fresh: true });
  assert.deepEqual(readdirSync(dir), [`${OTHER_KEY}.node-1.results`]);
});

test("what is read is a copy, and what is written may be changed afterwards", (t) => {
  const results = openResults(folder(t), KEY, { rows: 1, images: 2 });
  const part = partOf(0, 2, [0]);
  results.write(part);
  part.predictions[0].fill(99);
  results.read(0, 2, [0])!.losses[0].fill(99);
  assert.deepEqual(results.read(0, 2, [0]), partOf(0, 2, [0]));
});

test("views into larger arrays are saved as what they show", (t) => {
  const dir = folder(t);
  const whole = partOf(0, 8, [0]);
  openResults(dir, KEY, { rows: 1, images: 8 }).write({
    start: 3,
    rows: [0],
    predictions: [whole.predictions[0].subarray(3, 6)],
    losses: [whole.losses[0].subarray(3, 6)],
  });
  assert.deepEqual(openResults(dir, KEY, { rows: 1, images: 8 }).read(3, 6, [0]), partOf(3, 6, [0]));
});

test("a part that does not fit into the sweep is refused before anything is written", (t) => {
  const dir = folder(t);
  const results = openResults(dir, KEY, { rows: 3, images: 10 });
  const whole = partOf(0, 2, [0, 1]);
  const wrong: [Part, RegExp][] = [
    [partOf(9, 11, [0]), /3 rows and 10 images: found images 9 to 11/],
    [partOf(-1, 1, [0]), /found images -1 to 1/],
    [partOf(3, 3, [0]), /found images 3 to 3/],
    [partOf(0, 1, [3]), /there is no row 3/],
    [partOf(0, 1, [0.5]), /there is no row 0.5/],
    [partOf(0, 1, [1, 1]), /each once/],
    [partOf(0, 1, []), /at least one row/],
    [{ ...whole, predictions: whole.predictions.slice(1) }, /expected predictions of 2 rows, 2 each, found 2/],
    [{ ...whole, losses: [new Float32Array(2), new Float32Array(1)] }, /expected losses of 2 rows, 2 each, found 2,1/],
  ];
  for (const [part, message] of wrong) assert.throws(() => results.write(part), { name: "RangeError", message });
  assert.throws(() => results.read(0, 11, [0]), { name: "RangeError", message: /images 0 to 11/ });
  assert.throws(() => results.read(0, 1, [-1]), { name: "RangeError", message: /no row -1/ });
  assert.throws(() => results.saved(3), { name: "RangeError", message: /no row 3/ });
  assert.deepEqual(readdirSync(dir), []);
});

test("openResults() refuses a key that is none, such as a path that leaves the folder", (t) => {
  for (const key of ["../escaped", "", KEY.slice(1), KEY.toUpperCase(), `${KEY}\n`])
    assert.throws(() => openResults(folder(t), key, { rows: 1, images: 1 }), {
      name: "RangeError",
      message: /expected a key of 64 hexadecimal digits/,
    });
});

test("records of another sweep are not read, though they lie in this one's file", (t) => {
  const dir = folder(t);
  const shape = { rows: 2, images: 4 };
  const part = partOf(0, 4, [0, 1]);
  const isRead = (sweep: { key: string } & Shape) => {
    writeFileSync(fileIn(dir), encodePart(part, sweep));
    return openResults(dir, KEY, shape).read(0, 4, [0, 1]) !== undefined;
  };
  assert.ok(isRead({ key: KEY, ...shape }));
  assert.ok(!isRead({ key: OTHER_KEY, ...shape }));
  assert.ok(!isRead({ key: KEY, rows: 3, images: 4 }));
  assert.ok(!isRead({ key: KEY, rows: 2, images: 5 }));
});

test("a record with the right digest but a row that the sweep does not have is passed over", (t) => {
  const dir = folder(t);
  const shape = { rows: 2, images: 4 };
  const sweep = { key: KEY, ...shape };
  writeFileSync(
    fileIn(dir),
    Buffer.concat([encodePart(partOf(0, 4, [5]), sweep), encodePart(partOf(0, 4, [1]), sweep)]),
  );
  assert.deepEqual([...savedPlaces(openResults(dir, KEY, shape), shape)], ["1 0", "1 1", "1 2", "1 3"]);
});

// Three records as a sweep of which one row was stopped leaves them.
const SMALL = { rows: 3, images: 12 };
const PARTS = [partOf(0, 5, [0, 1, 2]), partOf(5, 9, [0, 2]), partOf(9, 12, [0, 2])];
const RECORDS = PARTS.map((part) => encodePart(part, { key: KEY, ...SMALL }));

test("cut at any byte, a file gives exactly the records before the cut, and goes on from there", (t) => {
  const dir = folder(t);
  const file = Buffer.concat(RECORDS);
  for (let length = 0; length <= file.length; length++) {
    writeFileSync(fileIn(dir), file.subarray(0, length));
    const results = openResults(dir, KEY, SMALL);
    let end = 0;
    const whole = PARTS.filter((_, index) => (end += RECORDS[index].length) <= length);
    assert.deepEqual([...savedPlaces(results, SMALL)].sort(), whole.flatMap(placesOf).sort(), `${length} bytes`);
    for (const part of PARTS.slice(whole.length)) results.write(part);
    const again = openResults(dir, KEY, SMALL);
    assert.equal(savedPlaces(again, SMALL).size, PARTS.flatMap(placesOf).length, `${length} bytes, then the rest`);
  }
});

test("2,000 files with flipped bits, holes and noise: never a wrong number, never an error", (t) => {
  const dir = folder(t);
  const file = Buffer.concat(RECORDS);
  const random = randomStream(1, "damaged results");
  let lost = 0;
  let kept = 0;
  for (let i = 0; i < 2000; i++) {
    const bytes = Buffer.from(file);
    if (i % 2) bytes[random.integer(bytes.length)] ^= 1 << random.integer(8);
    writeFileSync(fileIn(dir), i % 2 ? bytes : mutate(file, file.length, random));
    const found = savedPlaces(openResults(dir, KEY, SMALL), SMALL);
    if (i % 2) assert.ok(PARTS.filter((part) => !found.has(placesOf(part)[0])).length === 1, "one flip, one record");
    if (found.size === 0) lost++;
    else kept++;
  }
  assert.ok(kept > 1500 && lost < 500, `${kept} kept, ${lost} lost`);
});

test("files that are no results are passed over or refused by name, whatever their size", (t) => {
  const dir = folder(t);
  const file = fileIn(dir);
  const random = randomStream(2, "garbage");
  writeFileSync(
    file,
    Uint8Array.from({ length: 5000 }, () => random.integer(256)),
  );
  const results = openResults(dir, KEY, SMALL);
  assert.equal(savedPlaces(results, SMALL).size, 0);
  results.write(PARTS[0]);
  assert.equal(savedPlaces(openResults(dir, KEY, SMALL), SMALL).size, 15);

  writeFileSync(file, "ntsweep1".repeat(1000));
  assert.equal(savedPlaces(openResults(dir, KEY, SMALL), SMALL).size, 0);

  const whole = encodePart(partOf(0, 12, [0, 1, 2]), { key: KEY, ...SMALL });
  const manyCut = (count: number) => Buffer.concat([...upTo(count).map(() => whole.subarray(0, 21)), whole]);
  writeFileSync(file, manyCut(5));
  assert.equal(savedPlaces(openResults(dir, KEY, SMALL), SMALL).size, 36);
  writeFileSync(file, manyCut(500));
  assert.throws(
    () => openResults(dir, KEY, SMALL),
    /Cannot read ".*results": most of its records are damaged; remove it/,
  );

  truncateSync(file, 2 ** 31);
  assert.throws(() => openResults(dir, KEY, SMALL), /Cannot read ".*results": expected at most \d{5} bytes but found/);
  const pairs = { rows: 1500, images: 10_000 };
  assert.throws(() => openResults(dir, KEY, pairs), /expected at most 1073741824 bytes but found 2147483648/);

  rmSync(file);
  mkdirSync(file);
  assert.throws(() => openResults(dir, KEY, SMALL), /Cannot read ".*results": expected a file/);
  assert.throws(() => openResults(dir, KEY, SMALL, { fresh: true }), /Cannot remove ".*results": /);
});

test("nothing is written through a link, nor into a pipe", (t) => {
  const dir = folder(t);
  const elsewhere = path.join(folder(t), "elsewhere");
  symlinkSync(elsewhere, fileIn(dir));
  const results = openResults(dir, KEY, SMALL);
  assert.throws(() => results.write(PARTS[0]), /Cannot write ".*results": ELOOP/);
  assert.equal(existsSync(elsewhere), false);
  rmSync(fileIn(dir));
  execFileSync("mkfifo", [fileIn(dir)]);
  assert.throws(() => results.write(PARTS[0]), /Cannot write ".*results": ENXIO/);
  assert.throws(() => openResults(dir, KEY, SMALL), /Cannot read ".*results": expected a file/);
});

test("fresh forgets what was saved, and does not disturb who has it open", (t) => {
  const dir = folder(t);
  const first = openResults(dir, KEY, SMALL);
  first.write(PARTS[0]);
  const second = openResults(dir, KEY, SMALL, { fresh: true });
  assert.equal(existsSync(fileIn(dir)), false);
  assert.equal(savedPlaces(second, SMALL).size, 0);
  first.write(PARTS[1]);
  second.write(PARTS[0]);
  assert.equal(savedPlaces(first, SMALL).size, 23);
  assert.equal(savedPlaces(openResults(dir, KEY, SMALL), SMALL).size, 23);
});

test("a folder that cannot be written gives an error that names the file, and reads as before", (t) => {
  const dir = folder(t);
  openResults(dir, KEY, SMALL).write(PARTS[0]);
  chmodSync(fileIn(dir), 0o444);
  chmodSync(dir, 0o555);
  asOrdinaryUser(() => {
    const results = openResults(dir, KEY, SMALL);
    assert.equal(savedPlaces(results, SMALL).size, 15);
    assert.throws(() => results.write(PARTS[1]), /Cannot write ".*results": EACCES/);
    assert.equal(results.read(5, 9, [0]), undefined, "what could not be saved does not read as saved");
    assert.throws(() => openResults(dir, OTHER_KEY, SMALL).write(PARTS[1]), /Cannot write ".*results": EACCES/);
    assert.throws(() => openResults(dir, KEY, SMALL, { fresh: true }), /Cannot remove ".*results": EACCES/);
  });
  chmodSync(dir, 0o755);
  const below = path.join(fileIn(dir), "below");
  assert.throws(() => openResults(below, KEY, SMALL), /Cannot read ".*results": ENOTDIR/);
});

/** Root may write everywhere, so it becomes nobody for a moment. */
function asOrdinaryUser(body: () => void): void {
  if (process.getuid!() !== 0) return body();
  process.seteuid!(65534);
  try {
    body();
  } finally {
    process.seteuid!(0);
  }
}

// What the child processes below save: 200 batches of 20 images, 10,000 bytes each.
const LARGE = { rows: 100, images: 4000 };
const BATCH = 20;
const ROWS = upTo(LARGE.rows);

/** Starts a process that saves the batches from one to before another, and says after each that it is saved. */
function saver(t: Context, dir: string, { before = "true" } = {}): ChildProcess {
  const entry = path.join(folder(t), "save.ts");
  writeFileSync(
    entry,
    `import { writeSync } from "node:fs";
     import { openResults } from ${JSON.stringify(path.resolve("lib", "sweeps", "saved"))};
     const predictionOf = ${predictionOf};
     const lossOf = ${lossOf};
     const upTo = ${upTo};
     const partOf = ${partOf};
     const rows = upTo(${LARGE.rows});
     const results = openResults(${JSON.stringify(dir)}, "${KEY}", ${JSON.stringify(LARGE)});
     writeSync(1, "ready\\n");
     process.stdin.once("data", () => {
       try {
         for (let start = 0; start < ${LARGE.images}; start += ${BATCH}) {
           results.write(partOf(start, start + ${BATCH}, rows));
           writeSync(1, start + "\\n");
         }
       } catch (error) {
         writeSync(1, error.message + "\\n");
       }
       process.exit();
     });`,
  );
  const command = `${before} && exec "$0" --import tsx "$1"`;
  // tsx would keep files of its own, which the limit would cut as well.
  const env = { ...process.env, TSX_DISABLE_CACHE: "1" };
  const child = spawn("bash", ["-c", command, process.execPath, entry], {
    env,
    stdio: ["pipe", "pipe", "inherit"],
  });
  t.after(() => child.kill("SIGKILL"));
  return child;
}

/** All lines of a process until it ends; calls back after each chunk of them. */
async function linesOf(child: ChildProcess, onLines: (lines: string[]) => void): Promise<string[]> {
  let text = "";
  const lines = () => text.split("\n").slice(0, -1);
  const closed = once(child, "close");
  for await (const chunk of child.stdout!) {
    text += chunk;
    onLines(lines());
  }
  await closed;
  return lines();
}

/** Checks all whole batches from the first on, and that nothing follows them; returns how many they are. */
function savedBatches(dir: string): number {
  const results = openResults(dir, KEY, LARGE);
  const images = results.saved(0);
  for (const row of ROWS) assert.equal(results.saved(row), images);
  if (images > 0) assert.deepEqual(results.read(0, images, ROWS), partOf(0, images, ROWS));
  if (images < LARGE.images) assert.equal(results.read(images, images + 1, [0]), undefined);
  return images / BATCH;
}

for (const seed of [1, 2, 3])
  test(`after kill -9 at a random moment everything that was said to be saved is there (${seed} of 3)`, async (t) => {
    const dir = folder(t);
    const moment = 1 + randomStream(seed, "kill").integer(150);
    const child = saver(t, dir);
    const lines = await linesOf(child, (found) => {
      if (found.length === 1) child.stdin!.write("go\n");
      if (found.length > moment) child.kill("SIGKILL");
    });
    assert.equal(child.signalCode, "SIGKILL");
    const said = lines.length - 1;
    const saved = savedBatches(dir);
    assert.ok(said >= moment && said < 200, `killed after ${said} of 200 batches`);
    assert.ok(saved === said || saved === said + 1, `${said} batches said to be saved, ${saved} found`);
  });

test("two processes that save the same sweep at once leave all records of both whole", async (t) => {
  const dir = folder(t);
  const children = [saver(t, dir), saver(t, dir)];
  let ready = 0;
  const outputs = await Promise.all(
    children.map((child) => {
      let waiting = true;
      return linesOf(child, () => {
        if (!waiting) return;
        waiting = false;
        if (++ready === 2) children.forEach(({ stdin }) => stdin!.write("go\n"));
      });
    }),
  );
  for (const lines of outputs) assert.equal(lines.length, 201, lines.at(-1));
  assert.equal(savedBatches(dir), 200);
  assert.equal(statSync(fileIn(dir)).size, 2 * 200 * recordSize(LARGE.rows, BATCH), "none over another");
  const bytes = readFileSync(fileIn(dir));
  const record = (index: number) =>
    encodePart(partOf(index * BATCH, (index + 1) * BATCH, ROWS), { key: KEY, ...LARGE });
  const size = recordSize(LARGE.rows, BATCH);
  const firsts = upTo(400).map((index) => bytes.readUInt32LE(index * size + 8) / BATCH);
  firsts.forEach((first, index) => assert.ok(bytes.subarray(index * size, (index + 1) * size).equals(record(first))));
  assert.deepEqual(
    firsts.sort((a, b) => a - b),
    upTo(400).map((index) => Math.floor(index / 2)),
  );
});

test("on a full disk the error names the file; what was saved is read, and saved on once there is room", async (t) => {
  const dir = folder(t);
  // A limit on the size of files stands for the full disk: the write is cut half-way.
  const child = saver(t, dir, { before: "ulimit -f 100" });
  const lines = await linesOf(child, (found) => found.length === 1 && child.stdin!.write("go\n"));
  assert.match(lines.at(-1)!, /^Cannot write ".*results": EFBIG/);
  const size = recordSize(LARGE.rows, BATCH);
  const saved = Math.floor((100 * 1024) / size);
  assert.equal(lines.length, 1 + saved + 1);
  assert.equal(statSync(fileIn(dir)).size, 100 * 1024);
  assert.equal(savedBatches(dir), saved);
  const results = openResults(dir, KEY, LARGE);
  for (let start = saved * BATCH; start < LARGE.images; start += BATCH)
    results.write(partOf(start, start + BATCH, ROWS));
  assert.equal(savedBatches(dir), 200);
});
