// What a user would write in Python instead: PyTorch's loop, and engines of inference, where a Python with their packages is given.
import { execFileSync, type ExecFileSyncOptionsWithStringEncoding, spawnSync } from "node:child_process";
import type { Precision } from "../../lib/networks/network";

/** A Python that has torch, and the folder of the programs that it runs. */
export interface Peer {
  readonly python: string;
  readonly folder: string;
}

/** What a zero sweep took. */
export interface SweepSeconds {
  readonly sweepSeconds: number; // for every kernel in turn zero
  readonly evaluationSeconds?: number; // for the intact network alone, once it is warm; ours evaluates in float32 only
}

/** A sweep of a PyTorch checkpoint over the first test images. */
export interface PeerSweep {
  readonly checkpoint: string;
  readonly depth: number;
  readonly cifar: string; // the folder of CIFAR-10
  readonly images: number;
}

/** Engines by name: the package that each needs, and in which precisions it computes. */
const ENGINES: Readonly<Record<string, { word: string; needs: string; precisions: readonly Precision[] }>> = {
  OpenVINO: { word: "openvino", needs: "openvino, onnx", precisions: ["float32", "bfloat16"] },
  "ONNX Runtime": { word: "onnxruntime", needs: "onnxruntime, onnx", precisions: ["float32"] },
  "torch.compile": { word: "compile", needs: "torch", precisions: ["float32", "bfloat16"] },
};

const has = ({ python }: Peer, modules: string): boolean => spawnSync(python, ["-c", `import ${modules}`]).status === 0;

const run = <Found>({ python, folder }: Peer, program: string, words: readonly unknown[]): Found =>
  JSON.parse(execFileSync(python, [`${folder}/${program}`, ...words.map(String)], options)) as Found;
const options: ExecFileSyncOptionsWithStringEncoding = { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] };

/** The zero sweep by PyTorch's loop and by every engine that is there, in these precisions; each name ends with its precision. */
export function peerSweeps(
  peer: Peer,
  { checkpoint, depth, cifar, images }: PeerSweep,
  precisions: readonly Precision[],
): ReadonlyMap<string, () => SweepSeconds> {
  const words = [checkpoint, depth, cifar, images];
  const sweeps = new Map([["PyTorch float32", () => run<SweepSeconds>(peer, "torch_sweep.py", words)]]);
  for (const [name, engine] of Object.entries(ENGINES).filter(([, { needs }]) => has(peer, needs)))
    for (const precision of precisions.filter((each) => engine.precisions.includes(each))) {
      const asked = [engine.word, ...words, ...(precision === "bfloat16" ? ["--bf16"] : [])];
      sweeps.set(`${name} ${precision}`, () => run<SweepSeconds>(peer, "engine_sweep.py", asked));
    }
  return sweeps;
}

/** Runs the program that follows under automatic mixed precision. */
const UNDER_AUTOCAST = `
import runpy, sys, torch
sys.argv = sys.argv[1:]
with torch.autocast("cpu", torch.bfloat16):
    runpy.run_path(sys.argv[0], run_name="__main__")
`;

/** Images per second of PyTorch's training step. */
export function peerTraining({ python, folder }: Peer, words: readonly number[], precision: Precision): number {
  const program = [`${folder}/torch_train.py`, ...words.map(String)];
  const all = precision === "bfloat16" ? ["-c", UNDER_AUTOCAST, ...program] : program;
  return (JSON.parse(execFileSync(python, all, options)) as { imagesPerSecond: number }).imagesPerSecond;
}
