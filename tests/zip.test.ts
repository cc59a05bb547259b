// PyTorch's zip format: a file that PyTorch wrote, archives that contradict themselves, mutated ones.
import assert from "node:assert/strict";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import type { Values } from "../lib/files/values";
import { listZip } from "../lib/files/zip";
import { fuzz } from "./mutations";
import { floats, op, orderedDict, tensor, torchEntries, torchTensors, zipFile } from "./torch-file";

const values = (shape: number[], data: number[]): Values => ({ shape, data: Float32Array.from(data) });

// torch.save({"epoch": 3, "state_dict": OrderedDict(a=torch.arange(6.).reshape(2, 3).t(), h=torch.tensor([1.5, -2.]).half(),
// b=torch.tensor([1.5, -2.]).bfloat16(), d=torch.tensor([0.5, 1e300], dtype=torch.float64), n=torch.tensor(391))}, "archive.pt"),
// written by PyTorch 2.13.0
const fromPyTorch = gunzipSync(
  Buffer.from(
    [
      "H4sIAAAAAAACA6WVy2/UVhTG73gSz9QpedBHQtqGFvqYtGHixzwyBTqRhaxKRiJMizTKopYzYzJWzTjHcyc8pFaRqgDdtRLdVKjqvn8AUjewYk",
      "9VumKBBBJi1X+gC+71TYzvDUmaxBqPx+Pz/b7P1j3HC3Z2AKF8Hm3ZRtFh5Eatjr/qzbZd7BZXvg0scxgtctua9B2gQnOQCLyVsNWBjJ1tKuSs",
      "h13sOW2/hUFqtcIg8FrYD7s95VzU9iKvfYZcUSA73YCBQjNDBC4MtnBIDItOH/tBT3Eib6nvB20He91eGDmrugJyodDMxfQwcpc9yDGJYgWhi7",
      "9ifyqQj4EqvNbMkmNrpQ+KLWMYOm8jO2tL1+F1m8S8Dod+7NAAwxhGGjAaizow1iEmnU3wl25wMeEejks0eKOj2BKGNylPWoe37Mw6vM1Y4xgm",
      "GnAkLlyCSY5lxim1SsJ7Jy7T4V3Ge2+DN0V5RxnvfQwfNOBYXNiG4xzvTNhfCryE9mFcZMBHjPbxBu0TSisw2jSGTxvwWVzYhRmOdjbsLiesE3",
      "FJCYqElcEwS1jT04yhYtAaoPf7xQU7l3d+0Q/9R2rpvrDtWhpH9WQtFS+G0SUXO6te1CMLwjJPCktqT5tGQ9z599EPNC/dtw8xiaovQ2wsIMcN",
      "/OXuJa+LLdPYT45KiQaoX4bnErGQdgwwlnoKS1exF9JOOOD9Bz7GgUczrJ9+ckQmLvKOGYbRF1xXz6qW+fkBAjDqWp18zZMP2dfI/vs8TTT+07",
      "OfJ8iFiV0SzfCJNMss/O9E5HbuUa/Kw4e3iAEa2MVrnvfSLfPUQR7/4r0688+dX3yyD3/joP6M+7h+u49unnpa/Z5mmZm99c1oPMF3zlLis5Qs",
      "U91zlhsZRqO+U80/fqVG+R19R9DJxDeZAdX9PgRDoc4Pflu+sHv/TSH95QCIb7nnRT6ZANdc+mpy/LZlFvcYRFXLZa2manNlQ1eNck2tzlU13a",
      "jVSuVa1SBX5ypVraLXaMra7T/vF0iOQpwyQ8MmOdNzdHRLcvE9LKrTA3CcU56V0HaTV4Skh9gkB3mQhmyZnCInPYjGOE4ji7YOQFGenhrDnPyf",
      "LBJml6hNTwFe2xkQtJqoTXcwr/1b1OqiNt1xvPbrQUFriNp01/Dax6K2JGrT636E0zZlJHaZKE4vxylO/FdK/OpGWbBleWazrbInEuWQcLwrse",
      "OV3OaYkONfVYWdszf2oMw0Q3E9q30Bu8eIrJkKAAA=",
    ].join(""),
    "base64",
  ),
);

