// What a zero sweep has to compute, predicted in multiply-adds and measured in milliseconds: per block, and all together.
import { ablate, type Ablation, zero } from "../../lib/ablations/ablate";
import { singles } from "../../lib/ablations/sets";
import { batchOf } from "../../lib/data/batches";
import { loadCifar } from "../../lib/data/cifar";
import { tf } from "../../lib/engine/backend";
import { imageTensor } from "../../lib/engine/predictor";
import { blocksOf, type Layer, layersOf } from "../../lib/networks/layers";
import type { Network } from "../../lib/networks/network";
import { loadNetwork } from "../../lib/runs/run-folder";
import { loadRows, recordSweep, type SweepBatch, type SweepProgram } from "../../lib/sweeps/graph-program";
import { toText } from "../../lib/tables/render";
import { tableOf } from "../../lib/tables/table";
import { alternate, median } from "./alternate";
import { sweepCost } from "./cost";

const [BATCH, CALLS] = [50, 5];
const [INTACT, WHOLE] = ["the intact network", "the whole sweep"];

/** Prints, for the end of every block, what its ablation costs beside the intact network, and what the sweep costs beside a loop. */
export async function benchArithmetic(checkpoint: string, rounds: number): Promise<void> {
  const network = await loadNetwork(checkpoint);
  const ends = blocksOf(network.spec).map(({ branch }) => branch[branch.length - 1]);
  const milliseconds = await measure(network, ends, rounds);
  console.log(`\nArithmetic of the zero sweep of ${checkpoint}, batches of ${BATCH}, medians of ${rounds} rounds`);
  const { pass } = sweepCost(network, []);
  const intact = milliseconds.get(INTACT)!;
  console.log(`  ${INTACT}: ${millions(pass)} million multiply-adds per image, ${intact.toFixed(1)} ms per batch`);
  console.log(toText(tableOf(blockRows(network, ends, milliseconds)), { limit: Infinity }));
  const { sweep, loop, ablations } = sweepCost(network, singles(layersOf(network.spec)));
  const measured = ((1 + ablations.length) * intact) / milliseconds.get(WHOLE)!;
  console.log(
    `  ${WHOLE} against ${1 + ablations.length} full passes of the same frozen graph: ${millions(sweep)} instead of ${millions(loop)} million multiply-adds per image, ` +
      `predicted ${(loop / sweep).toFixed(2)} times as fast, measured ${measured.toFixed(2)} times`,
  );
}

/** Median milliseconds per batch of the intact network, of each layer's ablation with the intact network, and of the whole sweep. */
async function measure(network: Network, layers: readonly Layer[], rounds: number): Promise<Map<string, number>> {
  const zeroed = (some: readonly Layer[]): Ablation[] => some.map(({ name }) => ablate(network, name, zero));
  const compile = (ablations: Ablation[]) => {
    const graph = recordSweep(network, ablations, { precision: "float32", means: new Map() });
    return loadRows(graph, [...graph.logits.keys()]);
  };
  const programs = new Map<string, SweepProgram>([[INTACT, await compile([])]]);
  for (const layer of layers) programs.set(layer.name, await compile(zeroed([layer])));
  programs.set(WHOLE, await compile(zeroed(layersOf(network.spec))));
  const batch = await testBatch();
  for (const program of programs.values()) program.run(batch); // TensorFlow prepares a graph in its first call
  const contestants = Object.fromEntries(
    [...programs].map(([name, program]) => [name, () => timeOf(() => program.run(batch))]),
  );
  const results = await alternate(contestants, rounds);
  programs.forEach((program) => program.dispose());
  tf.dispose({ ...batch });
  return new Map([...results].map(([name, figures]) => [name, median(figures)]));
}

async function testBatch(): Promise<SweepBatch> {
  const { images, labels } = batchOf(await loadCifar("cifar10", "test"), 0, BATCH);
  const tensor = imageTensor(images);
  return { images: tensor, labels: tf.tensor1d(labels, "int32"), others: tensor };
}

/** Milliseconds of one of several calls. */
function timeOf(body: () => void): number {
  const began = performance.now();
  for (let call = 0; call < CALLS; call++) body();
  return (performance.now() - began) / CALLS;
}

/** One row per layer: predicted at the rate at which the intact network computes, measured as the difference to it. */
function blockRows(network: Network, layers: readonly Layer[], milliseconds: ReadonlyMap<string, number>) {
  const { pass, ablations } = sweepCost(network, singles(layers));
  const intact = milliseconds.get(INTACT)!;
  return layers.map(({ name }, index) => {
    const predicted = (intact * ablations[index]) / pass;
    const measured = milliseconds.get(name)! - intact;
    return {
      ablation: name,
      "million multiply-adds": millions(ablations[index]),
      "share of a pass": (ablations[index] / pass).toFixed(2),
      "predicted ms": predicted.toFixed(1),
      "measured ms": measured.toFixed(1),
      "measured / predicted": predicted > 0 ? (measured / predicted).toFixed(2) : "",
    };
  });
}

const millions = (count: number): string => (count / 1e6).toFixed(1);
