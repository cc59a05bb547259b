// The options of npm run sweep.
import { operatorList, operatorNamed } from "../../ablations/named";
import { setKindList, setKindNamed } from "../../ablations/named-sets";
import { CHECKPOINT_OPTIONS } from "../checkpoints";
import type { Shard } from "../../sweeps/shard";
import { asked, defineCommand, type GivenTo, UsageError, numberBelow, wholeNumber } from "../command";
import { TEST_OPTIONS } from "../datasets";
import { readPrecision } from "../precision";

/** What the command gets. */
export type SweepGiven = GivenTo<typeof SWEEP>;

/** Reads "3/8". */
function readShard(_: string, text: string): Shard {
  const [part, parts] = (/^(\d{1,6})\/(\d{1,6})$/.exec(text) ?? []).slice(1).map(Number);
  if (part >= 1 && part <= parts) return { part, parts };
  throw new UsageError(`Cannot read --shard "${text}": expected a part and how many there are, as in 3/8`);
}

export const SWEEP = defineCommand({
  name: "sweep",
  summary: `Changes every convolution of a trained network in turn and tests it on test images, CIFAR-10's unless others are named. Stopped, it goes on where it was.

What can be done to a layer (--operator NAME[:VALUE]):
${operatorList()}

What is changed at once (--set NAME):
${setKindList()}`,
  options: {
    ...CHECKPOINT_OPTIONS,
    operator: {
      value: "NAME",
      help: "what is done to a layer, as listed above",
      preset: "zero",
      read: (_, text) => asked(() => operatorNamed(text)),
    },
    set: {
      value: "NAME",
      help: "what is changed at once, as listed above",
      preset: "single",
      read: (_, text) => asked(() => setKindNamed(text)),
    },
    layers: { value: "NAMES", help: "these layers only, as in stem.conv,stage2.*" },
    most: { value: "N", help: "layers of a greedy or random order", preset: "8", read: wholeNumber() },
    seed: { value: "N", help: "where random numbers start", preset: "1", read: wholeNumber(0) },
    margin: {
      value: "PP",
      help: "largest drop of a trivial layer, in percentage points",
      preset: "0.5",
      read: (option, text) => numberBelow(100)(option, text) / 100,
    },
    shard: {
      value: "3/8",
      help: "only the third of eight parts, for jobs on several computers; when all are there, the whole is read back at once",
      read: readShard,
    },
    stop: { help: "end each ablation as soon as its verdict is certain" },
    exact: { help: "only the verdicts, the same as with all images, from as few as settle them" },
    precision: {
      value: "TYPE",
      help: "of activations: float32, or bfloat16, which is faster",
      preset: "float32",
      read: readPrecision,
    },
    images: { value: "N", help: "test on the first N images only (all)", read: wholeNumber() },
    skip: {
      value: "N",
      help: "leave out as many before those, as 10000 for each milder severity of CIFAR-10-C",
      preset: "0",
      read: wholeNumber(0),
    },
    training: {
      value: "N",
      help: "training images for greedy, mean and resample",
      preset: "1000",
      read: wholeNumber(),
    },
    ...TEST_OPTIONS,
    all: {
      help: "the whole sweep of every run in data/runs that is not kept there yet, in float32 (an hour or more, if all are)",
    },
    runs: { value: "NAMES", help: "with --all: these runs only, as in plain20-*,resnet20-seed1" },
    results: {
      value: "DIR",
      help: "folder that keeps what was computed (data/results, where it can be written)",
      isPath: true,
    },
    resume: { help: "go on with what is kept there, or fail where there is nothing" },
    fresh: { help: "forget what is kept there of this sweep" },
    json: {
      value: "FILE",
      help: "write the counts and verdict of every layer to this file, or (-) to standard output",
      isPath: true,
    },
    csv: { value: "FILE", help: "write the table, all digits, to this file, or (-) to standard output", isPath: true },
  },
});
