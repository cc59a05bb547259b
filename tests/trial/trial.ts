// npm run trial: keeps breaking things for some minutes, and counts how often each promise was kept.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  defineCommand,
  type GivenTo,
  listOf,
  oneOf,
  positiveNumber,
  runCommand,
  wholeNumber,
} from "../../lib/cli/command";
import { randomStream } from "../../lib/statistics/random";
import { toText } from "../../lib/tables/render";
import { tableOf } from "../../lib/tables/table";
import { damage } from "./damage";
import { interrupts } from "./interrupts";
import { kills } from "./kills";
import { mutants } from "./mutants";
import { scale } from "./scale";
import { soak } from "./soak";
import { study } from "./study";
import type { Part } from "./tally";

const PARTS: Readonly<Record<string, Part>> = { kills, damage, mutants, interrupts, soak, study, scale };

const COMMAND = defineCommand({
  name: "trial",
  summary:
    "Breaks things at random and says which promises were kept:\n" +
    "  kills       trainings killed at any moment end with the bits of one that was not\n" +
    "  damage      checkpoints, networks, runs and results with flipped bits, zeroed pages and missing ends give no wrong number\n" +
    "  mutants     mutated foreign files give whole tensors or a clear error\n" +
    "  interrupts  presses at random moments of a cell end it, and the next one runs\n" +
    "  soak        sweeps over and over leave no tensor and no memory behind\n" +
    "  study       (only when asked for) a study on four Slurm nodes, two of which are killed, gives the bytes that it gives here\n" +
    "  scale       (only when asked for) a study of ten thousand jobs that do nothing: what it takes",
  options: {
    only: {
      value: "LIST",
      help: "parts, with commas between",
      preset: "kills,damage,mutants,interrupts,soak",
      read: listOf(oneOf(PARTS, "Cannot try")),
    },
    minutes: { value: "X", help: "how long each part goes on", preset: "2", read: positiveNumber },
    seed: { value: "N", help: "decides where things are broken", preset: "1", read: wholeNumber(0) },
  },
});

async function trial({ only, minutes, seed }: GivenTo<typeof COMMAND>): Promise<void> {
  const rows = [];
  for (const part of only) {
    const folder = mkdtempSync(join(tmpdir(), "nontrivial-trial-"));
    const end = Date.now() + 60_000 * minutes;
    try {
      const tallies = await part({ folder, random: randomStream(seed, "trial"), goesOn: () => Date.now() < end });
      rows.push(...tallies);
      for (const { first } of tallies) if (first) console.error(first);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
  const shown = rows.map(({ promise, trials, failures }) => ({ promise, trials, failures }));
  console.log(toText(tableOf(shown), { limit: Infinity }));
  if (rows.some(({ failures }) => failures > 0)) throw new Error("some promises were not kept");
}

void runCommand(COMMAND, trial);
