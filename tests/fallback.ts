// Run by a test without the binding: evaluates, sweeps and tries to train, and prints what came of it as JSON.
import { startEngine } from "../lib/engine/backend";
import { evaluate } from "../lib/training/evaluate";
import { FAST } from "../lib/training/recipe";
import { sweep } from "../lib/sweeps/sweep";
import { train } from "../lib/training/train";
import { smallDataset, smallNetwork } from "./small";

async function main(): Promise<void> {
  const [network, dataset] = [smallNetwork(), smallDataset(12)];
  const { backend } = await startEngine();
  const { predictions } = await evaluate(network, dataset);
  const swept = await sweep(network, dataset);
  const refusal = await train(network.spec, dataset, { ...FAST, batch: 4 }).then(
    () => "trained",
    (error: Error) => error.message,
  );
  const rows = swept.predictions.map((row) => [...row]);
  console.log(JSON.stringify({ backend, predictions: [...predictions], rows, refusal }));
}

void main();
