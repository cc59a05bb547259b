// The zero sweep of a public checkpoint: seconds for all layers, graph preparation included, beside PyTorch's loop.
import { firstImages, loadCifar } from "../../lib/data/cifar";
import type { Dataset } from "../../lib/data/dataset";
import { grouped } from "../../lib/text/format";
import type { Network, Precision } from "../../lib/networks/network";
import { familySpec } from "../../lib/networks/spec";
import { flipsBetween } from "../../lib/results/flips";
import { loadNetwork } from "../../lib/runs/run-folder";
import type { Sweep } from "../../lib/results/matrix";
import { type SweepOptions, sweepSteps } from "../../lib/sweeps/sweep";
import { evaluate } from "../../lib/training/evaluate";
import { alternate, likeAgainstLike, OURS, report } from "./alternate";
import { type Peer, peerSweeps, type SweepSeconds } from "./peers";

const FOLDER = "data/cifar-10";
const SECONDS = { unit: "s", against: likeAgainstLike };

/** Sweeps a checkpoint in turn with PyTorch (only where a Python with torch is given) and prints times and flips. */
export async function benchSweep(
  checkpoint: string,
  options: {
    readonly images: number;
    readonly rounds: number;
    readonly precisions: readonly Precision[];
    readonly peer?: Peer;
  },
): Promise<void> {
  const { images, rounds, precisions, peer } = options;
  const network = await loadNetwork(checkpoint);
  const test = firstImages(await loadCifar("cifar10", "test", { dir: FOLDER }), images);
  const sweeps = new Map<string, Sweep>();
  const contestants = new Map<string, () => SweepSeconds | Promise<SweepSeconds>>();
  for (const precision of precisions)
    contestants.set(`${OURS} ${precision}`, async () => ({
      sweepSeconds: await timed(network, test, { precision }, (last) => sweeps.set(precision, last)),
      ...(precision === "float32" ? { evaluationSeconds: await evaluationSeconds(network, test) } : {}),
    }));
  const asked = { checkpoint, depth: familySpec(network.spec).depth, cifar: FOLDER, images };
  const peers = peer ? peerSweeps(peer, asked, precisions) : [];
  const evaluations = new Map<string, number[]>();
  const sweepSeconds = async (name: string, run: () => SweepSeconds | Promise<SweepSeconds>) => {
    const found = await run();
    if (found.evaluationSeconds !== undefined)
      evaluations.set(name, [...(evaluations.get(name) ?? []), found.evaluationSeconds]);
    return found.sweepSeconds;
  };
  const measured = [...contestants, ...peers].map(([name, run]) => [name, () => sweepSeconds(name, run)] as const);
  const results = await alternate(Object.fromEntries(measured), rounds);
  report(`Zero sweep of ${checkpoint}, ${images} images`, results, SECONDS);
  report(`  the intact network alone, ${images} images`, evaluations, SECONDS);
  const rounded = sweeps.get("bfloat16");
  if (rounded) console.log(`  ${flipsText(sweeps.get("float32")!, rounded)}`);
  const first = { float32: () => timed(network, firstImages(test, 50), { batch: 50 }) };
  const title = "  its first complete table (50 images, graph preparation included)";
  report(title, await alternate(first, rounds), { unit: "s" });
}

/** Seconds for one pass of the intact network, once its graph is ready. */
async function evaluationSeconds(network: Network, test: Dataset): Promise<number> {
  await evaluate(network, test);
  const began = performance.now();
  await evaluate(network, test);
  return (performance.now() - began) / 1000;
}

/** Seconds of a sweep, which goes to `keep` when it is complete. */
async function timed(
  network: Network,
  dataset: Dataset,
  options: SweepOptions,
  keep?: (last: Sweep) => void,
): Promise<number> {
  const began = performance.now();
  let last: Sweep | undefined;
  for await (last of sweepSteps(network, dataset, options));
  const seconds = (performance.now() - began) / 1000;
  keep?.(last!);
  return seconds;
}

/** How many predictions bfloat16 changes, of the intact network and of all ablations. */
function flipsText(float32: Sweep, bfloat16: Sweep): string {
  const { baseline, each } = flipsBetween(float32, bfloat16);
  const images = float32.labels.length;
  const all = each.reduce((sum, count) => sum + count, 0);
  const share = (count: number, of: number) =>
    `${grouped(count)} of ${grouped(of)} (${((100 * count) / of).toFixed(2)} %)`;
  const most = Math.max(...each);
  const worst = float32.sets[each.indexOf(most)].name;
  return `bfloat16 flips ${share(baseline, images)} predictions of the intact network and ${share(all, images * each.length)} of all ablations, most in ${worst}: ${grouped(most)}`;
}
