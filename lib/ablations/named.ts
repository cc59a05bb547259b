// Operators and layers by name, as a command line or a CONFIG writes them: "zeroTap:1,1" on "stem.conv,stage2.*".
import { type Operator, zero } from "./ablate";
import { branchEnds, type Layer, layersOf } from "../networks/layers";
import * as operators from "./operators";
import type { Spec } from "../networks/spec";
import { largestOf } from "../statistics/extremes";
import { namesLike } from "../text/names";

/** An operator that has a name. */
export interface NamedOperator {
  readonly operator: Operator;
  /** The layers that it can be applied to, in forward order. */
  layersOf(spec: Spec): readonly Layer[];
}

interface OperatorEntry {
  /** One sentence, shown on the command line. */
  readonly meaning: string;
  /** What the numbers after the name are called; none where there are none. */
  readonly values?: readonly string[];
  readonly make: (...values: number[]) => Operator;
  readonly layersOf?: (spec: Spec) => readonly Layer[];
}

const ENTRIES: Readonly<Record<string, OperatorEntry>> = {
  zero: { meaning: "every weight zero; the batch norm's constant stays (the paper)", make: () => zero },
  removeConstant: { meaning: "zero, and the batch norm's constant dropped too", make: () => operators.removeConstant },
  zeroBranch: {
    meaning: "the whole residual branch gives nothing; one ablation per block",
    make: () => operators.zeroBranch,
    layersOf: branchEnds,
  },
  mean: { meaning: "its output is its mean over training images", make: () => operators.mean },
  resample: { meaning: "its output is that of another, random training image", make: () => operators.resample },
  shortcutZero: {
    meaning: "a block's shortcut gives nothing, its branch alone is left; one ablation per block",
    make: () => operators.shortcutZero,
    layersOf: branchEnds,
  },
  noise: {
    meaning: "normal noise of SHARE times the kernel's standard deviation added",
    values: ["SHARE"],
    make: operators.noise,
  },
  reinit: { meaning: "the kernel as it was before this run's first epoch", make: () => operators.reinit },
  rerandomize: { meaning: "a fresh draw of the initialization", make: () => operators.rerandomize },
  scale: { meaning: "every weight times FACTOR", values: ["FACTOR"], make: operators.scale },
  signs: { meaning: "every weight's sign times the mean size", make: () => operators.signs },
  zeroFilters: {
    meaning: "a SHARE of the filters zero, smallest L1 norm first",
    values: ["SHARE"],
    make: operators.zeroFilters,
  },
  zeroFilter: { meaning: "one filter zero, counted from 0", values: ["FILTER"], make: operators.zeroFilter },
  zeroInput: { meaning: "one input channel zero, counted from 0", values: ["CHANNEL"], make: operators.zeroInput },
  zeroTap: {
    meaning: "one spatial tap zero, counted from 0; 1,1 is the centre of a 3x3 kernel",
    values: ["ROW", "COLUMN"],
    make: operators.zeroTap,
  },
};

/** Every operator that has a name, in the form to write it, with a sentence: one per line. */
export function operatorList(): string {
  const forms = Object.entries(ENTRIES).map(([name, { values, meaning }]) => [formOf(name, values), meaning]);
  const width = largestOf(forms.map(([form]) => form.length));
  return forms.map(([form, meaning]) => `  ${form.padEnd(width)}  ${meaning}`).join("\n");
}

/**
 * The operator that a text like "zero", "noise:0.5" or "zeroTap:1,1" names; it is called so in results.
 * @throws RangeError that lists the operators when there is none of that name, or its numbers do not fit
 */
export function operatorNamed(text: string): NamedOperator {
  const [name, ...rest] = text.split(":");
  if (!Object.hasOwn(ENTRIES, name)) {
    throw new RangeError(`Cannot find the operator "${name}". Known operators:\n${operatorList()}`);
  }
  const entry = ENTRIES[name];
  const words = rest.length ? rest.join(":").split(",") : [];
  const numbers = words.map((word) => (word.trim() ? Number(word) : NaN));
  if (numbers.length !== (entry.values ?? []).length || numbers.some(Number.isNaN)) {
    throw new RangeError(`Cannot read the operator "${text}": expected ${formOf(name, entry.values)}`);
  }
  return { operator: entry.make(...numbers), layersOf: entry.layersOf ?? layersOf };
}

function formOf(name: string, values: readonly string[] = []): string {
  return values.length ? `${name}:${values.join(",")}` : name;
}

/**
 * The layers whose names fit one of the comma-separated words, in their own order; in a word, * stands for any characters.
 * @throws RangeError that lists the layers when a word fits none
 */
export function layersNamed(layers: readonly Layer[], text: string): Layer[] {
  const names = namesLike(
    layers.map(({ name }) => name),
    text,
    "a layer",
  ); // each layer has a name of its own
  return layers.filter(({ name }) => names.includes(name));
}
