// Operators on activations: what a layer passes on is changed while the network runs, in whatever interpreter runs it.
import { createHash } from "node:crypto";
import type { Values } from "../files/values";
import type { Vocabulary } from "../networks/forward";
import type { Layer } from "../networks/layers";
import { typeText } from "../text/format";
import { activationValues } from "./layer-values";

/** What can be computed with activations, in a graph as in a cell. */
export interface Arithmetic<T> {
  add(x: T, y: T): T;
  /** Every number times the factor. */
  scale(x: T, factor: number): T;
  /** Given numbers of shape [1, height, width, channels], or with 1 in place of any of them. */
  constant(values: Values): T;
}

/** What an operator may look at besides the activation itself. */
export interface ActivationSite<T> extends Arithmetic<T> {
  /** The activation's mean over the reference images: [1, height, width, channels]. */
  mean(): T;
  /** The same activation for another image, drawn from the reference images: [batch, height, width, channels]. */
  other(): T;
}

/**
 * Makes a new activation [batch, height, width, channels] out of the present one: `(x, { mean }) => mean()`.
 * It is called while the network is prepared, once, and has to be a pure function of its arguments.
 */
export type ActivationChange = <T>(x: T, site: ActivationSite<T>, layer: Layer) => T;

/** Where an activation is changed: a layer's output, after its batch norm where that follows it, or what is added to the branch that it ends. */
export type ActivationPlace = "output" | "shortcut";

/** An operator on what a layer passes on; its kernel stays. */
export interface ActivationOperator {
  /** How it is called in results; empty where it has no name. */
  readonly name: string;
  readonly place: ActivationPlace;
  readonly change: ActivationChange;
}

/** An operator on layers' outputs, after the batch norm that follows it and before anything is added or rectified; by default it has its function's name. */
export function onOutput(change: ActivationChange, name = change.name): ActivationOperator {
  return { name, place: "output", change };
}

/** An operator on the shortcuts of blocks, which are called by the last convolution of their branch. */
export function onShortcut(change: ActivationChange, name = change.name): ActivationOperator {
  return { name, place: "shortcut", change };
}

/** Changed activations by `activationName`, with the layer that each belongs to. */
export type Activations = ReadonlyMap<string, { readonly layer: Layer; readonly change: ActivationChange }>;

/** The name of a place in a network, like "stage1.block1.conv2.output". */
export function activationName({ name }: Layer, place: ActivationPlace): string {
  return `${name}.${place}`;
}

/** The words of an interpreter with the given activations changed. */
export function changedWords<T>(
  words: Vocabulary<T>,
  activations: Activations,
  siteOf: (name: string) => ActivationSite<T>,
): Vocabulary<T> {
  return replacedWords(words, (x, layer, place) => {
    const name = activationName(layer, place);
    const changed = activations.get(name);
    return changed ? changed.change(x, checkedSite(siteOf(name), layer), layer) : x;
  });
}

/** The same for an operator, whose numbers are checked, and whose constants have the activation's whole shape. */
function checkedSite<T>(site: ActivationSite<T>, layer: Layer): ActivationSite<T> {
  return {
    ...site,
    scale(x, factor) {
      if (Number.isFinite(factor)) return site.scale(x, factor);
      throw new RangeError(`Cannot change ${layer.name}: the operator scales by ${factor}, expected a finite number`);
    },
    constant: (values) => site.constant(activationValues(values, layer)),
  };
}

/** The words of an interpreter that note every activation as they pass it on. */
export function notingWords<T>(words: Vocabulary<T>, note: (name: string, x: T) => void): Vocabulary<T> {
  return replacedWords(words, (x, layer, place) => (note(activationName(layer, place), x), x));
}

function replacedWords<T>(
  words: Vocabulary<T>,
  replace: (x: T, layer: Layer, place: ActivationPlace) => T,
): Vocabulary<T> {
  return {
    ...words,
    conv: (x, layer) => (layer.norm ? replace(words.conv(x, layer), layer, "output") : words.conv(x, layer)),
    batchNorm: (x, layer) =>
      layer.norm ? words.batchNorm(x, layer) : replace(words.batchNorm(x, layer), layer, "output"),
    add: (branch, shortcut, layer) => words.add(branch, replace(shortcut, layer, "shortcut"), layer),
  };
}

const FORMULA: ActivationSite<string> = {
  add: (x, y) => `add(${x}, ${y})`,
  scale: (x, factor) => `scale(${x}, ${factor})`,
  constant: ({ shape, data }) => `constant([${shape}], ${createHash("sha256").update(data).digest("hex")})`,
  mean: () => "mean",
  other: () => "other",
};

/**
 * What an operator computes, written out, like "add(x, scale(mean, 0.5))": it says all, since nothing else can be computed.
 * @throws TypeError when it computes nothing, such as where its function lacks a return
 * @throws RangeError when its numbers are not finite or have a shape that does not fit
 */
export function formulaOf(change: ActivationChange, layer: Layer): string {
  const formula: unknown = change("x", checkedSite(FORMULA, layer), layer);
  if (typeof formula === "string") return formula;
  throw new TypeError(
    `Cannot change ${layer.name}: the operator returned ${typeText(formula)}, expected what add, scale, constant, mean or other gave`,
  );
}

/** Whether the formula of some activation holds the mean or another image's activation. */
export function needsReference(activations: Activations, what: "mean" | "other"): boolean {
  const word = new RegExp(`\\b${what}\\b`);
  return [...activations.values()].some(({ layer, change }) => word.test(formulaOf(change, layer)));
}
