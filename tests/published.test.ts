// Networks that others published: files that are fetched are the ones that are meant, and kept sweeps count as PyTorch does.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, test, type TestContext } from "node:test";
import { openPublished, PUBLISHED } from "../lib/checkpoints/published";
import { loadCifar } from "../lib/data/cifar";
import { loadPublished } from "../lib/runs/family";
import { smallDataset } from "./small";

const FOLDER = mkdtempSync(path.join(tmpdir(), "nontrivial-published-"));
after(() => rmSync(FOLDER, { recursive: true, force: true }));
const SHARED = path.join("..", "shared", "checkpoints");

async function served(t: TestContext, listener: RequestListener): Promise<string> {
  const http = createServer(listener);
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  t.after(() => http.close());
  return `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
}

function fetchFrom(url: string): Promise<{ readonly code: number; readonly text: string }> {
  const command = ["--import", "tsx", "lib/cli/published.ts", "--from", url, "--dir", FOLDER];
  return new Promise((resolve) => {
    execFile(process.execPath, command, (error, out, errors) =>
      resolve({ code: error ? Number(error.code) : 0, text: out + errors }),
    );
  });
}

test("npm run published keeps nothing of a file that is another than the published one", async (t) => {
  const page = await served(t, (_, response) => void response.end("<html>"));
  const short = await fetchFrom(page);
  assert.match(short.text, /Cannot read "resnet20-12fca82f\.th": expected 1099231 bytes but found 6/);
  const noise = await served(t, (_, response) => void response.end(Buffer.alloc(PUBLISHED[0].bytes, 7)));
  const other = await fetchFrom(noise);
  assert.match(other.text, /expected the SHA-256 12fca82f\w{56} but found/);
  assert.deepEqual([short.code, other.code], [1, 1]);
  assert.ok(!existsSync(path.join(FOLDER, PUBLISHED[0].name)));
});

test("npm run published fetches the four files once", async (t) => {
  if (!existsSync(SHARED)) return t.diagnostic(`not tried with the files themselves: ${SHARED} is absent`);
  const asked: string[] = [];
  const url = await served(t, ({ url: file = "" }, response) => {
    asked.push(file);
    response.end(readFileSync(path.join(SHARED, path.basename(file))));
  });
  assert.deepEqual([(await fetchFrom(url)).code, (await fetchFrom(url)).code], [0, 0]);
  assert.deepEqual(
    asked,
    PUBLISHED.map(({ file }) => `/${file}`),
  );
  for (const each of PUBLISHED) {
    const { spec, name } = openPublished(each, readFileSync(path.join(FOLDER, each.name, each.file)));
    assert.deepEqual({ spec, name }, { spec: each.spec, name: each.name });
  }
});

test("the kept sweeps of published networks count as PyTorch does, and as their publisher says", async () => {
  const found = await loadPublished("data/published", await loadCifar("cifar10", "test"));
  assert.deepEqual(
    found.map(({ name }) => name),
    PUBLISHED.map(({ name }) => name),
  );
  const right = found.map(({ rows: [{ baseline, images }] }) => Math.round(baseline * images));
  assert.deepEqual([right[0], right[3]], [9173, 9339]); // PyTorch 2.13's, images right of 10,000
  for (const {
    error,
    rows: [{ baseline }],
  } of found)
    assert.ok(Math.abs(1 - baseline - error) < 1e-9);
  const chance = found[0].rows.find(({ layer }) => layer === "stage3.block1.conv1");
  assert.equal(chance?.accuracy, 0.1); // exactly, in PyTorch too
});

test("loadPublished() says where it looked when nothing is kept there", async () => {
  await assert.rejects(loadPublished(FOLDER, smallDataset(10)), /expected kept sweeps of zero in ".*" but found none/);
});
