// Reads NumPy's .npy files of whole numbers; the header is matched word by word, never evaluated.
//
// A file: "\x93NUMPY", two bytes of version, the header's length (uint16 in version 1, uint32 in version 2), the header (a Python
// dict as text), the numbers. Format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
import { elementsOf, shown, viewOf } from "./dtypes";

/** An array of whole numbers, in C order: the last axis runs fastest. */
export interface Npy {
  readonly shape: readonly number[];
  readonly data: IntegerArray;
}

type IntegerArray =
  Uint8Array | Int8Array | Uint16Array | Int16Array | Uint32Array | Int32Array | BigUint64Array | BigInt64Array;

/** An array type: its bytes are copied where it has to lie at a multiple of their number. */
interface Kind {
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: ArrayBufferLike, at: number, length: number): IntegerArray;
}

/** By the name that NumPy writes: "|" where there is no order of bytes, "<" little-endian. */
const KINDS: ReadonlyMap<string, Kind> = new Map<string, Kind>([
  ["|u1", Uint8Array],
  ["|i1", Int8Array],
  ["<u2", Uint16Array],
  ["<i2", Int16Array],
  ["<u4", Uint32Array],
  ["<i4", Int32Array],
  ["<u8", BigUint64Array],
  ["<i8", BigInt64Array],
]);

const MAGIC = [0x93, ...Buffer.from("NUMPY")];
const LONGEST_HEADER = 10_000; // bytes; NumPy's own limit, and about 100 times that of an array of four axes

/**
 * Reads an array of whole numbers from a .npy file (format versions 1 and 2, little-endian, C order).
 * @throws Error saying what was expected and what was found
 */
export function decodeNpy(bytes: Uint8Array): Npy {
  const { text, end } = headerIn(bytes);
  const fields = parseHeader(text);
  const { descr, fortran_order: order, shape: axes } = fields;
  const kind = KINDS.get(descr);
  if (!kind) return refuse(`expected numbers of a type among ${[...KINDS.keys()].join(", ")} but found ${descr}`);
  if (order !== "False") return refuse("expected C order but found Fortran's; numpy.ascontiguousarray changes that");
  const shape = (axes.match(/\d+/g) ?? []).map(Number);
  const elements = elementsOf(shape);
  if (Number.isNaN(elements)) return refuse(`expected a shape of at most 8 sizes but found ${axes.slice(0, 100)}`);
  const [wanted, found] = [elements * kind.BYTES_PER_ELEMENT, bytes.length - end];
  if (wanted !== found) return refuse(`expected ${wanted} bytes of numbers ${shown(shape)} but found ${found}`);
  return { shape, data: numbersAt(bytes, end, kind) };
}

/** The header's text and where it ends. */
function headerIn(bytes: Uint8Array): { text: string; end: number } {
  if (bytes.length < 12 || MAGIC.some((byte, index) => bytes[index] !== byte))
    return refuse("it does not begin as a .npy file does");
  const [major, minor] = [bytes[6], bytes[7]];
  if ((major !== 1 && major !== 2) || minor !== 0)
    return refuse(`expected format version 1.0 or 2.0 but found ${major}.${minor}`);
  const view = viewOf(bytes);
  const [start, length] = major === 1 ? [10, view.getUint16(8, true)] : [12, view.getUint32(8, true)];
  if (length > LONGEST_HEADER)
    return refuse(`expected a header of at most ${LONGEST_HEADER} bytes but found ${length}`);
  const end = start + length;
  if (end > bytes.length) return refuse(`expected ${end} bytes of header but found ${bytes.length}`);
  return { text: new TextDecoder("latin1").decode(bytes.subarray(start, end)), end };
}

const FIELDS = ["descr", "fortran_order", "shape"] as const;
const FIELD =
  /'(descr|fortran_order|shape)': *(?:'([^']{1,20})'|(True|False)|(\((?:\d+L?(?:, *\d+L?)*,?)?\))) *(?:, *|(?=\}))/y;

/** The three fields of a header like "{'descr': '<i8', 'fortran_order': False, 'shape': (2000,), }"; anything else is refused. */
function parseHeader(text: string): Record<(typeof FIELDS)[number], string> {
  const fields = new Map<string, string>();
  FIELD.lastIndex = /^ *\{ */.exec(text)?.[0].length ?? refuseHeader(text);
  let at = FIELD.lastIndex;
  for (let match = FIELD.exec(text); match; match = FIELD.exec(text)) {
    const [, name, type, flag, axes] = match;
    const value = { descr: type, fortran_order: flag, shape: axes }[name as (typeof FIELDS)[number]];
    if (value === undefined || fields.has(name)) return refuseHeader(text);
    fields.set(name, value);
    at = FIELD.lastIndex;
  }
  if (!/^\} *\n?$/.test(text.slice(at)) || fields.size !== FIELDS.length) return refuseHeader(text);
  return Object.fromEntries(fields) as Record<(typeof FIELDS)[number], string>;
}

// A list of fields, or '|O' with its pickle, is what records and objects have.
function refuseHeader(text: string): never {
  const shownText = JSON.stringify(text.trimEnd().slice(0, 100));
  return refuse(`expected a header of descr, fortran_order and shape of plain numbers but found ${shownText}`);
}

function numbersAt(bytes: Uint8Array, start: number, kind: Kind): IntegerArray {
  const at = bytes.byteOffset + start;
  const length = (bytes.length - start) / kind.BYTES_PER_ELEMENT;
  if (at % kind.BYTES_PER_ELEMENT === 0) return new kind(bytes.buffer, at, length);
  return new kind(Uint8Array.from(bytes.subarray(start)).buffer, 0, length);
}

function refuse(detail: string): never {
  throw new Error(`Cannot read the .npy file: ${detail}`);
}
