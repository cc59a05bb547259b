// npm run export: writes a network for this project, for PyTorch, for ONNX Runtime, or for TensorFlow.
import { existsSync, readdirSync, statSync } from "node:fs";
import { basename, dirname } from "node:path";
import { encodeOnnx } from "../checkpoints/onnx-export";
import { encodeTorchState, importReport } from "../checkpoints/torch";
import { writeTogether } from "../files/disk";
import type { Network } from "../networks/network";
import { specName } from "../networks/spec";
import { encodeNetwork } from "../checkpoints/network-file";
import { CHECKPOINT_OPTIONS, importOptions, loadCheckpoint } from "./checkpoints";
import { defineCommand, type GivenTo, oneOf, runCommand, UsageError, print } from "./command";

/** How a network becomes one file, and where that file goes. */
interface Format {
  readonly encode: (network: Network) => Uint8Array | Promise<Uint8Array>;
  readonly target: (out: string | undefined) => { readonly folder: string; readonly file: string };
}

const FORMATS: Readonly<Record<string, Format>> = {
  safetensors: { encode: encodeNetwork, target: safetensorsTarget },
  torch: { encode: encodeTorchState, target: safetensorsTarget },
  onnx: { encode: encodeOnnx, target: onnxTarget },
  savedmodel: {
    encode: async (network) => (await import("../engine/frozen")).encodeFrozen(network),
    target: savedModelTarget,
  },
};

const SAVED_MODEL = "saved_model.pb";

const COMMAND = defineCommand({
  name: "export",
  summary: "Writes a trained or imported network for this project, for PyTorch, for ONNX Runtime, or for TensorFlow.",
  options: {
    ...CHECKPOINT_OPTIONS,
    format: {
      value: "NAME",
      help: "safetensors (as this project reads and writes it), torch (a state_dict, which PyTorch loads), onnx (images in 0..255 to logits) or savedmodel (frozen, which TensorFlow and Netron open)",
      preset: "safetensors",
      read: oneOf(FORMATS, "Cannot export as", "expected one of"),
    },
    out: {
      value: "PATH",
      help: "what to write: a file ending in .safetensors or .onnx, or the folder of a SavedModel",
      isPath: true,
    },
    report: { help: "show which tensor of the PyTorch file became which parameter" },
  },
});

function safetensorsTarget(out: string | undefined) {
  if (!out?.endsWith(".safetensors")) throw new UsageError("--out names the file to write, which ends in .safetensors");
  return { folder: dirname(out), file: basename(out) };
}

function onnxTarget(out: string | undefined) {
  if (!out?.endsWith(".onnx")) throw new UsageError("--out names the file to write, which ends in .onnx");
  return { folder: dirname(out), file: basename(out) };
}

/** A SavedModel is a folder, which must not mix with files of another kind, such as the variables of another one. */
function savedModelTarget(out: string | undefined) {
  if (!out) throw new UsageError("--out names the folder to write");
  const found = filesAt(out).filter((name) => name !== SAVED_MODEL);
  if (found.length === 0) return { folder: out, file: SAVED_MODEL };
  throw new Error(`Cannot write "${out}": expected an empty or missing folder but found "${found[0]}" in it`);
}

/** The names in a folder; none where there is no folder yet. */
function filesAt(folder: string): string[] {
  if (!existsSync(folder)) return [];
  if (statSync(folder).isDirectory()) return readdirSync(folder);
  throw new Error(`Cannot write "${folder}": expected an empty or missing folder but found a file`);
}

async function exportCommand(given: GivenTo<typeof COMMAND>): Promise<void> {
  const { checkpoint, format, out } = given;
  const { folder, file } = format.target(out);
  const { network } = await loadCheckpoint(given);
  if (given.report) {
    const { tableOf } = await import("../tables/table");
    const { toText } = await import("../tables/render");
    print(toText(tableOf(importReport(checkpoint, importOptions(given)).rows), { limit: Infinity }));
  }
  const bytes = await format.encode(network);
  await writeTogether(folder, new Map([[file, bytes]]));
  print(`${out}: ${network.name} (${specName(network.spec)}), ${bytes.length} bytes`);
}

void runCommand(COMMAND, exportCommand);
