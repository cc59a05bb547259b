// What a residual block adds to its shortcut when one of its kernels is zero: does it still depend on the image (claim C5)?
import { ablate, zero } from "../ablations/ablate";
import { activationName, notingWords } from "../ablations/activations";
import { batchOf } from "../data/batches";
import { checkFit, type Dataset } from "../data/dataset";
import { startEngine, type Tensor, tf } from "../engine/backend";
import { eagerWeights, eagerWords } from "../engine/eager";
import { imageTensor } from "../engine/predictor";
import { turn } from "../engine/turn";
import { forward } from "../networks/forward";
import { blocksOf, type Layer } from "../networks/layers";
import type { Network, Parameters } from "../networks/network";

/** The output of one block's branch, in the largest differences between two of its values in the same channel. */
export interface BranchVariation {
  readonly block: string; // "stage1.block2"
  readonly zeroed: string; // the layer whose kernel is zero
  readonly overImages: number; // at the same pixel
  readonly intactOverImages: number; // the same in the intact network, to compare with
  readonly overInnerPixels: number; // of one image, the outermost pixels left out
  readonly overPixels: number;
}

/**
 * Every block with a shortcut, each of its kernels zeroed in turn.
 * @param dataset a few images: the branch is computed for all of them at once
 * @throws RangeError when the dataset has fewer than two images, or does not fit the network
 */
export async function branchVariations(network: Network, dataset: Dataset): Promise<BranchVariation[]> {
  checkFit(network, dataset);
  if (dataset.count < 2)
    throw new RangeError(`Cannot compare images: expected at least two but found ${dataset.count}`);
  await startEngine();
  const blocks = blocksOf(network.spec).filter(({ shortcut }) => shortcut !== "none");
  const found: BranchVariation[] = [];
  for (const { branch } of blocks) {
    const end = branch[branch.length - 1];
    const intact = variationOf(network, network.parameters, { end, dataset });
    for (const { name } of branch) {
      const own = variationOf(network, ablate(network, name, zero).parameters, { end, dataset });
      found.push({
        block: end.name.replace(/\.[^.]+$/, ""),
        zeroed: name,
        intactOverImages: intact.overImages,
        ...own,
      });
      await turn();
    }
  }
  return found;
}

interface Branch {
  readonly end: Layer;
  readonly dataset: Dataset;
}

type Variation = Pick<BranchVariation, "overImages" | "overInnerPixels" | "overPixels">;

function variationOf(network: Network, parameters: Parameters, branch: Branch): Variation {
  const weights = eagerWeights(parameters);
  try {
    return tf.tidy(() => {
      const output = branchOutput(network, weights, branch);
      const [, height, width] = output.shape;
      const inner = output.slice([0, 1, 1, 0], [-1, height - 2, width - 2, -1]);
      return {
        overImages: range(output, [0]),
        overInnerPixels: range(inner, [1, 2]),
        overPixels: range(output, [1, 2]),
      };
    });
  } finally {
    weights.forEach((tensor) => tensor.dispose());
  }
}

/** [images, height, width, channels] */
function branchOutput(network: Network, weights: ReadonlyMap<string, Tensor>, { end, dataset }: Branch): tf.Tensor4D {
  let output: Tensor | undefined;
  const words = eagerWords((name) => weights.get(name)!, network.normalization);
  const noting = notingWords(words, (name, x) => {
    if (name === activationName(end, "output")) output = x;
  });
  forward(network.spec, noting, imageTensor(batchOf(dataset, 0, dataset.count).images, dataset.side));
  return output as tf.Tensor4D;
}

/** The largest distance between two values along some axes. */
const range = (x: Tensor, axes: number[]): number => tf.max(tf.sub(tf.max(x, axes), tf.min(x, axes))).dataSync()[0];
