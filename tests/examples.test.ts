// The code of the pages, block by block as it stands there, in a real kernel; only on fewer images, and saved elsewhere.
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { pageNotebook } from "../lib/cli/check/cells";
import { EXAMPLES } from "../lib/cli/check/project";
import { Kernel, type Result } from "./jupyter/kernel";

const RESULTS = path.resolve("data/results");
const FOLDER = mkdtempSync(path.join(tmpdir(), "examples-test-"));

const blocksOf = (page: string) => pageNotebook(readFileSync(page, "utf8")).cells.map(({ source }) => String(source));

/** The block on the first 60 test images, with figures in a folder of the test. */
function shortened(block: string): string {
  const fewer = block
    .replace(/await loadCifar\("cifar10", "test"\)/, "fewImages($&, 60)")
    .replace("figures/mine", FOLDER);
  return fewer === block || !fewer.includes("fewImages")
    ? fewer
    : fewer.replace(/^import \{/m, "import { firstImages as fewImages,");
}

const mimesOf = ({ outputs }: Result) => outputs.flatMap(({ data }) => Object.keys(data ?? {}));

describe("the examples of the pages", { timeout: 600_000 }, () => {
  const kept = new Set(existsSync(RESULTS) ? readdirSync(RESULTS) : []);
  let kernel: Kernel;
  before(() => void (kernel = new Kernel(FOLDER)));
  after(async () => {
    await kernel.end();
    for (const name of readdirSync(RESULTS)) if (!kept.has(name)) rmSync(path.join(RESULTS, name), { recursive: true });
    rmSync(FOLDER, { recursive: true });
  });

  test("questions are asked in five lines or fewer each, and the first one in three", () => {
    const [first, ...others] = blocksOf("README.md").map((block) => block.split("\n").length);
    assert.deepEqual([first, others], [3, []]);
    const [, ...questions] = blocksOf("notebooks/README.md");
    assert.ok(questions.length >= 8);
    for (const block of questions) assert.ok(block.split("\n").length <= 5, block);
  });

  for (const page of EXAMPLES)
    test(`every block of ${page} runs and shows what it says`, async () => {
      const blocks = blocksOf(page);
      const results = await kernel.runAll(blocks.map(shortened));
      results.forEach((result, index) => {
        const failed = result.outputs.find(({ type }) => type === "error");
        assert.equal(result.reply.status, "ok", `${blocks[index]}\n${failed?.ename}: ${failed?.evalue}`);
        const mimes = mimesOf(result);
        if (/\bshow\(|sweepLive\(/.test(blocks[index]))
          assert.ok(mimes.includes("text/html") || mimes.includes("image/png"));
        if (blocks[index].includes("sweepLive("))
          assert.ok(mimes.includes("text/html") && mimes.includes("image/png"), blocks[index]);
      });
    });

  test("a figure that was to be saved is there, as PNG and JSON", () => {
    const names = readdirSync(FOLDER);
    assert.ok(names.includes("my-drops.png") && names.includes("my-drops.json"), names.join());
  });
});
