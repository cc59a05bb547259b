// Whether an intact network is right often enough for a layer to cost anything.
import { grouped, percent } from "./format";
import { type Row, wilson } from "./rows";

/**
 * Refuses a row that would be called trivial although the intact network cannot be told from guessing: nothing is lost with a layer
 * where there is nothing to lose. Such a network is no finding but a fault: wrong labels, classes or normalization.
 * It is asked only where a layer is shown to be trivial, which takes images enough to tell a network from guessing.
 * @throws RangeError with the counts, when the lower end of the intact accuracy's Wilson interval (95 %) is not above chance
 */
export function checkAboveChance({ layer, images, baseline, chance }: Row): void {
  const right = Math.round(baseline * images);
  if (wilson(right, images)[0] > chance) return;
  throw new RangeError(
    `Cannot call "${layer}" trivial: the intact network has ${grouped(right)} of ${grouped(images)} images right, which cannot be told from guessing (${percent(chance)} %); do its classes and its normalization fit the data?`,
  );
}
