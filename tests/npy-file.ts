// Writes .npy files as NumPy 2.4.6 does, byte by byte, so that tests can also be rude.

/** A file with this header, padded as NumPy pads it, and these numbers. */
export function npyFile(header: string, data: Uint8Array, version: readonly [number, number] = [1, 0]): Buffer {
  const wide = version[0] > 1;
  const start = wide ? 12 : 10;
  const padded = header.padEnd(Math.ceil((start + header.length + 1) / 64) * 64 - start - 1) + "\n";
  const head = Buffer.alloc(start);
  Buffer.from([0x93, ...Buffer.from("NUMPY"), ...version]).copy(head);
  if (wide) head.writeUInt32LE(padded.length, 8);
  else head.writeUInt16LE(padded.length, 8);
  return Buffer.concat([head, Buffer.from(padded, "latin1"), data]);
}

/** The header of an array in C order. */
export function npyHeader(descr: string, shape: readonly number[]): string {
  return `{'descr': '${descr}', 'fortran_order': False, 'shape': (${shape.join(", ")}${shape.length === 1 ? "," : ""}), }`;
}

/** Images or other bytes of that shape. */
export function npyBytes(shape: readonly number[], data: Uint8Array): Buffer {
  return npyFile(npyHeader("|u1", shape), data);
}

/** Labels as NumPy's default integers, 64 bits wide. */
export function npyLabels(labels: ArrayLike<number>): Buffer {
  const data = BigInt64Array.from(Array.from(labels), BigInt);
  return npyFile(npyHeader("<i8", [labels.length]), new Uint8Array(data.buffer));
}
