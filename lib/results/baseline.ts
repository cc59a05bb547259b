// Whether an intact network is right often enough for a layer to cost anything.
import { grouped, percent } from "../text/format";
import type { Row } from "./rows";

type Tried = Pick<Row, "layer" | "images" | "baseline" | "chance">;

/**
 * Refuses a row that would be called trivial although the intact network is right no more often than guessing would be: no layer
 * can cost anything where there is nothing to lose. Such a network is no finding but a fault: wrong labels, classes or normalization.
 * It is asked only where a layer is shown to be trivial, which takes hundreds of images: among fewer a good network may seem bad.
 * @throws RangeError with the counts
 */
export function checkAboveChance({ layer, images, baseline, chance }: Tried): void {
  if (baseline > chance) return;
  const right = grouped(Math.round(baseline * images));
  throw new RangeError(
    `Cannot call "${layer}" trivial: the intact network has ${right} of ${grouped(images)} images right, no more than guessing would have (${percent(chance)} %), so that no layer can cost anything; do its classes and its normalization fit the data?`,
  );
}
