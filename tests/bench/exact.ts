// Verdicts at half a percentage point: a full sweep, one that stops what is decided, and exact ones, beside PyTorch's loop over all images.
import { loadCifar } from "../../lib/data/cifar";
import { grouped } from "../../lib/text/format";
import { familySpec } from "../../lib/networks/spec";
import { meanOf } from "../../lib/statistics/summary";
import { loadNetwork } from "../../lib/runs/run-folder";
import { rowsOf } from "../../lib/results/rows";
import { verdictsOf } from "../../lib/results/verdict";
import type { ExactVerdicts } from "../../lib/results/exact";
import type { Sweep } from "../../lib/results/matrix";
import { exactVerdicts } from "../../lib/sweeps/exact";
import { sweep } from "../../lib/sweeps/sweep";
import { alternate, type Contestants, report } from "./alternate";
import { type Peer, peerSweeps } from "./peers";

const MARGIN = 0.005;

/** Measures the three ways in turn, and prints how many images each took and how many verdicts agree with the full sweep's. */
export async function benchExact(
  checkpoint: string,
  { rounds, peer }: { readonly rounds: number; readonly peer?: Peer },
): Promise<void> {
  const network = await loadNetwork(checkpoint);
  const test = await loadCifar("cifar10", "test");
  let [full, stopped, exact]: [Sweep?, Sweep?, ExactVerdicts?] = [];
  const contestants: Record<string, Contestants[string]> = {
    "all images": () => timed(async () => (full = await sweep(network, test))),
    exact: () => timed(async () => (exact = await exactVerdicts(network, test, { margin: MARGIN }))),
    stopping: () => timed(async () => (stopped = await sweep(network, test, { stopWhenDecided: { margin: MARGIN } }))),
  };
  if (peer) {
    const depth = familySpec(network.spec).depth;
    const asked = { checkpoint, depth, cifar: "data/cifar-10", images: test.count };
    const loop = peerSweeps(peer, asked, []).get("PyTorch float32")!;
    contestants.PyTorch = () => loop().sweepSeconds;
  }
  const results = await alternate(contestants, rounds);
  report(`Verdicts of ${checkpoint} at 0.5 pp`, results, { unit: "s", against: () => "all images" });
  const truth = verdictsOf(rowsOf(full!), { margin: MARGIN }).map(({ verdict }) => verdict);
  const say = (name: string, calls: readonly unknown[], seen: readonly number[]) =>
    console.log(
      `  ${name}: ${calls.filter((call, index) => call === truth[index]).length} of ${truth.length} verdicts as with all images, from ${grouped(Math.round(meanOf(seen)))} a layer`,
    );
  const stops = verdictsOf(rowsOf(stopped!), { margin: MARGIN });
  say(
    "exact",
    exact!.verdicts.map(({ verdict }) => verdict),
    exact!.verdicts.map(({ seen }) => seen),
  );
  say(
    "stopping",
    stops.map(({ verdict }) => verdict),
    stops.map(({ images }) => images),
  );
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return (performance.now() - began) / 1000;
}
