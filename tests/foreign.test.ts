// What people have in the place of a checkpoint, or beside the weights in one: read, or refused with what it is and what to do.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { after, test } from "node:test";
import { encodeTorchState, importReport, importTorch } from "../lib/checkpoints/torch";
import { decodeSafetensors, encodeSafetensors } from "../lib/files/safetensors";
import type { Values } from "../lib/files/values";
import { loadNetwork } from "../lib/runs/run-folder";
import { bitsOf, smallNetwork } from "./small";
import {
  checkpointFile,
  floats,
  legacyFile,
  op,
  orderedDict,
  stateDictFile,
  tensor,
  torchEntries,
  torchTensors,
  zipFile,
} from "./torch-file";

const FOLDER = mkdtempSync(path.join(tmpdir(), "nontrivial-foreign-"));
after(() => rmSync(FOLDER, { recursive: true, force: true }));
function place(name: string, bytes: Uint8Array | string): string {
  writeFileSync(path.join(FOLDER, name), bytes);
  return path.join(FOLDER, name);
}

const network = smallNetwork("resnet8-w4");
const dict = decodeSafetensors(encodeTorchState(network)).tensors;
const under = (rename: (name: string) => string, more: readonly [string, Values][] = []) =>
  new Map([...more, ...[...dict].map(([name, values]) => [rename(name), values] as const)]);

test("loadNetwork() reads a checkpoint whatever it is called, and calls the network by the rest of the name", async () => {
  const bytes = stateDictFile(dict);
  for (const ending of [".pth.tar", ".bin", ".ckpt", ".PTH", ".pkl", ".t7", ""]) {
    const found = await loadNetwork(place(`best${ending}`, bytes));
    assert.deepEqual([found.name, bitsOf(found)], ["best", bitsOf(network)], ending);
  }
  const other = await loadNetwork(place("tensors.pth", encodeSafetensors(dict)));
  assert.equal(bitsOf(other), bitsOf(network));
});

