// Many ablations one by one, operation by operation: the fallback where there is no native engine.
import { type Ablation, intact } from "../ablations/ablate";
import { type ActivationSite, type Arithmetic, changedWords, notingWords } from "../ablations/activations";
import { type Tensor, tensorOf, tf } from "../engine/backend";
import { eagerWeights, eagerWords } from "../engine/eager";
import { crossEntropy, predictedClasses } from "../engine/predictor";
import { forward, type Vocabulary } from "../networks/forward";
import type { Network } from "../networks/network";
import type { SweepBatch, SweepProgram } from "./graph-program";
import type { Means } from "./reference";

const ARITHMETIC: Arithmetic<Tensor> = {
  add: (x, y) => tf.add(x, y),
  scale: (x, factor) => tf.mul(x, factor),
  constant: ({ data, shape }) => tensorOf(data, shape),
};

/** Puts a network and its ablations on the engine. */
export function openEagerSweep(network: Network, ablations: readonly Ablation[], means: Means): SweepProgram {
  const all = [intact(network), ...ablations];
  const weights = all.map(({ parameters }) => eagerWeights(parameters));
  const words = weights.map((held) => eagerWords((name) => held.get(name)!, network.normalization));
  const { classes } = network.spec;
  return {
    run(batch) {
      const labels = batch.labels.dataSync();
      const logits = all.map(({ activations }, index) => {
        const siteOf = eagerSites(batch, network, words[0], means);
        const changed = changedWords(words[index], activations, siteOf);
        return tf.tidy(() => forward(network.spec, changed, batch.images).dataSync() as Float32Array);
      });
      const lossesOf = (rows: Float32Array) =>
        Float32Array.from(labels, (label, image) =>
          crossEntropy(rows.subarray(image * classes, (image + 1) * classes), label),
        );
      return { predictions: logits.map((rows) => predictedClasses(rows, classes)), losses: logits.map(lossesOf) };
    },
    dispose: () => weights.forEach((held) => held.forEach((tensor) => tensor.dispose())),
  };
}

/** What operators on activations may look at; called within `tf.tidy`. */
function eagerSites(
  { others }: SweepBatch,
  { spec }: Network,
  intact: Vocabulary<Tensor>,
  means: Means,
): (name: string) => ActivationSite<Tensor> {
  return (name) => ({
    ...ARITHMETIC,
    mean: () => ARITHMETIC.constant(means.get(name)!),
    other() {
      let found: Tensor | undefined;
      const words = notingWords(intact, (noted, x) => {
        if (noted === name) found = x;
      });
      forward(spec, words, others);
      return found!;
    },
  });
}
