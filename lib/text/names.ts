// Some names out of many, as one writes them on a command line: "stem.conv,stage2.*".

/**
 * The names that fit one of the comma-separated words, in their own order; in a word, * stands for any characters.
 * @param kind what they name, as in "a layer"
 * @throws RangeError that lists the names when a word fits none
 */
export function namesLike(names: readonly string[], text: string, kind: string): string[] {
  const patterns = text.split(",").map((word) => ({ word: word.trim(), fits: patternOf(word.trim()) }));
  const odd = patterns.find(({ fits }) => !names.some((name) => fits.test(name)));
  if (odd) throw new RangeError(`Cannot find ${kind} named "${odd.word}": expected some of ${names.join(", ")}`);
  return names.filter((name) => patterns.some(({ fits }) => fits.test(name)));
}

function patternOf(word: string): RegExp {
  const literal = word.split(/\*+/).map((part) => part.replace(/[\\^$.|?+()[\]{}]/g, "\\$&"));
  return new RegExp(`^${literal.join(".*")}$`);
}
