// The same sweep over and over in one process: the same numbers, and as many tensors and as much memory as after the first rounds.
import assert from "node:assert/strict";
import { startEngine, tf } from "../../lib/engine/backend";
import { sweep } from "../../lib/sweeps/sweep";
import { smallDataset, smallNetwork } from "../small";
import { count, type Part, tallyOf } from "./tally";

const FIRST = 5; // rounds after which all that is kept is there
const MOST_GROWTH = 100e6; // bytes

export const soak: Part = async ({ goesOn }) => {
  await startEngine();
  const [network, images] = [smallNetwork(), smallDataset(100)];
  const run = () => sweep(network, images);
  const [same, tensors, memory] = ["gives the same numbers", "leaves no tensor behind", "does not grow"].map((what) =>
    tallyOf(`a sweep done again ${what}`),
  );
  const first = JSON.stringify(await run());
  for (let round = 1; round < FIRST; round++) await run();
  const [before, bytes] = [tf.memory().numTensors, process.memoryUsage.rss()];
  do {
    const found = JSON.stringify(await run());
    await count(same, `round ${same.trials}`, () => assert.equal(found, first));
    await count(tensors, `round ${tensors.trials}`, () => assert.equal(tf.memory().numTensors, before));
    await count(memory, `round ${memory.trials}`, () => assert.ok(process.memoryUsage.rss() - bytes < MOST_GROWTH));
  } while (goesOn());
  return [same, tensors, memory];
};
