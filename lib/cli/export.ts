// npm run export: writes a network as one file, for this project or for PyTorch.
import { basename, dirname } from "node:path";
import { encodeNetwork, loadNetwork } from "../checkpoint";
import { writeTogether } from "../files";
import type { Network } from "../network";
import { specName } from "../spec";
import { tableOf, toText } from "../table";
import { encodeTorchState, type ImportOptions, importReport } from "../torch";
import { type Command, type Given, runCommand, UsageError } from "./command";

type Names = "checkpoint" | "format" | "out" | "mean" | "std" | "plain" | "report";

const FORMATS: Readonly<Record<string, (network: Network) => Uint8Array>> = {
  safetensors: encodeNetwork,
  torch: encodeTorchState,
};

const COMMAND: Command<Names> = {
  name: "export",
  summary: "Writes a trained or imported network into one safetensors file.",
  options: {
    checkpoint: {
      value: "PATH",
      help: "run folder, .safetensors, or PyTorch .th, .pt or .pth file",
      preset: "data/runs/resnet20-seed1",
    },
    format: {
      value: "NAME",
      help: "safetensors (as this project reads and writes it) or torch (a state_dict, which PyTorch loads)",
      preset: "safetensors",
    },
    out: { value: "FILE", help: "the file to write; its name ends in .safetensors" },
    mean: { value: "R,G,B", help: "of a PyTorch file: what was subtracted from pixel / 255 in training" },
    std: { value: "R,G,B", help: "of a PyTorch file: what it was divided by" },
    plain: { help: "the PyTorch file holds a network without shortcuts" },
    report: { help: "show which tensor of the PyTorch file became which parameter" },
  },
};

function channels(option: string, text: string): number[] {
  const numbers = text.split(",").map((part) => (part.trim() ? Number(part) : NaN));
  if (numbers.length === 3 && numbers.every(Number.isFinite)) return numbers;
  throw new UsageError(`Cannot read --${option} "${text}": expected three numbers with commas between`);
}

function importOptions({ mean, std, plain }: Given<Names>): ImportOptions {
  if ((mean === undefined) !== (std === undefined)) throw new UsageError("--mean and --std are given together");
  return {
    family: plain ? "plain" : undefined,
    normalization: mean && std ? { mean: channels("mean", mean), std: channels("std", std) } : undefined,
  };
}

async function exportCommand(given: Given<Names>): Promise<void> {
  const { checkpoint = "", format = "", out } = given;
  if (!Object.hasOwn(FORMATS, format)) {
    throw new UsageError(`Cannot export as "${format}": expected ${Object.keys(FORMATS).join(" or ")}`);
  }
  if (!out?.endsWith(".safetensors")) throw new UsageError("--out names the file to write, which ends in .safetensors");
  const options = importOptions(given);
  const network = await loadNetwork(checkpoint, options);
  if (given.report) console.log(toText(tableOf(importReport(checkpoint, options).rows), { limit: Infinity }));
  const bytes = FORMATS[format](network);
  await writeTogether(dirname(out), new Map([[basename(out), bytes]]));
  console.log(`${out}: ${network.name} (${specName(network.spec)}), ${bytes.length} bytes`);
}

void runCommand(COMMAND, exportCommand);
