// The line above a sweep's table.
import { assumedText } from "../checkpoints/assumed";
import type { Sweep } from "../results/matrix";
import { changeText, grouped } from "../text/format";

/**
 * What a sweep is about: the network, what was done to it, on how many images so far, and what was assumed of a network that somebody
 * else trained.
 */
export function captionOf({ network, operator, sets, labels, assumed }: Sweep): string {
  const changed = sets.map(({ layers }) => ({ operator, layers: layers.length }));
  const about = `${network}, ${changeText(changed)}, ${grouped(labels.length)} images`;
  const taken = assumedText(assumed);
  return taken ? `${about}; assumed of it: ${taken}` : about;
}