test("readTorchWeights() reads the zip archive that PyTorch wrote, turned tensors and all number formats", () => {
  assert.deepEqual(
    [...torchTensors(fromPyTorch)],
    [
      ["a", values([3, 2], [0, 3, 1, 4, 2, 5])],
      ["h", values([2], [1.5, -2])],
      ["b", values([2], [1.5, -2])],
      ["d", values([2], [0.5, Infinity])],
      ["n", values([], [391])],
    ],
  );
});

test("listZip() finds the entries that Python's zipfile finds", () => {
  const found = [...listZip(fromPyTorch).values()].map(({ name, start, end }) => [name, start, end - start]);
  assert.deepEqual(found, [
    ["archive/data.pkl", 64, 508],
    ["archive/.format_version", 704, 1],
    ["archive/.storage_alignment", 832, 2],
    ["archive/byteorder", 960, 6],
    ["archive/data/0", 1088, 24],
    ["archive/data/1", 1216, 4],
    ["archive/data/2", 1344, 4],
    ["archive/data/3", 1472, 16],
    ["archive/data/4", 1600, 8],
    ["archive/version", 1728, 2],
    ["archive/.data/serialization_id", 1856, 40],
  ]);
});

const content = Buffer.from("content");
const entry = (name: string, options = {}) => [name, content, options] as const;
const hostile: [string, Buffer, RegExp][] = [
  ["is empty", Buffer.alloc(0), /does not end with the end of a zip archive/],
  ["is cut short", zipFile([entry("a")]).subarray(0, -1), /cut short/],
  ["goes on", Buffer.concat([zipFile([entry("a")]), Buffer.of(0)]), /goes on/],
  ["has a comment", zipFile([entry("a")], { comment: 5 }), /does not end with/],
  ["has a name twice", zipFile([entry("a"), entry("a")]), /"a" occurs twice/],
  ["has one entry under two names", zipFile([entry("a"), entry("b", { header: 0 })]), /"b" begins within another/],
  ["has an entry in another", zipFile([entry("a"), entry("b", { header: 20 })]), /"b" begins within another entry/],
  ["has an entry that reaches into the next", zipFile([entry("a", { size: 30, crc: 0 }), entry("b")]), /begins within/],
  ["has an entry of 4 GiB", zipFile([entry("a", { size: 2 ** 32 - 1, crc: 0 })]), /4294967295 bytes reaches past/],
  ["has an entry past the end", zipFile([entry("a", { header: 2 ** 32 - 1 })]), /"a" is not at byte 4294967295/],
  ["has an entry in the middle of nothing", zipFile([entry("a"), entry("b", { header: 55 })]), /"b" is not at byte 55/],
  ["is compressed", zipFile([entry("a", { method: 8 })]), /"a" is compressed \(method 8\)/],
  ["is encrypted", zipFile([entry("a", { flags: 1 })]), /"a" has the flags 0x1/],
  ["has another name in the entry", zipFile([entry("a", { named: "b" })]), /"a" is described in two ways/],
  ["is damaged", zipFile([entry("a", { crc: 7 })]), /"a" is damaged: its CRC-32/],
  ["lacks an entry", zipFile([entry("a")], { count: 2 }), /entry 2 of 2 is missing in its directory/],
  ["has more entries than it says", zipFile([entry("a"), entry("b")], { count: 1 }), /more than 1 entries/],
  ["says that it has 65,535 entries", zipFile([entry("a")], { count: 65535 }), /at most 50000 entries but found 65535/],
  ["has a hole before its end", zipFile([entry("a")], { gap: 3 }), /does not end at/],
  ["has a hole and no 64-bit end", zipFile([entry("a")], { gap: 3, end64: false }), /does not end at/],
];
for (const [title, bytes, message] of hostile)
  test(`listZip() refuses an archive that ${title}`, () => {
    assert.throws(() => listZip(bytes), { name: "Error", message });
  });

