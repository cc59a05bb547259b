// The options of the commands that read a network, and the line that says what was assumed of an imported one.
import { readdir, stat } from "node:fs/promises";
import { assumedText } from "../checkpoints/assumed";
import type { ImportOptions } from "../checkpoints/torch";
import type { Network, Parameters } from "../networks/network";
import { loadNetwork, loadRun } from "../runs/run-folder";
import { type Given, type Options, UsageError, printError } from "./command";

/** Committed ones, and those that were trained here. */
const RUNS = ["data/runs", "data/local"];

/** They say which network, and what a PyTorch file does not say of itself. */
export const CHECKPOINT_OPTIONS = {
  checkpoint: {
    value: "PATH",
    help: "run folder, or a file: a network of this project, PyTorch's state_dict, or .onnx",
    preset: "data/runs/resnet20-seed1",
    isPath: true,
  },
  mean: {
    value: "R,G,B",
    help: "of a PyTorch or ONNX file: what was subtracted from pixel / 255 in training",
    read: channels,
  },
  std: { value: "R,G,B", help: "of a PyTorch or ONNX file: what it was divided by", read: divisors },
  plain: { help: "the PyTorch file holds a network without shortcuts" },
  weights: { value: "NAME", help: "of a PyTorch file with several: raw, averaged (taken otherwise), or their key" },
} as const satisfies Options;

type CheckpointGiven = Given<typeof CHECKPOINT_OPTIONS>;

function channels(option: string, text: string): number[] {
  const numbers = text.split(",").map((part) => (part.trim() ? Number(part) : NaN));
  if (numbers.length === 3 && numbers.every(Number.isFinite)) return numbers;
  throw new UsageError(`Cannot read --${option} "${text}": expected three numbers with commas between`);
}

function divisors(option: string, text: string): number[] {
  const numbers = channels(option, text);
  if (numbers.every((number) => number > 0)) return numbers;
  throw new UsageError(`Cannot read --${option} "${text}": expected three numbers above 0`);
}

/** What the command line says of a PyTorch file. @throws UsageError where that cannot be read */
export function importOptions({ mean, std, plain, weights }: CheckpointGiven): ImportOptions {
  if ((mean === undefined) !== (std === undefined)) throw new UsageError("--mean and --std are given together");
  return {
    ...(plain ? { family: "plain" } : {}),
    ...(mean && std ? { normalization: { mean, std } } : {}),
    ...(weights === undefined ? {} : { weights }),
  };
}

/** The trained networks that there are, for one who named another. */
async function runsText(): Promise<string> {
  const texts = await Promise.all(RUNS.map(runsIn));
  return texts.filter(Boolean).join("; ") || `${RUNS.join(" and ")} hold no runs yet`;
}

async function runsIn(dir: string): Promise<string | undefined> {
  const entries = await readdir(dir, { withFileTypes: true }).catch(() => []);
  const names = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  return names.length ? `in ${dir} there are ${names.sort().join(", ")}` : undefined;
}

/** A run's network with its first parameters, or the network of a file, which has none; says what was assumed of it. */
export async function loadCheckpoint(
  given: CheckpointGiven,
): Promise<{ readonly network: Network; readonly start?: Parameters }> {
  const options = importOptions(given);
  const path = given.checkpoint;
  const found = await stat(path).catch(() => undefined);
  if (!found)
    throw new Error(`Cannot load a network from "${path}": there is no such file or folder; ${await runsText()}`);
  if (found.isDirectory() && Object.keys(options).length === 0) return loadRun(path);
  const network = await loadNetwork(path, options);
  const assumed = assumedText(network.assumed);
  if (assumed)
    printError(
      `Assumed of ${network.name}: ${assumed}. Of a PyTorch file, others are given by --mean, --std, --plain, --weights`,
    );
  return { network };
}
