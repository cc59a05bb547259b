// Numbers as weight files store them (little-endian), read into float32.
import type { Values } from "./values";

export interface Dtype {
  readonly name: string;
  readonly bytes: number;
  readonly read: (view: DataView, at: number) => number;
}

const scratch = new DataView(new ArrayBuffer(4));

// IEEE 754 binary16: 1 sign, 5 exponent (bias 15), 10 fraction bits.
function readHalf(view: DataView, at: number): number {
  const bits = view.getUint16(at, true);
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** The bits of the float16 nearest to a number, ties to the even one; what is too large becomes an infinity. */
export function halfBits(value: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const size = Math.abs(value);
  if (Number.isNaN(value)) return 0x7e00;
  if (size >= 65520) return sign | 0x7c00; // halfway between the largest float16 and the next power of two
  const exponent = size < 2 ** -14 ? -14 : Math.floor(Math.log2(size));
  // Counted in units of the last place; a carry into the next exponent comes out right by itself.
  return sign | (roundedToEven(size / 2 ** (exponent - 10)) + 1024 * (exponent + 14));
}

function roundedToEven(value: number): number {
  const below = Math.floor(value);
  if (value - below !== 0.5) return Math.round(value);
  return below % 2 === 0 ? below : below + 1;
}

/** The float16 nearest to a number. */
export function toHalf(value: number): number {
  scratch.setUint16(0, halfBits(value), true);
  return readHalf(scratch, 0);
}

// bfloat16 is the upper half of a float32.
function readBrain(view: DataView, at: number): number {
  scratch.setUint32(0, view.getUint16(at, true) << 16);
  return scratch.getFloat32(0);
}

const DTYPES: readonly Dtype[] = [
  { name: "F32", bytes: 4, read: (view, at) => view.getFloat32(at, true) },
  { name: "F16", bytes: 2, read: readHalf },
  { name: "BF16", bytes: 2, read: readBrain },
  { name: "F64", bytes: 8, read: (view, at) => view.getFloat64(at, true) },
  { name: "I64", bytes: 8, read: (view, at) => Number(view.getBigInt64(at, true)) },
  { name: "I32", bytes: 4, read: (view, at) => view.getInt32(at, true) },
  { name: "I16", bytes: 2, read: (view, at) => view.getInt16(at, true) },
  { name: "I8", bytes: 1, read: (view, at) => view.getInt8(at) },
  { name: "U8", bytes: 1, read: (view, at) => view.getUint8(at) },
  { name: "BOOL", bytes: 1, read: (view, at) => (view.getUint8(at) ? 1 : 0) },
];

/** The number format of this safetensors name ("F32", "BF16", …), or undefined if there is none. */
export function dtypeOf(name: unknown): Dtype | undefined {
  return DTYPES.find((dtype) => dtype.name === name);
}

/** The bytes as a DataView, without a copy. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Reads `count` consecutive numbers from byte `at` on. @throws RangeError past the end of the view */
export function readNumbers(view: DataView, at: number, options: { dtype: Dtype; count: number }): Float32Array {
  const { dtype, count } = options;
  if (at + count * dtype.bytes > view.byteLength) {
    const left = Math.floor((view.byteLength - at) / dtype.bytes);
    throw new RangeError(`Cannot read ${dtype.name} numbers at byte ${at}: expected ${count} but found ${left}`);
  }
  const data = new Float32Array(count);
  for (let i = 0; i < count; i++) data[i] = dtype.read(view, at + i * dtype.bytes);
  return data;
}

/** Whether a value read from a file can count or place something: a whole number of at least 0. */
export function isIndex(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** The number of elements of a shape, or NaN if it is not a list of at most 8 sizes with a product under 2 ** 31. */
export function elementsOf(shape: unknown): number {
  if (!Array.isArray(shape) || shape.length > 8) return NaN;
  if (!shape.every(isIndex)) return NaN;
  if (shape.includes(0)) return 0;
  const product = shape.reduce((elements: number, size: number) => elements * size, 1);
  return product < 2 ** 31 ? product : NaN;
}

/** A shape as shown in messages: `[3, 3, 16, 16]`. */
export function shown(shape: Values["shape"]): string {
  return `[${shape.join(", ")}]`;
}
