// Which layers are ablated together: one at a time, pairs, blocks, stages, growing sets. Pure lists, before anything is computed.
import { type Layer, layersOf } from "./layers";
import { type Random, shuffled } from "./random";
import type { Spec } from "./spec";

/** The layers that one ablation changes. A set of one layer has that layer's name. */
export interface LayerSet {
  readonly name: string;
  readonly layers: readonly Layer[];
}

/** A set called by the names of its layers, joined by " + ". @throws RangeError when it is empty or holds a layer twice */
export function setOf(layers: readonly Layer[], name = layers.map((layer) => layer.name).join(" + ")): LayerSet {
  const names = new Set(layers.map((layer) => layer.name));
  if (layers.length > 0 && names.size === layers.length) return { name, layers };
  throw new RangeError(
    `Cannot make a set of ${layers.length} layers, ${names.size} different ones: expected each once`,
  );
}

/** Every layer by itself: the paper's experiment. */
export function singles(layers: readonly Layer[]): LayerSet[] {
  return layers.map((layer) => setOf([layer]));
}

/** Every two different layers, n (n - 1) / 2 sets, in the order of their first, then their second layer. */
export function pairs(layers: readonly Layer[]): LayerSet[] {
  return layers.flatMap((first, index) => layers.slice(index + 1).map((second) => setOf([first, second])));
}

/** Every block with all its layers, called like "stage1.block2"; the stem is no block. */
export function blockSets(spec: Spec): LayerSet[] {
  return grouped(layersOf(spec), ({ stage, block }) => `stage${stage}.block${block}`);
}

/** Every stage with all its layers, called like "stage1"; the stem is no stage. */
export function stageSets(spec: Spec): LayerSet[] {
  return grouped(layersOf(spec), ({ stage }) => `stage${stage}`);
}

function grouped(layers: readonly Layer[], nameOf: (layer: Layer) => string): LayerSet[] {
  const inStages = layers.filter(({ stage }) => stage > 0);
  const names = [...new Set(inStages.map(nameOf))];
  return names.map((name) =>
    setOf(
      inStages.filter((layer) => nameOf(layer) === name),
      name,
    ),
  );
}

/** The first layer of an order, its first two, ... up to all of them. */
export function cumulative(order: readonly Layer[]): LayerSet[] {
  return order.map((_, index) => setOf(order.slice(0, index + 1)));
}

/** The layers in a random order. */
export function randomOrder(layers: readonly Layer[], random: Random): Layer[] {
  return Array.from(shuffled(layers.length, random), (index) => layers[index]);
}
