// How the pixels of an imported network were normalized: as given, as the file states, or as whoever named its tensors did.
import type { Stored } from "../files/values";
import type { Normalization } from "../networks/network";
import { parseNormalization } from "../networks/parse";
import { elementsOf, shown } from "../files/dtypes";
import type { Spec } from "../networks/spec";
import { type Author, authorOf } from "./torch-names";

/** ImageNet's pixel statistics, with which torchvision's networks and akamaster's for CIFAR were trained. */
const IMAGENET_NORMALIZATION: Normalization = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

/** What kuangliu's and chenyaofo's networks of ten classes were trained with. Source: main.py in kuangliu/pytorch-cifar. */
const CIFAR10_USUAL: Normalization = { mean: [0.4914, 0.4822, 0.4465], std: [0.2023, 0.1994, 0.201] };

/** Source, also for ten classes: the logs of his trainings, logs/cifar10 and logs/cifar100 in chenyaofo/pytorch-cifar-models. */
const CHENYAOFO_CIFAR100: Normalization = { mean: [0.507, 0.4865, 0.4409], std: [0.2673, 0.2564, 0.2761] };

/** Of both data sets. Source: train.py in xternalz/WideResNet-pytorch. */
const XTERNALZ: Normalization = {
  mean: [125.3, 123, 113.9].map((value) => value / 255),
  std: [63, 62.1, 66.7].map((value) => value / 255),
};

/** The constants of a layer before the network, as MadryLab's robustness, nn.Sequential or a wrapper with buffers call them. */
const CONSTANT = /^(?:module\.)?((?:normaliz(?:er|e|ation)|norm_layer|0)\.)?(?:new_)?(mean|std)$/;

/** Of MadryLab's wrapper: the same network, and the same constants, a second time. */
const SECOND_COPY = /^(?:module\.)?attacker\./;

/**
 * The tensors of a network that normalizes the pixels itself: its constants, and the tensors of what comes behind.
 * Without such constants, the tensors are as they were.
 * @throws Error where the constants are not those of three channels between 0 and 1
 */
export function takeNormalization(found: ReadonlyMap<string, Stored>): {
  readonly tensors: ReadonlyMap<string, Stored>;
  readonly inside?: Normalization;
} {
  const constants = new Map<string, Stored>();
  for (const [name, stored] of found) {
    const which = CONSTANT.exec(name)?.[2];
    if (which) constants.set(which, stored);
  }
  if (constants.size < 2) return { tensors: found };
  const rest = [...found].filter(([name]) => !CONSTANT.test(name) && !SECOND_COPY.test(name));
  const tensors = new Map(rest.map(([name, stored]) => [name.replace(/^((?:module\.)?)1\./, "$1"), stored]));
  const [mean, std] = ["mean", "std"].map((which) => channelsOf(which, constants.get(which)!));
  return { tensors, inside: parseNormalization({ mean, std }) };
}

function channelsOf(which: string, stored: Stored): number[] {
  const values = elementsOf(stored.shape) === 3 ? [...stored.read().data] : [];
  if (values.length === 3 && values.every((value) => value >= 0 && value <= 1)) return values.map(shortest);
  throw new Error(
    `Cannot import the checkpoint: the network normalizes the pixels itself, and its ${which} ${shown(stored.shape)} holds ` +
      `${values.join(", ") || "other than three numbers"}, expected three numbers from 0 to 1`,
  );
}

/** The shortest decimal number with this float32: 0.485 and not 0.48500001430511475. */
function shortest(value: number): number {
  for (let digits = 1; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return short;
  }
  return value;
}

/** A normalization, and who decided it: the caller, the file itself, or the author whose names the tensors have. */
export interface Chosen {
  readonly normalization: Normalization;
  readonly by: "options" | "file" | Author;
}

/** @throws Error where nothing decides: no normalization is given or stated, and the names are nobody's */
export function chooseNormalization(
  names: readonly string[],
  { family, classes }: Spec,
  { given, stated }: { given?: Normalization; stated?: Normalization },
): Chosen {
  if (given) return { normalization: parseNormalization(given), by: "options" };
  if (stated) return { normalization: stated, by: "file" };
  const author = family === "torchvision-resnet" ? "torchvision" : authorOf(names);
  const usual = author && usualNormalization(author, classes);
  if (author && usual) return { normalization: usual, by: author };
  throw new Error(
    "Cannot import the checkpoint: expected the names of akamaster's, chenyaofo's, kuangliu's, pytorchcv's or xternalz's networks, from which the " +
      `normalization of the pixels would follow, but found a mixture or another number of classes (${classes}); ` +
      "give the normalization",
  );
}

function usualNormalization(author: Author, classes: number): Normalization | undefined {
  if (author === "akamaster" || author === "torchvision") return IMAGENET_NORMALIZATION;
  if (author === "xternalz") return classes === 10 || classes === 100 ? XTERNALZ : undefined;
  // Source of pytorchcv's, the same for CIFAR-100: pytorch/datasets/cifar10_cls_dataset.py in osmr/imgclsmob.
  if (classes === 10 || (author === "pytorchcv" && classes === 100)) return CIFAR10_USUAL;
  return author === "chenyaofo" && classes === 100 ? CHENYAOFO_CIFAR100 : undefined;
}
