// Plain arrays of float32 numbers with their shape: what weight files hold and networks are made of.

/** A plain array of float32 numbers with its shape. */
export interface Values {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** An array in a file: shape and number format are known, its numbers are decoded each time that they are asked for. */
export interface Stored {
  readonly shape: readonly number[];
  /** As safetensors calls it, such as "F32". */
  readonly dtype: string;
  readonly read: () => Values;
}

/** The number of elements of a shape. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, side) => product * side, 1);
}
