// npm run bench: what the workspace is fast at, beside PyTorch where a Python with torch is given.
import { existsSync } from "node:fs";
import { type Command, type Given, runCommand, wholeNumber } from "../../lib/cli/command";
import { alternate, report } from "./alternate";
import { firstTable, sweepContestants } from "./sweep";
import { trainingContestants } from "./training";

type Names = "depths" | "checkpoints" | "images" | "rounds" | "python" | "peer";

const COMMAND: Command<Names> = {
  name: "bench",
  summary: "Measures training steps and zero sweeps, in turn with PyTorch. Run it on an otherwise idle machine.",
  options: {
    depths: { value: "LIST", help: "ResNets whose training step is measured", preset: "20,56" },
    checkpoints: {
      value: "LIST",
      help: "PyTorch .th files whose sweep is measured; those that are missing are left out",
      preset: "../shared/checkpoints/resnet20-12fca82f.th",
    },
    images: { value: "N", help: "test images of the sweep", preset: "10000" },
    rounds: { value: "N", help: "rounds; medians are reported", preset: "3" },
    python: { value: "PATH", help: "a Python with torch; without it PyTorch is left out" },
    peer: { value: "DIR", help: "folder of torch_train.py and torch_sweep.py", preset: "../shared/peer" },
  },
};

async function bench(given: Given<Names>): Promise<void> {
  const rounds = wholeNumber("rounds", given.rounds!);
  const images = wholeNumber("images", given.images!);
  const peer = given.python === undefined ? undefined : { python: given.python, folder: given.peer! };
  if (!peer) console.log("PyTorch is left out: give a Python that has torch with --python PATH");
  for (const depth of listOf(given.depths).map((text) => wholeNumber("depths", text))) {
    const results = await alternate(trainingContestants(depth, peer), rounds);
    report(`Training step of ResNet-${depth}, batch 128`, results, { unit: "images/s", lessIsBetter: false });
  }
  for (const checkpoint of listOf(given.checkpoints)) {
    if (!existsSync(checkpoint)) {
      console.log(`\nThe sweep of ${checkpoint} is left out: there is no such file`);
      continue;
    }
    const results = await alternate(await sweepContestants(checkpoint, images, peer), rounds);
    report(`Zero sweep of ${checkpoint}, ${images} images`, results, { unit: "s", lessIsBetter: true });
    const first = await alternate({ float32: () => firstTable(checkpoint) }, rounds);
    report("  its first complete table (50 images, graph preparation included)", first, {
      unit: "s",
      lessIsBetter: true,
    });
  }
}

const listOf = (text: string | undefined): string[] => (text ?? "").split(",").filter(Boolean);

void runCommand(COMMAND, bench);