test("listZip() takes an archive without the 64-bit end, and one without checksums", () => {
  const wanted = [...listZip(zipFile([entry("a"), entry("b")])).values()];
  assert.deepEqual(
    wanted.map(({ start, end }) => zipFile([entry("a"), entry("b")]).toString("utf8", start, end)),
    ["content", "content"],
  );
  assert.deepEqual([...listZip(zipFile([entry("a"), entry("b")], { end64: false })).values()], wanted);
  assert.deepEqual([...listZip(zipFile([entry("a", { crc: 0 }), entry("b")])).values()], wanted);
});

test("listZip() refuses an archive whose two ends differ", () => {
  const bytes = zipFile([entry("a")]);
  bytes[bytes.length - 22 - 20 - 56 + 32] = 2;
  assert.throws(() => listZip(bytes), /64-bit end is damaged or says something else/);
});

const object = orderedDict([["w", tensor({ key: "0", shape: [2] }, 2)]]);
const entries = torchEntries(object, new Map([["0", floats([1, 2])]]));
/** The archive with an entry replaced, removed (undefined) or added. */
const withEntry = (name: string, bytes?: Uint8Array) => {
  const changed = new Map(entries);
  changed.delete(name);
  if (bytes) changed.set(name, bytes);
  return zipFile([...changed]);
};
const broken: [string, Buffer, RegExp][] = [
  ["without a pickle", withEntry("archive/data.pkl"), /expected one data.pkl in the zip archive but found 0/],
  ["with two pickles", withEntry("other/data.pkl", content), /expected one data.pkl in the zip archive but found 2/],
  ["without a storage", withEntry("archive/data/0"), /storage "0" is missing/],
  ["with a storage that is too short", withEntry("archive/data/0", content), /storage "0" holds 7 instead of 8 bytes/],
  ["of a big-endian machine", withEntry("archive/byteorder", Buffer.from("big")), /byte order is "big"/],
  ["that is a program", withEntry("archive/constants.pkl", content), /TorchScript program/],
  [
    "whose pickle goes on",
    withEntry("archive/data.pkl", Buffer.concat([entries[0][1], Buffer.of(0)])),
    /its pickle ends at byte \d+ of \d+/,
  ],
  [
    "whose pickle calls the system",
    withEntry("archive/data.pkl", Buffer.concat([op.start, op.global("os", "system"), op.stop])),
    /holds an object of the class "os.system"/,
  ],
];
for (const [title, bytes, message] of broken)
  test(`readTorchWeights() refuses a zip archive ${title}`, () => {
    assert.throws(() => torchTensors(bytes), { name: "Error", message });
  });

test("readTorchWeights() takes archives of PyTorch before 2.0, which say nothing of the byte order", () => {
  assert.deepEqual([...torchTensors(withEntry("archive/byteorder"))], [["w", values([2], [1, 2])]]);
});

test("readTorchWeights() refuses every zip archive that is cut short", () => {
  assert.deepEqual([...torchTensors(zipFile(entries))], [["w", values([2], [1, 2])]]);
  for (let length = 0; length < fromPyTorch.length; length++)
    assert.throws(() => torchTensors(fromPyTorch.subarray(0, length)), /^Error: Cannot read the/, `${length}`);
});

// Without checksums, or hardly a mutation would reach the pickle.
const unchecked = zipFile(entries.map(([name, bytes]) => [name, bytes, { crc: 0 }]));
const targets: [string, Uint8Array, number][] = [
  ["entries", fromPyTorch, fromPyTorch.length],
  ["directories", fromPyTorch, -700],
  ["pickles", unchecked, 300],
];
for (const [title, file, head] of targets)
  test(`1,000 zip archives with mutated ${title} each give whole tensors or a clear error`, { timeout: 10_000 }, () => {
    const { valid, refused } = fuzz(file, { decode: torchTensors, head, count: 1000 });
    assert.ok(refused > 500 && valid + refused === 1000, `${valid} valid, ${refused} refused`);
  });
