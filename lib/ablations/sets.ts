// Which layers are ablated together: one at a time, pairs, blocks, stages, growing sets. Pure lists, before anything is computed.
import { type Layer, layersOf } from "../networks/layers";
import { type Spec, specName } from "../networks/spec";

/** The layers that one ablation changes. A set of one layer has that layer's name. */
export interface LayerSet {
  readonly name: string;
  readonly layers: readonly Layer[];
}

/** A set called by the names of its layers, joined by " + ". @throws RangeError when it is empty or holds a layer twice */
export function setOf(layers: readonly Layer[], name = layers.map((layer) => layer.name).join(" + ")): LayerSet {
  if (layers.length === 0) {
    throw new RangeError(`Cannot make the set "${name}": expected at least one layer but found none`);
  }
  const repeated = repeatedIn(layers.map((layer) => layer.name));
  if (repeated === undefined) return { name, layers };
  throw new RangeError(`Cannot make the set "${name}": expected each layer once but found ${repeated} twice`);
}

/** The first of some names that was there before. */
export function repeatedIn(names: readonly string[]): string | undefined {
  const seen = new Set<string>();
  return names.find((name) => seen.has(name) || !seen.add(name));
}

/**
 * Checks that sets can be changed in a network.
 * @throws RangeError that says what is wrong when there is no set, one is empty or holds a layer twice, two have the same name, or a
 * layer is none of this network's
 */
export function checkSets(spec: Spec, sets: readonly LayerSet[]): void {
  const fail = (problem: string) => {
    throw new RangeError(`Cannot ablate ${specName(spec)}: expected ${problem}`);
  };
  if (sets.length === 0) fail("at least one layer or set of layers but found none");
  const repeated = repeatedIn(sets.map(({ name }) => name));
  if (repeated !== undefined) fail(`every layer or set of layers once but found "${repeated}" twice`);
  const known = new Map(layersOf(spec).map((layer) => [layer.name, layer]));
  for (const layer of sets.flatMap(({ name, layers }) => setOf(layers, name).layers)) {
    const own = known.get(layer.name);
    if (!own) fail(`some of its layers (${[...known.keys()].join(", ")}) but found "${layer.name}"`);
    else if (describe(own) !== describe(layer))
      fail(`its own ${layer.name} (${describe(own)}) but found that of another network (${describe(layer)})`);
  }
}

const describe = ({ size, inputs, outputs, stride, side }: Layer): string =>
  `${size} x ${size}, ${inputs} to ${outputs} channels, stride ${stride}, on ${side} x ${side} pixels`;

/** Every layer by itself: the paper's experiment. */
export function singles(layers: readonly Layer[]): LayerSet[] {
  return layers.map((layer) => setOf([layer]));
}

/**
 * Every two different layers, n (n - 1) / 2 sets, in the order of their first, then their second layer.
 * @throws RangeError when there are fewer than two layers, or one is there twice
 */
export function pairs(layers: readonly Layer[]): LayerSet[] {
  if (layers.length < 2) throw new RangeError(`Cannot pair layers: expected at least two but found ${layers.length}`);
  return layers.flatMap((first, index) => layers.slice(index + 1).map((second) => setOf([first, second])));
}

/** Every block with all its layers, called like "stage1.block2"; the stem is no block. */
export function blockSets(spec: Spec): LayerSet[] {
  return setsBy(layersOf(spec), ({ stage, block }) => `stage${stage}.block${block}`);
}

/** Every stage with all its layers, called like "stage1"; the stem is no stage. */
export function stageSets(spec: Spec): LayerSet[] {
  return setsBy(layersOf(spec), ({ stage }) => `stage${stage}`);
}

function setsBy(layers: readonly Layer[], nameOf: (layer: Layer) => string): LayerSet[] {
  const inStages = layers.filter(({ stage }) => stage > 0);
  const names = [...new Set(inStages.map(nameOf))];
  return names.map((name) =>
    setOf(
      inStages.filter((layer) => nameOf(layer) === name),
      name,
    ),
  );
}

/** The first layer of an order, its first two, ... up to all of them. @throws RangeError when there is none, or one is there twice */
export function cumulative(order: readonly Layer[]): LayerSet[] {
  if (order.length === 0) throw new RangeError("Cannot grow sets: expected an order of layers but found none");
  return order.map((_, index) => setOf(order.slice(0, index + 1)));
}

/** The sets through which orders grow, each set of layers once, in whatever order it was reached first. */
export function growthSets(orders: readonly (readonly Layer[])[]): LayerSet[] {
  return [...new Map(orders.flatMap(cumulative).map((set) => [keyOf(set), set])).values()];
}

/** The same for the same layers in any order. */
export const keyOf = ({ layers }: LayerSet): string =>
  layers
    .map(({ name }) => name)
    .sort()
    .join();
