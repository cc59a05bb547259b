// Random orders in which layers are given up.
import type { Layer } from "../networks/layers";
import { randomStream } from "../statistics/random";
import { type Random, shuffled } from "../statistics/shuffle";

/** The layers in a random order. */
export function randomOrder(layers: readonly Layer[], random: Random): Layer[] {
  return Array.from(shuffled(layers.length, random), (index) => layers[index]);
}

/**
 * The beginnings of random orders. Each order has its own random stream, so asking for more leaves the first ones as they are.
 * @param options `count`: how many orders; `length`: layers of each; `seed`: where random numbers start
 */
export function randomOrders(
  layers: readonly Layer[],
  { count, length = layers.length, seed = 1 }: { count: number; length?: number; seed?: number },
): Layer[][] {
  return Array.from({ length: count }, (_, index) =>
    randomOrder(layers, randomStream(seed, `random order ${index}`)).slice(0, length),
  );
}
