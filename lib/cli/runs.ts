// npm run runs: writes the table of the trained networks, data/runs/README.md, from their run folders.
import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { type Command, type Given, runCommand } from "./command";
import { loadRun } from "../checkpoint";
import { writeTogether } from "../files";
import { parameterCount, specName } from "../network";
import { tableOf, toMarkdown } from "../table";

type Names = "dir";

const COMMAND: Command<Names> = {
  name: "runs",
  summary: "Writes README.md of a folder of runs: one line per trained network, from its run.json.",
  options: { dir: { value: "DIR", help: "folder that holds the run folders", preset: "data/runs" } },
};

const INTRODUCTION = `# Trained networks

Written by \`npm run runs\` from the run folders; every accuracy is that of the last epoch on all 10,000 test images. A folder holds
\`weights.safetensors\`, \`start.safetensors\` (before the first step) and \`run.json\` (spec, recipe, history, seed, data and provenance).
`;

/** One line of the table. */
async function lineOf(dir: string, name: string) {
  const run = await loadRun(join(dir, name));
  const { epochs, precision } = run.config as { readonly epochs: number; readonly precision: string };
  const { images, trainingSeconds } = run.provenance as { readonly images: number; readonly trainingSeconds: number };
  return {
    run: name,
    network: specName(run.network.spec),
    parameters: parameterCount(run.network.spec),
    "test accuracy %": 100 * run.accuracy,
    "training images": images,
    epochs,
    precision,
    seed: String(run.seed),
    minutes: Math.round(trainingSeconds / 60),
  };
}

async function runsCommand({ dir = "data/runs" }: Given<Names>): Promise<void> {
  const entries = await readdir(dir, { withFileTypes: true });
  // A training that is not finished has a checkpoint, but no run.json yet.
  const finished = (name: string) => existsSync(join(dir, name, "run.json"));
  const names = entries.filter((entry) => entry.isDirectory() && finished(entry.name)).map((entry) => entry.name);
  const lines = await Promise.all(names.sort().map((name) => lineOf(dir, name)));
  const text = `${INTRODUCTION}\n${toMarkdown(tableOf(lines))}\n`;
  await writeTogether(dir, new Map([["README.md", new TextEncoder().encode(text)]]));
  console.log(`${join(dir, "README.md")}: trained networks listed: ${lines.length}`);
}

void runCommand(COMMAND, runsCommand);
