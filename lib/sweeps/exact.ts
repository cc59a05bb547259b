// The verdicts of a full sweep from a part of its images: those that can change a verdict come first.
//
// Nearly all images whose answer an ablation changes are those of which the intact network is least sure. So it sees all images once, and
// the ablations see them in this order: first those that it has wrong, since only they can be gained, then the right ones, since they can
// only be lost, the least sure ones first. `statistics/open-pairs.ts` says why what is settled on the way is what all images say.
import type { Ablation } from "../ablations/ablate";
import { isUnchanged } from "../ablations/changes";
import { take } from "../data/select";
import type { Dataset } from "../data/dataset";
import { emptyLabels, type Labels } from "../data/labels";
import { turn } from "../engine/turn";
import type { Network } from "../networks/network";
import { type ExactVerdicts, exactVerdictOf, type OpenCounts, settledOf } from "../results/exact";
import { openAnswers, type SweepWork } from "./answers";
import { answeredBatches, type AnsweredBatch, prepare, type Prepared, type WorkOptions } from "./prepare";

/** What is done to which layers, and the largest harmless drop. */
export interface ExactOptions extends WorkOptions {
  /** A fraction, fixed before (default 0.005: half a percentage point). */
  readonly margin?: number;
  /** In bfloat16 an answer can depend on the images beside it, so that no order of them would settle what another one says. */
  readonly precision?: "float32";
}

/** What the intact network says about every image. */
interface Intact {
  readonly predictions: Labels;
  readonly losses: Float32Array;
}

/**
 * The verdicts that a full sweep would give, trivial, non-trivial or undecided, and whether harm is shown, from as many images as settle
 * them: layers that cost much are settled within a thousand or two, one whose drop is close to the margin needs all. Of the drop only
 * bounds are known then.
 * @throws what `sweep` throws; RangeError when the margin is not between 0 and 1, or a layer would be called trivial in a network that
 * is right no more often than guessing would be
 */
export async function exactVerdicts(
  network: Network,
  dataset: Dataset,
  options: ExactOptions = {},
): Promise<ExactVerdicts> {
  let result: ExactVerdicts | undefined;
  for await (result of exactSteps(network, dataset, options));
  return result!;
}

/**
 * The same, batch by batch: after each batch what is settled so far. What is settled stays so, whenever it is left.
 * `options.onProgress` counts the images of both passes, that of the intact network and that of the ablations.
 */
export async function* exactSteps(
  network: Network,
  dataset: Dataset,
  options: ExactOptions = {},
): AsyncGenerator<ExactVerdicts, void> {
  const { count } = dataset;
  const prepared = prepare(network, dataset, options);
  const report = (done: number, total = 2 * count) => options.onProgress?.(done, total);
  const intact = await intactAnswers(prepared.work, { ...options, onProgress: (done) => report(done) });
  const places = testOrder(dataset.labels, intact);
  const work = { ...prepared.work, dataset: take(dataset, places), places };
  const baseline = intact.predictions.map((_, index) => intact.predictions[places[index]]);
  const found = openVerdicts({ ...prepared, work }, baseline, options.margin ?? 0.005);
  if (found.running().length === 0) yield found.result();
  for await (const batch of answeredBatches(work, found.running, options)) {
    found.enter(batch);
    const done = found.running().length === 0;
    if (batch.known && !done) continue;
    report(count + batch.done, done ? count + batch.done : undefined);
    yield found.result();
  }
}

/** Of one network alone; larger ones were not faster. */
const INTACT_BATCH = 250;

/** One pass of the intact network over all images. Nothing of it is kept: it takes seconds. */
async function intactAnswers(work: SweepWork, { onProgress, signal }: ExactOptions): Promise<Intact> {
  const { count, classes } = work.dataset;
  const intact = { predictions: emptyLabels(count, classes.length), losses: new Float32Array(count) };
  const source = openAnswers({ ...work, ablations: [] });
  try {
    for (let start = 0; start < count; start += INTACT_BATCH) {
      const end = Math.min(start + INTACT_BATCH, count);
      const { predictions, losses } = await source.run(start, end, [0]);
      intact.predictions.set(predictions[0], start);
      intact.losses.set(losses[0], start);
      onProgress?.(end, count);
      await turn(signal);
    }
  } finally {
    source.dispose();
  }
  return intact;
}

