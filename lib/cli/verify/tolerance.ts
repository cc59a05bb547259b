// How far a number may lie from what it was, by what it counts: nothing on the same machine, a little between machines.

/** How a number is held against what it was. */
export interface Allowed {
  /** The largest distance. */
  readonly most: number;
  /** The same in words. */
  readonly text: string;
}

/** What tells how far a number may be off. */
export interface Quantity {
  /** The words around it: a column's name, or what follows it in a text. */
  readonly about: string;
  /** Images that shares are of. */
  readonly images: number;
}

/** Predictions of this many images may differ between machines, which add in another order (environment.md). */
export const IMAGES_OFF = 3;

/** What is smaller is a rounding error itself: how large the next machine's are is no matter. */
const ROUNDING = 1e-4;

/** Kinds of quantities: how they are recognised, and how far off one may be, in the unit of the number. */
const KINDS: readonly (readonly [about: RegExp, most: (value: number, images: number) => number])[] = [
  [/(^|\s)p(\s|$)/, (value) => Math.max(0.02, value / 4)], // of a test, moved by a few images
  [/loss|nats/, () => 0.01],
  [/%|\bpp\b/, (_, images) => (100 * IMAGES_OFF) / images],
  [/\b(lost|gained|flips|right|wrong|seen|stopped at|cover|overlap|not significant)\b/, () => IMAGES_OFF],
];

/** The distance that is allowed to a number as it was written. */
export function allowed(written: string, { about, images }: Quantity): Allowed {
  const value = Math.abs(valueOf(written));
  const lastDigit = /\./.test(written) ? 10 ** -written.split(".")[1].replace(/e.*/, "").length : 0;
  const kind = KINDS.find(([pattern]) => pattern.test(about));
  const most = kind ? kind[1](value, images) : lastDigit ? (value < ROUNDING ? ROUNDING : value / 100) : 0;
  const whole = most === 0 ? 0 : most + lastDigit; // both may have been rounded
  return { most: whole, text: whole === 0 ? "exact" : `± ${Number(whole.toPrecision(2))}` };
}

/** A number as pages have it, with real minus signs and thousands set apart. */
export const valueOf = (written: string): number => Number(written.replace("−", "-").replaceAll(",", ""));
