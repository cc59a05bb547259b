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

describe("an interrupt", { timeout: 600_000 }, () => {
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
    "a loop": { code: LOOP, within: 0.5 },
    "a loop after an import": { code: `import { percent } from "./lib/text/format";\n${LOOP}`, within: 0.5 },
    "a long compilation": { code: `import { edited } from "./${edited}/edited";\nedited();\n${LOOP}`, within: 1.5 },
    "steps that look at the signal": {
      code: `import { setTimeout as sleep } from "node:timers/promises";
        for (let i = 0; i < 900; i++) await sleep(10, null, { signal: ${SIGNAL} });`,
      within: 0.5,
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
        `import { verdictsOf } from "../../../lib/results/verdict";\nexport const edited = () => [${press}, verdictsOf];\n`,
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

  test("ends no kernel, however often and at what moment it comes", async () => {
    const random = randomStream(2, "presses");
    for (let press = 0; press < 60; press++) {
      const [interrupt_after, again_after] = [0.1 * random.uniform(), 0.02 * random.uniform()];
      const code =
        press % 2
          ? LOOP
          : `await null; for (let i = 0; i < 900; i++) await new Promise((turn) => setTimeout(turn, 10));`;
      const { reply } = await kernel.run(code, { interrupt_after, again_after });
      assert.equal(reply.ename, "Interrupted", `after ${interrupt_after} s and ${again_after} s more`);
    }
    // A second press that came after the last cell's end meets this one instead of the next test's.
    await kernel.run(`await new Promise((turn) => setTimeout(turn, 100));`);
  });

  test("stops also what blocks the kernel after an `await`: by itself after ten seconds, at once when it is pressed again", async () => {
    await kernel.run(`const kept = { value: 1 };`);
    const code = `await null; console.log("ready"); kept.value++; for (;;);`;
    for (const [again_after, least, most] of [
      [1, 0.9, 6],
      [undefined, 9, 20],
    ]) {
      const { reply, stopped } = await kernel.run(code, { interrupt_on: "ready", again_after });
      assert.equal(reply.ename, "Interrupted");
      assert.ok(stopped! > least! && stopped! < most!, `stopped after ${stopped} s`);
    }
    const [{ text }] = await kernel.runAll([`await null; console.log(kept.value);`, `1`]);
    assert.equal(text, "3\n");
  });

  test("lets a step that takes its time end in its own way", async () => {
    const step = `const end = Date.now() + 3000; while (Date.now() < end);`;
    const code = `await null; console.log("ready"); ${step}
      await new Promise((turn) => setTimeout(turn, 1)); console.log((${SIGNAL}).aborted ? "left" : "lost");`;
    const { text, reply } = await kernel.run(code, { interrupt_on: "ready" });
    assert.deepEqual([text, reply.status], ["ready\nleft\n", "ok"]);
  });
});
