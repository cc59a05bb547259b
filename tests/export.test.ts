// npm run export as a user calls it: separate processes, the committed network.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, test } from "node:test";
import { loadNetwork } from "../lib/runs/run-folder";
import { encodeFrozen } from "../lib/engine/frozen";

const FOLDER = mkdtempSync(path.join(tmpdir(), "nontrivial-export-"));
after(() => rmSync(FOLDER, { recursive: true, force: true }));
const inFolder = (name: string) => path.join(FOLDER, name);

function exported(format: string, ...words: string[]) {
  const script = ["--import", "tsx", "lib/cli/export.ts", "--format", format];
  const { status, stdout, stderr } = spawnSync(process.execPath, [...script, ...words], { encoding: "utf8" });
  return { status, stdout, stderr };
}

test("export writes a SavedModel folder that holds the frozen network alone, and writes its own again", async () => {
  const out = inFolder("deep/model");
  const first = exported("savedmodel", "--out", out);
  assert.equal(first.status, 0, first.stderr);
  assert.match(first.stdout, /model: resnet20-seed1 \(resnet20\), [0-9]+ bytes/);
  assert.deepEqual(readdirSync(out), ["saved_model.pb"]);
  const wanted = Buffer.from(encodeFrozen(await loadNetwork("data/runs/resnet20-seed1")));
  assert.ok(readFileSync(path.join(out, "saved_model.pb")).equals(wanted));
  writeFileSync(path.join(out, "saved_model.pb"), "half of an earlier export");
  assert.equal(exported("savedmodel", "--out", out).status, 0);
  assert.ok(readFileSync(path.join(out, "saved_model.pb")).equals(wanted));
});

test("export writes no SavedModel into a folder that holds something else, over a file or below one", () => {
  mkdirSync(inFolder("foreign/variables"), { recursive: true });
  writeFileSync(inFolder("foreign/saved_model.pb"), "somebody's");
  const foreign = exported("savedmodel", "--out", inFolder("foreign"));
  assert.equal(foreign.status, 1);
  assert.match(
    foreign.stderr,
    /Cannot write ".*foreign": expected an empty or missing folder but found "variables" in it/,
  );
  assert.equal(readFileSync(inFolder("foreign/saved_model.pb"), "utf8"), "somebody's");
  writeFileSync(inFolder("file"), "a file");
  assert.match(
    exported("savedmodel", "--out", inFolder("file")).stderr,
    /Cannot write ".*file": expected an empty or missing folder but found a file/,
  );
  const below = exported("savedmodel", "--out", inFolder("file/model"));
  assert.equal(below.status, 1);
  assert.match(below.stderr, /Cannot write ".*file\/model": ENOTDIR/);
  assert.equal(readFileSync(inFolder("file"), "utf8"), "a file");
});

test("export says what it expects for a format that it does not know, and for a missing or unfitting --out", () => {
  const unknown = exported("coreml", "--out", inFolder("never"));
  assert.equal(unknown.status, 2);
  assert.match(unknown.stderr, /Cannot export as "coreml": expected one of safetensors, torch, onnx, savedmodel/);
  assert.match(exported("savedmodel").stderr, /--out names the folder to write/);
  assert.match(exported("torch", "--out", inFolder("never")).stderr, /which ends in \.safetensors/);
  assert.ok(!existsSync(inFolder("never")));
});
