// Folders of pictures as datasets: beside Pillow, by batch from disk, in order and by class, and what is refused.
import assert from "node:assert/strict";
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { centreOf } from "../lib/data/resample";
import { isStored, pixelsBetween } from "../lib/data/pixels";
import { decodePicture, loadImageFolder } from "../lib/engine/image-folder";
import { startEngine } from "../lib/engine/backend";
import { pictureSize } from "../lib/files/picture-size";
import { expectNoLeak } from "./small";

const PICTURES = join(__dirname, "pictures");
const { resize, side, pictures } = JSON.parse(readFileSync(join(PICTURES, "expected.json"), "utf8")) as {
  resize: number;
  side: number;
  pictures: Record<string, string>;
};
const folder = mkdtempSync(join(tmpdir(), "image-folder-"));
after(() => rmSync(folder, { recursive: true }));

/** A folder of classes with these files in each. */
function folderOf(name: string, classes: Readonly<Record<string, readonly string[]>>): string {
  for (const [label, files] of Object.entries(classes)) {
    mkdirSync(join(folder, name, label), { recursive: true });
    for (const file of files) copyFileSync(join(PICTURES, file), join(folder, name, label, file));
  }
  return join(folder, name);
}

const options = { side, resize, cache: join(folder, "cache") };
const bytesOf = (name: string) => Buffer.from(pictures[name], "base64");

test("PNG files are decoded, resized and cut to the bytes of Pillow, a JPEG to within two levels, without a leak", async () => {
  await startEngine();
  await expectNoLeak(() => {
    for (const name of Object.keys(pictures)) {
      const found = centreOf(decodePicture(readFileSync(join(PICTURES, name))), resize, side);
      const [wanted, most] = [bytesOf(name), name.endsWith(".jpg") ? 2 : 0];
      assert.equal(found.length, wanted.length);
      const apart = found.reduce((worst, value, index) => Math.max(worst, Math.abs(value - wanted[index])), 0);
      assert.ok(apart <= most, `${name}: ${apart} levels apart`);
    }
  });
});

test("a folder of classes is a dataset in order of names, whose pixels lie on disk and are prepared once", async () => {
  const dir = folderOf("two", { zebra: ["small.png"], ant: ["high.png", "grey.png"] });
  const steps: number[] = [];
  const load = () => loadImageFolder(dir, { ...options, onProgress: (done) => void steps.push(done) });
  const dataset = await load();
  assert.deepEqual(dataset.classes, ["ant", "zebra"]);
  assert.deepEqual([...dataset.labels], [0, 0, 1]);
  assert.deepEqual([dataset.name, dataset.split, dataset.count, dataset.side], ["two", "test", 3, side]);
  assert.ok(isStored(dataset.images));
  const size = side * side * 3;
  const all = Buffer.from(pixelsBetween(dataset, 0, 3));
  assert.deepEqual(
    [0, 1, 2].map((index) => all.subarray(index * size, (index + 1) * size)),
    ["grey.png", "high.png", "small.png"].map(bytesOf),
  );
  assert.equal((await load()).sha256, dataset.sha256);
  assert.deepEqual(steps, [3], "the second time nothing is decoded");
});

test("labels come from a CSV file where one is named, and from a given list of classes", async () => {
  const dir = folderOf("listed", { ".": ["high.png", "small.png"] });
  writeFileSync(join(dir, "labels.csv"), "file,label\nsmall.png,dog\nhigh.png,cat\n");
  const dataset = await loadImageFolder(dir, { ...options, labels: "labels.csv", classes: ["bird", "cat", "dog"] });
  assert.deepEqual(
    [[...dataset.labels], dataset.classes],
    [
      [2, 1],
      ["bird", "cat", "dog"],
    ],
  );
  await assert.rejects(
    loadImageFolder(dir, { ...options, labels: "labels.csv", classes: ["cat"] }),
    /expected the classes cat but found "dog"/,
  );
  writeFileSync(join(dir, "labels.csv"), "file,label\n../../etc/passwd,dog\n");
  await assert.rejects(
    loadImageFolder(dir, { ...options, labels: "labels.csv" }),
    /expected "file,label" in labels\.csv but found/,
  );
});

test("a damaged file is named and refused, or left out and told on request; nothing half-made is left", async () => {
  const dir = folderOf("damaged", { a: ["high.png", "photo.jpg"] });
  const whole = readFileSync(join(PICTURES, "high.png"));
  writeFileSync(join(dir, "a", "cut.png"), whole.subarray(0, whole.length / 2));
  writeFileSync(join(dir, "a", "text\u001b[31m.png"), "no picture");
  const cache = join(folder, "damaged-cache");
  await assert.rejects(loadImageFolder(dir, { ...options, cache }), /^Error: Cannot read ".*cut\.png": /);
  assert.deepEqual(readdirSync(cache), []);
  const told: string[] = [];
  const onDamaged = ({ message }: Error) => void told.push(message);
  const dataset = await loadImageFolder(dir, { ...options, cache, onDamaged });
  assert.deepEqual([dataset.count, told.length], [2, 2]);
  assert.match(told[1], /expected a PNG or JPEG file but found another$/);
  assert.ok(!told[1].includes("\u001b"), "a name cannot write on the terminal");
  await assert.rejects(
    loadImageFolder(dir, { ...options, cache }),
    /cut\.png/,
    "what was left out once is not taken for whole",
  );
});

test("a picture that claims to be huge, a link, a folder without pictures and an impossible size are refused", async () => {
  const huge = Buffer.from(readFileSync(join(PICTURES, "high.png")));
  huge.writeUInt32BE(2 ** 31 - 1, 16);
  assert.deepEqual(pictureSize(huge), { format: "png", width: 2 ** 31 - 1, height: 53 });
  assert.throws(() => decodePicture(huge), /expected at most \d+ pixels but found 2147483647 x 53/);
  const dir = folderOf("links", { a: ["high.png"] });
  symlinkSync("/etc/hostname", join(dir, "a", "z.png"));
  await assert.rejects(loadImageFolder(dir, options), /z\.png": expected a file but found a link/);
  mkdirSync(join(folder, "empty"));
  await assert.rejects(
    loadImageFolder(join(folder, "empty"), options),
    /expected folders, one per class, of \.png and \.jpg files but found none/,
  );
  await assert.rejects(loadImageFolder(dir, { ...options, resize: side - 1 }), {
    name: "RangeError",
    message: `Cannot resize to ${side - 1}: expected at least the side, ${side}`,
  });
});
