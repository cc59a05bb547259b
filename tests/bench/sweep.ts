// The zero sweep of a public checkpoint: seconds for all layers, graph preparation included, beside PyTorch's loop.
import { execFileSync } from "node:child_process";
import { loadNetwork } from "../../lib/checkpoint";
import { type Dataset, firstImages, loadCifar } from "../../lib/cifar";
import type { Network } from "../../lib/network";
import { type SweepOptions, sweepSteps } from "../../lib/sweep";
import type { Contestants } from "./alternate";

const FOLDER = "data/cifar-10";

/** Seconds until the first complete table of a network: its graph, and 50 images through all ablations. */
export async function firstTable(checkpoint: string): Promise<number> {
  const test = await loadCifar("cifar10", "test", { dir: FOLDER });
  return measure(await loadNetwork(checkpoint), firstImages(test, 50), { batch: 50 });
}

/** The contestants for one checkpoint; PyTorch only where a Python with torch is given. */
export async function sweepContestants(
  checkpoint: string,
  images: number,
  peer?: { readonly python: string; readonly folder: string },
): Promise<Contestants> {
  const network = await loadNetwork(checkpoint);
  const test = firstImages(await loadCifar("cifar10", "test", { dir: FOLDER }), images);
  const contestants: Record<string, () => number | Promise<number>> = {
    float32: () => measure(network, test, { precision: "float32" }),
    bfloat16: () => measure(network, test, { precision: "bfloat16" }),
  };
  if (!peer) return contestants;
  const words = [`${peer.folder}/torch_sweep.py`, checkpoint, String(network.spec.depth), FOLDER, String(images)];
  const runPeer = () => JSON.parse(execFileSync(peer.python, words, { encoding: "utf8" })) as { sweepSeconds: number };
  return { ...contestants, PyTorch: () => runPeer().sweepSeconds };
}

async function measure(network: Network, dataset: Dataset, options: SweepOptions): Promise<number> {
  const began = performance.now();
  for await (const step of sweepSteps(network, dataset, options)) void step;
  return (performance.now() - began) / 1000;
}
