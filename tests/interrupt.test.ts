// Interrupts (■) at any moment of any kind of cell, over a real kernel and Jupyter's own client.
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { randomStream } from "../lib/statistics/random";
import { Kernel } from "./jupyter/kernel";

const RESULTS = path.resolve("data/results"); // git-ignored; modules have to lie below the project root
const SIGNAL = `(globalThis as any)[Symbol.for("nontrivial.signal")] as AbortSignal`;
const LOOP = `for (const end = Date.now() + 9000; Date.now() < end;);`;

describe("an interrupt", { timeout: 300_000 }, () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "interrupt-test-"));
  fs.mkdirSync(RESULTS, { recursive: true });
  const modules = fs.mkdtempSync(path.join(RESULTS, "interrupt-test-"));
  const edited = path.relative(".", modules);
  let kernel: Kernel;
  before(() => void (kernel = new Kernel(folder)));
  after(async () => {
    await kernel.end();
    fs.rmSync(modules, { recursive: true });
    fs.rmSync(folder, { recursive: true });
  });

  /** Cells that last nine seconds, each of a kind of its own, and how long after their beginning they may be interrupted, in s. */
  const KINDS: Record<string, { code: string; within: number }> = {
    "a loop": { code: LOOP, within: 1 },
    "a loop after an import": { code: `import { percent } from "./lib/text/format";\n${LOOP}`, within: 1 },
    "a long compilation": { code: `import { edited } from "./${edited}/edited";\nedited();\n${LOOP}`, within: 1.5 },
    "steps that look at the signal": {
      code: `import { setTimeout as sleep } from "node:timers/promises";
        for (let i = 0; i < 900; i++) await sleep(10, null, { signal: ${SIGNAL} });`,
      within: 1,
    },
    "waiting for something that never ends": {
      code: `await new Promise((done) => setTimeout(done, 9000));`,
      within: 0.5,
    },
  };

  test("is obeyed at 50 random moments of all kinds of cells, also while they are compiled", async () => {
    const random = randomStream(1, "presses");
    const lost: string[] = [];
    const edit = (press: number) =>
      fs.writeFileSync(
        path.join(modules, "edited.ts"),
        `import { sweep } from "../../../lib";\nexport const edited = () => [${press}, sweep];\n`,
      );
    edit(-1);
    await kernel.run(`import { edited } from "./${edited}/edited";`);
    for (let press = 0; press < 50; press++) {
      const [kind, { code, within }] = Object.entries(KINDS)[press % 5];
      if (kind === "a long compilation") edit(press);
      const after = within * random.uniform();
      const { reply } = await kernel.run(code, { interrupt_after: after });
      if (reply.ename !== "Interrupted") lost.push(`${kind}, after ${after.toFixed(2)} s`);
    }
    assert.deepEqual(lost, []);
    const works = await kernel.run(`import { edited } from "./${edited}/edited";\nconsole.log(edited()[0]);`);
    assert.equal(works.text, "47\n", JSON.stringify(works.outputs));
  });
});
