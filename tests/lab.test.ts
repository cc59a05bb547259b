// What a page under `npm run lab` gets: all that a cell prints, and no more than a page can show.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { after, test } from "node:test";

const lab = spawn(process.execPath, ["lib/cli/lab.mjs", "--no-browser", "--port", "18971"]);
after(() => lab.kill("SIGTERM"));

const address = new Promise<string>((found) => {
  let said = "";
  lab.stdout.on("data", (data) => {
    said += String(data);
    const [all] = /http:\S+token=\w+/.exec(said) ?? [];
    if (all) found(all);
  });
});

async function cell(
  code: string,
): Promise<{ readonly messages: number; readonly stdout: number; readonly stderr: string }> {
  const words = ["tests/jupyter/through_lab.py", await address, code];
  return JSON.parse(spawnSync(".venv/bin/python", words, { encoding: "utf8" }).stdout);
}

test("12 MB that a cell prints line by line come whole, and in few messages, as the page draws all of it again with each", async () => {
  const line = "x".repeat(59);
  const { messages, ...printed } = await cell(`for (let i = 0; i < 200_000; i++) console.log("${line}");`);
  assert.deepEqual(printed, { stdout: 12e6, stderr: "" });
  assert.ok(messages < 200, `${messages} messages`);
});

test("of a hundred million characters the first 16 million come, and one line that says so", async () => {
  const { stdout, stderr } = await cell(`for (let i = 0; i < 100; i++) console.log("x".repeat(1e6));`);
  assert.equal(stdout, 16e6);
  assert.match(
    stderr,
    /^\nWhat this cell prints from here on is not shown, as it is more than 16 MB: write it to a file\.\n$/,
  );
});