/** The images that the network has wrong, as they stand, then the right ones from the largest cross-entropy to the smallest. */
export function testOrder(labels: Labels, { predictions, losses }: Intact): Uint32Array {
  const images = [...labels.keys()];
  const isRight = (image: number) => predictions[image] === labels[image];
  const wrong = images.filter((image) => !isRight(image));
  const right = images.filter(isRight).sort((a, b) => losses[b] - losses[a] || a - b);
  return Uint32Array.from([...wrong, ...right]);
}

/** What is settled so far. */
interface VerdictsSoFar {
  /** Which ablations run. */
  running(): readonly number[];
  enter(batch: AnsweredBatch): void;
  result(): ExactVerdicts;
}

/** Nothing seen yet; `baseline` is what the intact network says of each image of the work's dataset. */
function openVerdicts({ work, sets, operator }: Prepared, baseline: Labels, margin: number): VerdictsSoFar {
  const { labels, count: images, classes } = work.dataset;
  const right = labels.filter((label, image) => baseline[image] === label).length;
  const counts = work.ablations.map((ablation) => noneSeen(ablation, { images, right }));
  let known = settledOf(counts, { margin });
  return {
    running: () => counts.flatMap((open, index) => (known[index].settled || open.seen === images ? [] : [index])),
    enter(batch) {
      checkSame(baseline, batch);
      batch.rows.forEach((row, at) => {
        if (row > 0) counts[row - 1] = withAnswers(counts[row - 1], { ...batch, at }, { labels, baseline });
      });
      known = settledOf(counts, { margin });
    },
    result() {
      const tested = { operator, right, classes: classes.length };
      const verdicts = sets.map((set, index) => exactVerdictOf(set, { ...counts[index], ...known[index] }, tested));
      const { name, assumed } = work.network;
      return { network: name, operator, margin, images, sets, verdicts, ...(assumed ? { assumed } : {}) };
    },
  };
}

/** An ablation that has seen nothing: nothing is missing of one that is the network itself. */
function noneSeen(ablation: Ablation, { images, right }: { images: number; right: number }): OpenCounts {
  const unchanged = isUnchanged(ablation);
  const missing = unchanged ? [0, 0] : [right, images - right];
  const counts = { images, seen: 0, lost: 0, gained: 0, missingRight: missing[0], missingWrong: missing[1] };
  // Changed activations may come to the same numbers, which all losses together tell.
  return ablation.activations.size > 0 ? counts : { ...counts, unchanged };
}

/** The counts with one more batch, in which the ablation is the network number `at`. */
function withAnswers(
  counts: OpenCounts,
  { start, end, answers, at }: AnsweredBatch & { readonly at: number },
  { labels, baseline }: { readonly labels: Labels; readonly baseline: Labels },
): OpenCounts {
  let { lost, gained, missingRight, missingWrong } = counts;
  answers.predictions[at].forEach((answer, index) => {
    const [label, before] = [labels[start + index], baseline[start + index]];
    if (before === label) missingRight--;
    else missingWrong--;
    if (before === label && answer !== label) lost++;
    if (before !== label && answer === label) gained++;
  });
  const next = { ...counts, seen: counts.seen + end - start, lost, gained, missingRight, missingWrong };
  if (counts.unchanged !== undefined) return next;
  const [intact, own] = [answers.losses[0], answers.losses[at]];
  if (own.some((loss, image) => loss !== intact[image])) return { ...next, unchanged: false };
  return end === counts.images ? { ...next, unchanged: true } : next;
}

/** @throws Error where the intact network answers an image otherwise than in its own pass */
function checkSame(baseline: Labels, { start, answers }: AnsweredBatch): void {
  const odd = answers.predictions[0].findIndex((answer, index) => answer !== baseline[start + index]);
  if (odd < 0) return;
  throw new Error(
    `Cannot settle verdicts: the intact network calls image ${start + odd} class ${baseline[start + odd]} alone and ${answers.predictions[0][odd]} beside its ablations, expected the same`,
  );
}
