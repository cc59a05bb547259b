// Plain arrays of float32 numbers with their shape: what weight files hold and networks are made of.

/** A plain array of float32 numbers with its shape. */
export interface Values {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** The number of elements of a shape. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, side) => product * side, 1);
}
