// npm run bench: what the workspace is fast at, beside PyTorch where a Python with torch is given.
import { existsSync } from "node:fs";
import { type Command, type Given, runCommand, UsageError, wholeNumber } from "../../lib/cli/command";
import { startEngine } from "../../lib/engine/backend";
import type { Precision } from "../../lib/networks/network";
import { alternate, type Peer, report } from "./alternate";
import { benchArithmetic } from "./arithmetic";
import { benchMemory } from "./memory";
import { benchSweep } from "./sweep";
import { trainingContestants } from "./training";

type Names = "only" | "depths" | "checkpoints" | "images" | "rounds" | "python" | "peer";

/** What can be measured by itself, in order. */
const SECTIONS: Readonly<Record<string, (given: Given<Names>) => void | Promise<void>>> = {
  training: benchTraining,
  sweep: (given) =>
    ofEachCheckpoint(given, async (checkpoint) => {
      const [images, rounds] = [wholeNumber("images", given.images!), wholeNumber("rounds", given.rounds!)];
      return benchSweep(checkpoint, { images, rounds, precisions: await precisions(), peer: peerOf(given) });
    }),
  // One batch is measured, which takes milliseconds: many rounds.
  arithmetic: (given) =>
    ofEachCheckpoint(given, (checkpoint) => benchArithmetic(checkpoint, 7 * wholeNumber("rounds", given.rounds!))),
  memory: benchMemory,
};

const COMMAND: Command<Names> = {
  name: "bench",
  summary:
    "Measures in sections, which --only selects:\n" +
    "  training    training steps, in turn with PyTorch\n" +
    "  sweep       zero sweeps in float32 and bfloat16, in turn with PyTorch; predictions that bfloat16 flips; the first table\n" +
    "  arithmetic  multiply-adds of a sweep as predicted, per block and in all, against measured times\n" +
    "  memory      the peak memory of a zero sweep of ResNet-110\n" +
    "Run it on an otherwise idle machine.",
  options: {
    only: { value: "LIST", help: "sections, with commas between", preset: Object.keys(SECTIONS).join() },
    depths: { value: "LIST", help: "ResNets whose training step is measured", preset: "20,56" },
    checkpoints: {
      value: "LIST",
      help: "run folders or PyTorch .th files whose sweep is measured; those that are missing are left out",
      preset: "../shared/checkpoints/resnet20-12fca82f.th",
    },
    images: { value: "N", help: "test images of the sweep", preset: "10000" },
    rounds: { value: "N", help: "rounds; medians are reported", preset: "3" },
    python: { value: "PATH", help: "a Python with torch; without it PyTorch is left out" },
    peer: { value: "DIR", help: "folder of torch_train.py and torch_sweep.py", preset: "../shared/peer" },
  },
};

async function bench(given: Given<Names>): Promise<void> {
  const sections = listOf(given.only);
  const unknown = sections.find((name) => !Object.hasOwn(SECTIONS, name));
  if (unknown) throw new UsageError(`Cannot measure "${unknown}": expected ${Object.keys(SECTIONS).join(", ")}`);
  if (!peerOf(given)) console.log("PyTorch is left out: give a Python that has torch with --python PATH");
  if ((await precisions()).length < 2) console.log("bfloat16 is left out: this processor computes it slowly");
  for (const name of sections) await SECTIONS[name](given);
}

function peerOf({ python, peer = "" }: Given<Names>): Peer | undefined {
  return python === undefined ? undefined : { python, folder: peer };
}

/** Those that are worth it on this machine. */
async function precisions(): Promise<Precision[]> {
  return (await startEngine()).fastBfloat16 ? ["float32", "bfloat16"] : ["float32"];
}

async function benchTraining(given: Given<Names>): Promise<void> {
  for (const depth of listOf(given.depths).map((text) => wholeNumber("depths", text))) {
    const contestants = trainingContestants(depth, await precisions(), peerOf(given));
    const results = await alternate(contestants, wholeNumber("rounds", given.rounds!));
    report(`Training step of ResNet-${depth}, batch 128`, results, { unit: "images/s", lessIsBetter: false });
  }
}

async function ofEachCheckpoint(given: Given<Names>, body: (checkpoint: string) => Promise<void>): Promise<void> {
  for (const checkpoint of listOf(given.checkpoints)) {
    if (existsSync(checkpoint)) await body(checkpoint);
    else console.log(`\nThe sweep of ${checkpoint} is left out: there is no such file`);
  }
}

const listOf = (text: string | undefined): string[] => (text ?? "").split(",").filter(Boolean);

void runCommand(COMMAND, bench);
