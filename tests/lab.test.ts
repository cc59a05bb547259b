// What a page under `npm run lab` gets: all that a cell prints, and no more than a page can show.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { after, test } from "node:test";
import { closeBrowser, openBrowser } from "../lib/notebook/browser";

const lab = spawn(process.execPath, ["lib/cli/lab.mjs", "--no-browser", "--port", "18971"]);
after(async () => {
  await closeBrowser();
  lab.kill("SIGTERM");
});

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

test("a committed notebook shows its tables and figures when it is opened, before anything is run and without a click", async () => {
  const page = await (await openBrowser()).newPage();
  await page.setViewport({ width: 1400, height: 1000 });
  await page.goto((await address).replace("/lab?", "/lab/tree/notebooks/04_every_layer.ipynb?"));
  const cells = JSON.parse(readFileSync("notebooks/04_every_layer.ipynb", "utf8")).cells as { outputs?: unknown[] }[];
  const saved = JSON.stringify(cells.map(({ outputs = [] }) => outputs));
  const figures = saved.split('"image/png":').length - 1;
  const tables = saved.split("<table").length - 1;
  assert.ok(figures >= 3 && tables >= 5, `${figures} figures and ${tables} tables are saved`);
  // Of a figure that is not drawn, its picture; one that is broken has no width. The page draws its cells one after the other.
  const shown = `(() => {
    const all = (chosen) => [...document.querySelectorAll(".jp-OutputArea " + chosen)];
    return [all(".jp-RenderedHTML table").length, all("img").filter((image) => image.naturalWidth > 0).length].join();
  })()`;
  await page.waitForFunction(`${shown} === "${tables},${figures}"`, { timeout: 60_000 });
  assert.equal(await page.$(".jp-Dialog, .Toastify__toast"), null, "nothing is asked");
  const marks = await page.$$eval(".jp-InputPrompt", (all) => all.map(({ textContent }) => textContent));
  assert.ok(marks.length > 20 && !marks.some((mark) => mark?.includes("*")), "nothing runs");
  await page.close();
});
