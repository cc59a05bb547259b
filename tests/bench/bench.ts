// npm run bench: what the workspace is fast at, beside PyTorch where a Python with torch is given.
import { existsSync } from "node:fs";
import { defineCommand, type GivenTo, listOf, oneOf, runCommand, wholeNumber } from "../../lib/cli/command";
import type { Precision } from "../../lib/networks/network";
import type { Peer } from "./peers";

/** What can be measured by itself, in order. */
const SECTIONS = ["training", "sweep", "exact", "arithmetic", "memory"] as const;
const BY_NAME = Object.fromEntries(SECTIONS.map((name) => [name, name]));

const COMMAND = defineCommand({
  name: "bench",
  summary:
    "Measures in sections, which --only selects:\n" +
    "  training    training steps, in turn with PyTorch, each precision with its like\n" +
    "  sweep       zero sweeps in float32 and bfloat16, in turn with PyTorch, OpenVINO, ONNX Runtime and torch.compile\n" +
    "              where they are installed; evaluation; predictions that bfloat16 flips; the first table\n" +
    "  exact       the verdicts: of all images, exact ones, and those of a sweep that stops; how many images each takes\n" +
    "  arithmetic  multiply-adds of a sweep as predicted, per block and in all, against measured times\n" +
    "  memory      the peak memory of a zero sweep of ResNet-110\n" +
    "Run it on an otherwise idle machine.",
  options: {
    only: {
      value: "LIST",
      help: "sections, with commas between",
      preset: SECTIONS.join(),
      read: listOf(oneOf(BY_NAME, "Cannot measure")),
    },
    depths: {
      value: "LIST",
      help: "ResNets whose training step is measured",
      preset: "20,56",
      read: listOf(wholeNumber()),
    },
    checkpoints: {
      value: "LIST",
      help: "run folders or PyTorch .th files whose sweep is measured; those that are missing are left out",
      preset: "../shared/checkpoints/resnet20-12fca82f.th",
      read: listOf((_, path) => path),
    },
    images: { value: "N", help: "test images of the sweep", preset: "10000", read: wholeNumber() },
    rounds: { value: "N", help: "rounds; medians are reported", preset: "3", read: wholeNumber() },
    python: {
      value: "PATH",
      help: "a Python with torch, and openvino, onnx and onnxruntime if wanted; without it peers are left out",
    },
    peer: {
      value: "DIR",
      help: "folder of torch_train.py, torch_sweep.py and engine_sweep.py",
      preset: "../shared/peer",
    },
  },
});

type Given = GivenTo<typeof COMMAND>;

async function bench(given: Given): Promise<void> {
  if (!peerOf(given)) console.log("PyTorch is left out: give a Python that has torch with --python PATH");
  if ((await precisions()).length < 2) console.log("bfloat16 is left out: this processor computes it slowly");
  const measure: Readonly<Record<string, (given: Given) => Promise<void>>> = {
    training: benchTraining,
    sweep: benchSweeps,
    exact: benchVerdicts,
    arithmetic: benchBlocks,
    memory: async () => (await import("./memory")).benchMemory(),
  };
  for (const name of given.only) await measure[name](given);
}

function peerOf({ python, peer }: Given): Peer | undefined {
  return python === undefined ? undefined : { python, folder: peer };
}

/** Those that are worth it on this machine. */
async function precisions(): Promise<Precision[]> {
  const { startEngine } = await import("../../lib/engine/backend");
  return (await startEngine()).fastBfloat16 ? ["float32", "bfloat16"] : ["float32"];
}

async function benchTraining(given: Given): Promise<void> {
  const { trainingContestants } = await import("./training");
  const { alternate, likeAgainstLike, report } = await import("./alternate");
  for (const depth of given.depths) {
    const contestants = trainingContestants(depth, await precisions(), peerOf(given));
    const results = await alternate(contestants, given.rounds);
    report(`Training step of ResNet-${depth}, batch 128`, results, { unit: "images/s", against: likeAgainstLike });
  }
}

async function benchSweeps(given: Given): Promise<void> {
  const { benchSweep } = await import("./sweep");
  const { images, rounds } = given;
  const options = { images, rounds, precisions: await precisions(), peer: peerOf(given) };
  await ofEachCheckpoint(given, (checkpoint) => benchSweep(checkpoint, options));
}

async function benchVerdicts(given: Given): Promise<void> {
  const { benchExact } = await import("./exact");
  const { rounds } = given;
  await ofEachCheckpoint(given, (checkpoint) => benchExact(checkpoint, { rounds, peer: peerOf(given) }));
}

/** One batch is measured, which takes milliseconds: many rounds. */
async function benchBlocks(given: Given): Promise<void> {
  const { benchArithmetic } = await import("./arithmetic");
  await ofEachCheckpoint(given, (checkpoint) => benchArithmetic(checkpoint, 7 * given.rounds));
}

async function ofEachCheckpoint({ checkpoints }: Given, body: (checkpoint: string) => Promise<void>): Promise<void> {
  for (const checkpoint of checkpoints) {
    if (existsSync(checkpoint)) await body(checkpoint);
    else console.log(`\nThe sweep of ${checkpoint} is left out: there is no such file`);
  }
}

void runCommand(COMMAND, bench);
