// Layers as a command line names them: "stem.conv,stage2.*".
import type { Layer } from "../network";

/**
 * The layers whose names fit one of the comma-separated words, in their own order; in a word, * stands for any characters.
 * @throws RangeError that lists the layers when a word fits none
 */
export function layersNamed(layers: readonly Layer[], text: string): Layer[] {
  const patterns = text.split(",").map((word) => ({ word: word.trim(), fits: patternOf(word.trim()) }));
  const odd = patterns.find(({ fits }) => !layers.some(({ name }) => fits.test(name)));
  if (odd) {
    const names = layers.map(({ name }) => name).join(", ");
    throw new RangeError(`Cannot find a layer named "${odd.word}": expected some of ${names}`);
  }
  return layers.filter(({ name }) => patterns.some(({ fits }) => fits.test(name)));
}

function patternOf(word: string): RegExp {
  const literal = word.split(/\*+/).map((part) => part.replace(/[\\^$.|?+()[\]{}]/g, "\\$&"));
  return new RegExp(`^${literal.join(".*")}$`);
}