const { parameters } = network;
const strangers: [string, Uint8Array | string, RegExp][] = [
  ["empty", "", /it is empty: get it again$/],
  [
    "a git-lfs pointer",
    `version https://git-lfs.github.com/spec/v1\noid sha256:${"4d7a".repeat(16)}\nsize 44815000\n`,
    /it is a git-lfs pointer and not the file itself: run "git lfs pull" in its repository/,
  ],
  ["a web page", '\n\n<!DOCTYPE html>\n<html lang="en">', /it is a web page .*: download the file by the page's link/],
  ["an error page", '<?xml version="1.0"?><Error>', /it is a web page/],
  ["compressed", gzipSync(stateDictFile(dict)), /it is compressed by gzip: unpack it/],
  [
    "a tar archive",
    Buffer.concat([Buffer.alloc(257, "a"), Buffer.from("ustar\0"), Buffer.alloc(300)]),
    /a tar archive/,
  ],
  ["Keras's", Buffer.from("894844460d0a1a0a0000", "hex"), /it is HDF5, such as Keras writes/],
  ["settings", '{\n "architectures": ["ResNet"]\n}', /it is JSON, as the settings of a model/],
  ["half of one", stateDictFile(dict).subarray(0, 3000), /the file is cut short, get it again|expected \d+ more bytes/],
  [
    "zipped checkpoints",
    zipFile([["a.pth", stateDictFile(dict)]]),
    /expected one data\.pkl .* if checkpoints were zipped/,
  ],
];
for (const [title, bytes, message] of strangers)
  test(`loadNetwork() says of a file that is ${title} what it is, and what to do`, async () => {
    for (const name of ["stranger.pth", "stranger.safetensors"])
      await assert.rejects(loadNetwork(place(name, bytes)), { message });
  });

test("loadNetwork() says of a folder that it is an unpacked checkpoint, or that a file in it is wanted", async () => {
  const unpacked = path.join(FOLDER, "unpacked", "archive");
  mkdirSync(unpacked, { recursive: true });
  writeFileSync(path.join(unpacked, "data.pkl"), "");
  for (const dir of [unpacked, path.dirname(unpacked)])
    await assert.rejects(
      loadNetwork(dir),
      /a PyTorch checkpoint that was unpacked.*: download it again, or pack the folder/,
    );
  const hub = path.join(FOLDER, "hub");
  mkdirSync(hub);
  writeFileSync(path.join(hub, "model.safetensors"), encodeSafetensors(dict));
  await assert.rejects(
    loadNetwork(hub),
    /has no run\.json, as a run folder has; expected a file, such as "model\.safetensors"/,
  );
});

/** A tensor "w" in a checkpoint under "net", with something else beside it. */
const beside = (...other: Uint8Array[]) => {
  const net = orderedDict([["w", tensor({ key: "0", shape: [2] }, 2)]]);
  const items = [op.string("other"), ...other, op.string("net"), net];
  return legacyFile(Buffer.concat([op.dict, op.mark, ...items, op.items]), new Map([["0", floats([1, 2])]]));
};
const empty = [op.mark, op.tuple];
const NEWOBJ = Buffer.from([0x81]);
const neighbours: [string, Buffer][] = [
  ["a Counter", beside(op.global("collections", "Counter"), op.mark, op.dict, op.tuple, op.call)],
  [
    "a number of NumPy's",
    beside(
      ...[op.global("numpy._core.multiarray", "scalar"), op.mark],
      ...[op.global("numpy", "dtype"), op.mark, op.string("f8"), op.no, op.yes, op.tuple, op.call],
      ...[op.mark, op.integer(3), op.string("<"), op.none, op.tuple, op.build],
      ...[op.global("_codecs", "encode"), op.mark, op.string("x"), op.string("latin1"), op.tuple, op.call],
      ...[op.tuple, op.call],
    ),
  ],
  [
    "a Namespace with attributes",
    beside(
      op.global("argparse", "Namespace"),
      ...empty,
      NEWOBJ,
      op.dict,
      op.mark,
      op.string("lr"),
      op.none,
      op.items,
      op.build,
    ),
  ],
  [
    "an unknown kind of dict with items",
    beside(op.global("addict", "Dict"), ...empty, op.call, op.mark, op.string("a"), op.none, op.items),
  ],
  ["an unknown kind of list", beside(op.global("a", "List"), ...empty, NEWOBJ, op.mark, op.none, op.append)],
  ["a function", beside(op.global("torch.nn.functional", "relu"))],
];
for (const [title, file] of neighbours)
  test(`a checkpoint with ${title} beside the weights gives its weights`, () => {
    assert.deepEqual([...torchTensors(file)], [["w", { shape: [2], data: Float32Array.of(1, 2) }]]);
  });

test("what stands beside the weights is never called: a command in a checkpoint is a name and nothing else", () => {
  const mark = path.join(FOLDER, "called");
  const file = beside(op.global("os", "system"), op.mark, op.string(`touch ${mark}`), op.tuple, op.call);
  assert.equal(torchTensors(file).size, 1);
  assert.throws(() => readFileSync(mark), /ENOENT/);
  const inside = orderedDict([["w", Buffer.concat([op.global("os", "system"), op.mark, op.tuple, op.call])]]);
  assert.throws(() => torchTensors(legacyFile(inside, new Map())), /holds an object of the class "os\.system"/);
});

test("a whole module is refused with what to save instead", () => {
  const object = [op.global("models", "ResNet"), ...empty, NEWOBJ, op.dict, op.build];
  for (const file of [
    legacyFile(Buffer.concat(object), new Map()),
    legacyFile(Buffer.concat([op.dict, op.mark, op.string("model"), ...object, op.items]), new Map()),
  ])
    assert.throws(
      () => torchTensors(file),
      /holds an object of the class "models\.ResNet", as torch\.save\(model\) does, .*save that: torch\.save\(model\.state_dict\(\), PATH\)/,
    );
});

/** The pickle of {"w": tensor} as Python writes it with protocol 4: framed, remembered by number, names from the stack. */
function fourthProtocol(protocol: number): Buffer {
  const text = (value: string) =>
    Buffer.concat([Buffer.from([0x8c, value.length]), Buffer.from(value), Buffer.of(0x94)]);
  const named = (module: string, name: string) => Buffer.concat([text(module), text(name), Buffer.from([0x93, 0x94])]);
  const id = [
    op.mark,
    text("storage"),
    named("torch", "FloatStorage"),
    text("0"),
    text("cpu"),
    op.integer(2),
    op.tuple,
  ];
  const shape = [op.integer(2), Buffer.of(0x85), op.integer(1), Buffer.of(0x85)];
  const hooks = [named("collections", "OrderedDict"), Buffer.from([0x29]), op.call];
  const call = [
    named("torch._utils", "_rebuild_tensor_v2"),
    op.mark,
    ...id,
    op.persistent,
    op.integer(0),
    ...shape,
    op.no,
  ];
  const body = Buffer.concat([
    op.dict,
    Buffer.of(0x94),
    text("w"),
    ...call,
    ...hooks,
    op.tuple,
    op.call,
    Buffer.from("s."),
  ]);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(body.length));
  return Buffer.concat([Buffer.from([0x80, protocol, 0x95]), length, body]);
}

test("readTorchWeights() reads pickle protocols 3 to 5, and says how to write a later one", () => {
  const file = (protocol: number) => {
    const entries = torchEntries(op.none, new Map([["0", floats([1, 2])]]));
    return zipFile(entries.map(([name, bytes]) => [name, name.endsWith(".pkl") ? fourthProtocol(protocol) : bytes]));
  };
  for (const protocol of [3, 4, 5])
    assert.deepEqual([...torchTensors(file(protocol))], [["w", { shape: [2], data: Float32Array.of(1, 2) }]]);
  assert.throws(
    () => torchTensors(file(6)),
    /protocol 5 at most but found 6; torch\.save\(…, pickle_protocol=2\) writes it so/,
  );
});

