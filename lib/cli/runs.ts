// npm run runs: writes the table of the trained networks, data/runs/README.md, from their run folders.
import { join } from "node:path";
import { defineCommand, type GivenTo, runCommand, print } from "./command";

const SHOWN = "<!-- shown in: notebooks/03_train.ipynb -->"; // so that `npm run check` holds this page against the notebook

const COMMAND = defineCommand({
  name: "runs",
  summary: "Writes README.md of a folder of runs: one line per trained network, from its run.json.",
  options: { dir: { value: "DIR", help: "folder that holds the run folders", preset: "data/runs", isPath: true } },
});

const INTRODUCTION = `# Trained networks

Written by \`npm run runs\` from the run folders; every accuracy is that of the saved weights, after the last epoch, on all test images
(10,000), with its 95 % Wilson interval. A folder holds \`weights.safetensors\`, \`run.json\` (spec, recipe,
history, seed, data and provenance) and \`zero.answers.gz\`: what the network says of every test image with each kernel zeroed
(\`intact.confidences.gz\`: how sure it is when intact). What it was before
its first step is made of the seed when it is asked for, and held to the SHA-256 in \`run.json\`.
<!-- given: 10,000 (CIFAR-10); 95 (confidence) -->
`;

const PRECISION = `
## float32 against bfloat16

Networks that were trained in both, in the same way: over seeds, the mean test accuracy and its standard deviation (SD); the difference is
bfloat16 less float32 over the seeds that were trained in both (which share start, order and augmentation), with its standard error and the
two-sided p of the exact sign-flip test beside the smallest that so few seeds could give.
`;

async function runsCommand({ dir }: GivenTo<typeof COMMAND>): Promise<void> {
  const { collectionTable } = await import("../tables/collection");
  const { loadCollection } = await import("../runs/collection");
  const { precisionTable } = await import("../tables/collection");
  const { writeTogether } = await import("../files/disk");
  const { toMarkdown } = await import("../tables/render");
  const members = await loadCollection(dir);
  const precision = precisionTable(members);
  const comparison = precision.numRows() ? `${PRECISION}\n${toMarkdown(precision)}\n${SHOWN}\n` : "";
  const text = `${INTRODUCTION}\n${toMarkdown(collectionTable(members))}\n${SHOWN}\n${comparison}`;
  await writeTogether(dir, new Map([["README.md", new TextEncoder().encode(text)]]));
  print(`${join(dir, "README.md")}: trained networks listed: ${members.length}`);
}

void runCommand(COMMAND, runsCommand);
