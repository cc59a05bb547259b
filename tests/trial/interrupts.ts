// Presses of the stop button at random moments of cells of all kinds: each ends its cell, and the next one runs.
import assert from "node:assert/strict";
import { Kernel } from "../jupyter/kernel";
import { count, type Part, tallyOf } from "./tally";

/** Each would go on for long. */
const CELLS = [
  "for (;;);",
  "await new Promise(() => {});",
  "await new Promise((done) => setTimeout(done, 60_000));",
  `import { readFileSync } from "node:fs"; let reads = 0; for (;;) reads += readFileSync("/proc/uptime").length;`,
  `for (let line = 0; ; line++) { if (line % 1e6 === 0) console.log(line); }`,
];
const LATEST = 2; // seconds

export const interrupts: Part = async ({ folder, random, goesOn }) => {
  const kernel = new Kernel(folder);
  const [ends, next] = [tallyOf("a press ends its cell"), tallyOf("the cell after it runs")];
  try {
    do {
      const code = CELLS[random.integer(CELLS.length)];
      const after = random.uniform() * LATEST;
      await count(ends, `${code}, ${after.toFixed(2)} s after its begin`, async () => {
        const { reply } = await kernel.run(code, { interrupt_after: after });
        assert.equal(reply.status, "error");
      });
      await count(next, code, async () => assert.equal((await kernel.run("console.log(1 + 1);")).text.trim(), "2"));
    } while (goesOn());
  } finally {
    await kernel.end();
  }
  return [ends, next];
};