const constants = (...data: number[]): Values => ({ shape: [3, 1, 1], data: Float32Array.from(data) });
const [mean, std] = [constants(0.485, 0.456, 0.406), constants(0.229, 0.224, 0.225)];
const wrapped: [string, Map<string, Values>][] = [
  [
    "MadryLab's robustness, which has everything twice",
    new Map([
      ...under(
        (name) => `module.model.${name}`,
        [
          ["module.normalizer.new_mean", mean],
          ["module.normalizer.new_std", std],
        ],
      ),
      ...under(
        (name) => `module.attacker.model.${name}`,
        [
          ["module.attacker.normalize.new_mean", mean],
          ["module.attacker.normalize.new_std", std],
        ],
      ),
    ]),
  ],
  [
    "nn.Sequential",
    under(
      (name) => `1.${name}`,
      [
        ["0.mean", mean],
        ["0.std", std],
      ],
    ),
  ],
  [
    "a wrapper's buffers",
    under(
      (name) => `model.${name}`,
      [
        ["mean", mean],
        ["std", std],
      ],
    ),
  ],
];
for (const [title, tensors] of wrapped)
  test(`importReport() takes the pixels' normalization from the network where ${title} keeps it there`, () => {
    const { network: found, normalizedBy } = importReport(stateDictFile(tensors));
    assert.equal(bitsOf(found), bitsOf(network));
    assert.deepEqual(
      [found.normalization, normalizedBy],
      [{ mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] }, "file"],
    );
  });

test("importTorch() refuses a normalization inside the network that is not one of pixels from 0 to 1", () => {
  const tensors = under(
    (name) => `1.${name}`,
    [
      ["0.mean", constants(123.7, 116.3, 103.5)],
      ["0.std", std],
    ],
  );
  assert.throws(
    () => importTorch(stateDictFile(tensors)),
    /its mean \[3, 1, 1\] holds 123\.\d+, .*, expected three numbers from 0 to 1/,
  );
});

test("importTorch() says of pruning masks how they are made permanent", () => {
  const tensors = new Map(dict);
  const kernel = tensors.get("layer1.0.conv1.weight")!;
  tensors.delete("layer1.0.conv1.weight");
  tensors.set("layer1.0.conv1.weight_orig", kernel).set("layer1.0.conv1.weight_mask", kernel);
  assert.throws(
    () => importTorch(stateDictFile(tensors)),
    /pruning masks, such as "layer1\.0\.conv1\.weight_mask"; .* torch\.nn\.utils\.prune\.remove\(layer1\.0\.conv1, "weight"\)/,
  );
});

test("importTorch() refuses weights that are small integers, and tensors that share storages to be large", () => {
  const item = (name: string, look: Parameters<typeof tensor>[0], count: number) =>
    [name, tensor(look, count)] as const;
  const bytes = Buffer.alloc(108 * 4);
  const quantized = new Map([...dict].filter(([name]) => name !== "conv1.weight"));
  const shape = dict.get("conv1.weight")!.shape;
  const storages = new Map([...quantized].map(([name, { data }]) => [name, floats(data)]));
  const entries = [...quantized].map(([name, { shape: sides, data }]) =>
    item(name, { key: name, shape: sides }, data.length),
  );
  const small = item("conv1.weight", { key: "q", shape, type: "CharStorage" }, 108);
  const file = legacyFile(
    orderedDict([...entries, small]),
    new Map([...storages, ["q", { count: 108, bytes: bytes.subarray(0, 108) }]]),
  );
  assert.throws(() => importTorch(file), /conv1\.weight is of I8, expected F32, F16, BF16, F64; quantized weights/);
  const one = [...dict].map(([name, { shape: sides }]) =>
    item(name, { key: "1", shape: sides, strides: sides.map(() => 0) }, 1),
  );
  const shared = legacyFile(orderedDict(one), new Map([["1", floats([1])]]));
  assert.throws(() => importTorch(shared), /share storages to hold \d+ numbers in \d+ bytes/);
});

test("a checkpoint of several state_dicts and an empty one gives the other", () => {
  assert.equal(bitsOf(importTorch(checkpointFile({ net: dict, ema: new Map() }))), bitsOf(network));
  assert.ok(parameters.size > 10);
});

test("loadNetwork() takes no more memory than a file has, where its tensors are not those of a network", () => {
  const size = 200e6;
  const header = Buffer.from(`{"x":{"dtype":"U8","shape":[${size}],"data_offsets":[0,${size}]}}`);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  const file = place("bytes.safetensors", Buffer.concat([length, header]));
  truncateSync(file, 8 + header.length + size); // the rest is zero, and takes no place on the disk
  const child = ["--import", "tsx", path.join("tests", "peak-memory.ts"), file];
  const { stdout, stderr } = spawnSync(process.execPath, child, { encoding: "utf8" });
  assert.match(stderr, /but found x, … \(1 tensors\)/);
  assert.ok(Number(stdout) > 0 && Number(stdout) < 1.3 * size, stdout);
});
