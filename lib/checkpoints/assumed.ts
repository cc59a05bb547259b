// What an import takes for granted because a file of tensors does not say it, in words that go where the network goes.
import { wrong } from "../files/json";
import type { Assumed, Normalization } from "../networks/network";
import { type FamilySpec, isBottlenecked, isCifarSpec } from "../networks/spec";
import type { Author } from "./torch-names";

const TOPICS = ["weights", "normalization", "shortcut", "pooling", "padding"] as const;

const USUAL: Readonly<Record<Author, string>> = {
  akamaster: "ImageNet's, as akamaster trained",
  chenyaofo: "as chenyaofo trained",
  kuangliu: "as kuangliu trained",
  pytorchcv: "as pytorchcv's were trained",
  torchvision: "ImageNet's, as torchvision's were trained",
  xternalz: "as xternalz trained",
};

/** How the pixels are taken to be normalized in a network whose tensors have somebody's names. */
export function normalizationText({ mean, std }: Normalization, author: Author): string {
  return `mean ${mean.join(", ")} and deviation ${std.join(", ")} (${USUAL[author]})`;
}

/** What has no parameters, and is therefore taken as the authors of these names have it. */
export function shapeAssumptions(spec: FamilySpec, options: { readonly family?: FamilySpec["family"] }): Assumed {
  const shortcut = shortcutText(spec, options.family !== undefined);
  return { ...(shortcut ? { shortcut } : {}), pooling: poolingText(spec), padding: paddingText(spec) };
}

function shortcutText(spec: FamilySpec, given: boolean): string | undefined {
  if (isBottlenecked(spec)) return "stride in the 3x3 convolution of a bottleneck";
  if (!isCifarSpec(spec)) return undefined;
  return spec.shortcut === "A" && !given && spec.family === "resnet"
    ? "every second pixel, padded with zero channels (A)"
    : undefined;
}

const paddingText = ({ family }: FamilySpec): string =>
  `1 on every side of 3x3 kernels${family === "torchvision-resnet" ? ", 3 of the 7x7 one" : ""}`;

function poolingText({ family }: FamilySpec): string {
  if (family === "vgg") return "2x2 maxima after every stage";
  if (family === "torchvision-resnet")
    return "3x3 maxima around every second pixel after the stem, the mean of all pixels at the end";
  return family === "imagenet-resnet"
    ? "none after the stem, the mean of all pixels at the end"
    : "the mean of all pixels at the end";
}

/** All of it in one line; undefined where nothing was assumed. */
export function assumedText(assumed: Assumed = {}): string | undefined {
  const clauses = TOPICS.flatMap((topic) => (assumed[topic] === undefined ? [] : [`${topic}: ${assumed[topic]}`]));
  return clauses.length ? clauses.join("; ") : undefined;
}

/** Reads assumptions from JSON; undefined where there are none. @throws Error that names the topic that is not as wanted */
export function parseAssumed(value: unknown): Assumed | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== "object" || value === null) wrong("assumed", value, "an object");
  const assumed: Record<string, string> = {};
  for (const [topic, text] of Object.entries(value as object)) {
    if (!(TOPICS as readonly string[]).includes(topic)) wrong("assumed", topic, `some of ${TOPICS.join(", ")}`);
    if (typeof text !== "string" || !/^[\x20-\x7e]{1,300}$/.test(text))
      wrong(`assumed.${topic}`, text, "a line of text");
    assumed[topic] = text;
  }
  return Object.keys(assumed).length ? assumed : undefined;
}
