// ONNX files as plain data, and back: nodes with their attributes and tensors; nothing in them is executed.
import { realpathSync } from "node:fs";
import { dirname, join, sep } from "node:path";
import * as protobuf from "protobufjs/light";
import { readWhole } from "./disk";
import { dtypeOf, elementsOf, readNumbers, shown, viewOf } from "./dtypes";
import { isRecord } from "./json";

/** A tensor: its shape, and its numbers as they are used here (whole ones exactly, up to 2 ** 53). */
export interface OnnxTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array | Float64Array;
}

export type OnnxAttribute = number | string | readonly number[] | OnnxTensor;

export interface OnnxNode {
  readonly name: string;
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, OnnxAttribute>>;
}

/** A graph of operations on named tensors. */
export interface OnnxModel {
  readonly opset: number;
  readonly nodes: readonly OnnxNode[];
  readonly tensors: ReadonlyMap<string, OnnxTensor>;
  /** Names and shapes; -1 where a size is open. */
  readonly inputs: ReadonlyMap<string, readonly number[]>;
  readonly outputs: ReadonlyMap<string, readonly number[]>;
  /** Pairs of text that the writer added. */
  readonly metadata: Readonly<Record<string, string>>;
}

const LARGEST_FILE = 2 ** 30; // bytes, the external data counted by itself

/** Fields of all messages together, at most: a ResNet-152 has 10,000, and each becomes an object. */
const MOST_FIELDS = 500_000;

// Of onnx.proto what is read. Subgraphs are left out, so nothing nests without end; packed numbers stay bytes until they are counted.
const field = (type: string, id: number) => ({ type, id });
const list = (type: string, id: number) => ({ rule: "repeated", type, id, options: { packed: false } });
const SCHEMA = protobuf.Root.fromJSON({
  nested: {
    Model: {
      fields: {
        irVersion: field("int64", 1),
        producer: field("string", 2),
        graph: field("Graph", 7),
        opsets: list("Opset", 8),
        metadata: list("Entry", 14),
      },
    },
    Opset: { fields: { domain: field("string", 1), version: field("int64", 2) } },
    Entry: { fields: { key: field("string", 1), value: field("string", 2) } },
    Graph: {
      fields: {
        nodes: list("Node", 1),
        name: field("string", 2),
        tensors: list("Tensor", 5),
        inputs: list("Value", 11),
        outputs: list("Value", 12),
        sparse: list("bytes", 15),
      },
    },
    Node: {
      fields: {
        inputs: list("string", 1),
        outputs: list("string", 2),
        name: field("string", 3),
        op: field("string", 4),
        attributes: list("Attribute", 5),
        domain: field("string", 7),
      },
    },
    Attribute: {
      fields: {
        name: field("string", 1),
        f: field("float", 2),
        i: field("int64", 3),
        s: field("bytes", 4),
        t: field("Tensor", 5),
        floats: list("float", 7),
        ints: list("int64", 8),
        type: field("int32", 20),
      },
    },
    Tensor: {
      fields: {
        dims: list("int64", 1),
        type: field("int32", 2),
        floats: field("bytes", 4),
        ints32: field("bytes", 5),
        ints64: field("bytes", 7),
        name: field("string", 8),
        raw: field("bytes", 9),
        doubles: field("bytes", 10),
        external: list("Entry", 13),
        location: field("int32", 14),
      },
    },
    Value: { fields: { name: field("string", 1), type: field("Type", 2) } },
    Type: { fields: { tensor: field("TensorType", 1) } },
    TensorType: { fields: { type: field("int32", 1), shape: field("Shape", 2) } },
    Shape: { fields: { dims: list("Dimension", 1) } },
    Dimension: { fields: { size: field("int64", 1), name: field("string", 2) } },
  },
});
const MODEL = SCHEMA.lookupType("Model");

/** ONNX's numbers of element types, by our names for them. */
const DTYPES: Readonly<Record<number, string>> = {
  1: "F32",
  6: "I32",
  7: "I64",
  9: "BOOL",
  10: "F16",
  11: "F64",
  16: "BF16",
};

type Message = Record<string, unknown>;

/**
 * Reads an ONNX file of at most 1 GiB. Tensors beside it are read where their file lies in the same folder.
 * @throws Error saying what is damaged, too large or outside of the folder
 */
export function readOnnx(path: string): OnnxModel {
  return decodeOnnx(readWhole(path, LARGEST_FILE), (name) => readWhole(within(dirname(path), name), LARGEST_FILE));
}

/** The path of a file in a folder. @throws Error where the name, or a link of that name, leads out of it */
function within(folder: string, name: string): string {
  const path = join(folder, name);
  const [inside, found] = [realpathSync(folder) + sep, realpathSync(path)];
  if (found.startsWith(inside)) return path;
  throw new Error(`expected external data in the folder of the file but found ${JSON.stringify(name.slice(0, 100))}`);
}

/** The model in the bytes of an ONNX file. @param external reads another file by its name in the same folder */
export function decodeOnnx(bytes: Uint8Array, external?: (name: string) => Uint8Array): OnnxModel {
  const { graph, opsets, metadata } = decoded(bytes);
  if (!isRecord(graph)) throw new Error("expected an ONNX model but found no graph in it");
  if (listOf(graph.sparse).length) throw new Error("expected dense tensors but found sparse ones");
  const files = new Map<string, Uint8Array>();
  const fileOf = (name: string) => {
    const found = files.get(name) ?? external?.(name);
    if (!found)
      throw new Error(`expected all tensors in the file but found one in ${JSON.stringify(name.slice(0, 100))}`);
    files.set(name, found);
    return found;
  };
  const tensors = listOf(graph.tensors).map((tensor) => [text(tensor.name), tensorOf(tensor, fileOf)] as const);
  const opset = listOf(opsets).find(({ domain }) => !domain || domain === "ai.onnx");
  return {
    opset: opset ? numberOf(opset.version) : NaN,
    nodes: listOf(graph.nodes).map((node) => nodeOf(node, fileOf)),
    tensors: new Map(tensors),
    inputs: new Map(listOf(graph.inputs).map(valueOf)),
    outputs: new Map(listOf(graph.outputs).map(valueOf)),
    metadata: Object.fromEntries(listOf(metadata).map(({ key, value }) => [text(key), text(value)])),
  };
}

function decoded(bytes: Uint8Array): Message {
  try {
    countFields(protobuf.Reader.create(bytes), bytes.length, MODEL, { left: MOST_FIELDS });
    return MODEL.decode(bytes) as unknown as Message;
  } catch (error) {
    throw new Error(`expected an ONNX model but found ${(error as Error).message}`, { cause: error });
  }
}

/** Walks over a message and those within it before anything is made of them. @throws Error where there are too many fields */
function countFields(reader: protobuf.Reader, end: number, type: protobuf.Type, count: { left: number }): void {
  while (reader.pos < end) {
    const tag = reader.uint32();
    const found = type.fieldsById[tag >>> 3]?.resolve();
    const known = found?.resolvedType;
    if ((tag & 7) === 2 && known instanceof protobuf.Type) {
      const length = reader.uint32();
      countFields(reader, reader.pos + length, known, count);
    } else if ((tag & 7) === 2) {
      const length = reader.uint32();
      // Packed numbers become one object each.
      if (found?.repeated && /^(int64|float)$/.test(found.type)) count.left -= length;
      reader.skip(length);
    } else reader.skipType(tag & 7);
    if (--count.left < 0) throw new Error(`more than ${MOST_FIELDS} fields`);
  }
  if (reader.pos !== end) throw new Error("a message that is cut");
}

const listOf = (value: unknown): Message[] => (Array.isArray(value) ? (value as Message[]) : []);
const text = (value: unknown): string => (typeof value === "string" ? value : "");

/** A 64-bit number. @throws Error where it is beyond 2 ** 53 */
function numberOf(value: unknown): number {
  const number = Number(value ?? 0);
  // What stands for "to the end" in slices.
  if (!Number.isSafeInteger(number)) return number > 0 ? Number.MAX_SAFE_INTEGER : Number.MIN_SAFE_INTEGER;
  return number;
}

function nodeOf(
  { name, op, inputs, outputs, attributes, domain }: Message,
  fileOf: (name: string) => Uint8Array,
): OnnxNode {
  const named = listOf(attributes).map((attribute) => [text(attribute.name), attributeOf(attribute, fileOf)] as const);
  return {
    name: text(name),
    op: domain && domain !== "ai.onnx" ? `${text(domain)}.${text(op)}` : text(op),
    inputs: (inputs as string[] | undefined) ?? [],
    outputs: (outputs as string[] | undefined) ?? [],
    attributes: Object.fromEntries(named),
  };
}

function attributeOf({ type, f, i, s, t, floats, ints }: Message, fileOf: (name: string) => Uint8Array): OnnxAttribute {
  if (type === 1) return Number(f ?? 0);
  if (type === 2) return numberOf(i);
  if (type === 3) return Buffer.from((s as Uint8Array | undefined) ?? []).toString("utf8");
  if (type === 4 && isRecord(t)) return tensorOf(t, fileOf);
  if (type === 6) return (floats as number[] | undefined) ?? [];
  if (type === 7) return ((ints as unknown[] | undefined) ?? []).map(numberOf);
  return `an attribute of type ${String(type)}`;
}

function valueOf({ name, type }: Message): [string, number[]] {
  const { shape } = ((type as Message | undefined)?.tensor as Message | undefined) ?? {};
  const dims = listOf((shape as Message | undefined)?.dims);
  return [
    text(name),
    dims.map(({ size }) => (size === null || size === undefined || numberOf(size) < 1 ? -1 : numberOf(size))),
  ];
}

function tensorOf(tensor: Message, fileOf: (name: string) => Uint8Array): OnnxTensor {
  const shape = ((tensor.dims as unknown[] | undefined) ?? []).map(numberOf);
  const [name, count] = [JSON.stringify(text(tensor.name).slice(0, 100)), elementsOf(shape)];
  const dtype = dtypeOf(DTYPES[Number(tensor.type)]);
  if (!dtype)
    throw new Error(`expected floating-point or whole numbers in ${name} but found type ${String(tensor.type)}`);
  if (Number.isNaN(count)) throw new Error(`expected a shape for ${name} but found ${shown(shape)}`);
  const whole = /^(I|BOOL)/.test(dtype.name);
  const { bytes, packed } = bytesOf(tensor, fileOf);
  if (packed) return { shape, data: varints(bytes, count, name) };
  if (bytes.length !== count * dtype.bytes)
    throw new Error(`expected ${count} numbers in ${name} ${shown(shape)} but found ${bytes.length} bytes`);
  if (whole) {
    const view = viewOf(bytes);
    return { shape, data: Float64Array.from({ length: count }, (_, at) => dtype.read(view, at * dtype.bytes)) };
  }
  return { shape, data: readNumbers(viewOf(bytes), 0, { dtype, count }) };
}

/** The bytes that hold a tensor's numbers, and whether they are of variable length. */
function bytesOf(tensor: Message, fileOf: (name: string) => Uint8Array): { bytes: Uint8Array; packed?: boolean } {
  if (tensor.location === 1) return { bytes: externalBytes(tensor, fileOf) };
  const own = (name: string) => (Object.hasOwn(tensor, name) ? (tensor[name] as Uint8Array) : undefined);
  const packed = own("ints64") ?? own("ints32");
  if (packed) return { bytes: packed, packed: true };
  return { bytes: own("raw") ?? own("floats") ?? own("doubles") ?? new Uint8Array() };
}

function externalBytes(tensor: Message, fileOf: (name: string) => Uint8Array): Uint8Array {
  const entries = new Map(listOf(tensor.external).map(({ key, value }) => [key, text(value)]));
  const file = fileOf(entries.get("location") ?? "");
  const offset = Number(entries.get("offset") ?? 0);
  const length = Number(entries.get("length") ?? file.length - offset);
  if (
    Number.isSafeInteger(offset) &&
    Number.isSafeInteger(length) &&
    offset >= 0 &&
    length >= 0 &&
    offset + length <= file.length
  )
    return file.subarray(offset, offset + length);
  throw new Error(`expected ${length} bytes from byte ${offset} on in a file of ${file.length}`);
}

/** Packed whole numbers. @throws Error where they are not as many as wanted */
function varints(bytes: Uint8Array, count: number, name: string): Float64Array {
  const reader = protobuf.Reader.create(bytes);
  const numbers = new Float64Array(Math.min(count, bytes.length));
  let found = 0;
  for (; reader.pos < bytes.length && found < numbers.length; found++) numbers[found] = numberOf(reader.int64());
  if (found === count && reader.pos === bytes.length) return numbers;
  throw new Error(`expected ${count} numbers in ${name} but found others`);
}

/** A model as the bytes of an ONNX file; numbers in float64 become whole ones. */
export function encodeOnnxModel({ opset, nodes, tensors, inputs, outputs, metadata }: OnnxModel): Uint8Array {
  const graph = {
    name: "network",
    nodes: nodes.map(({ attributes, ...node }) => ({
      ...node,
      attributes: Object.entries(attributes).map(attributeMessage),
    })),
    tensors: [...tensors].map(tensorMessage),
    inputs: [...inputs].map(valueMessage),
    outputs: [...outputs].map(valueMessage),
  };
  const entries = Object.entries(metadata).map(([key, value]) => ({ key, value }));
  const model = {
    irVersion: 8,
    producer: "nontrivial",
    graph,
    opsets: [{ domain: "", version: opset }],
    metadata: entries,
  };
  return MODEL.encode(MODEL.fromObject(model)).finish();
}

function attributeMessage([name, value]: [string, OnnxAttribute]): Message {
  if (typeof value === "number")
    return Number.isInteger(value) ? { name, type: 2, i: value } : { name, type: 1, f: value };
  if (Array.isArray(value)) return { name, type: 7, ints: value };
  throw new TypeError(`Cannot write the attribute ${name}: expected a number or a list of whole numbers`);
}

function tensorMessage([name, { shape, data }]: [string, OnnxTensor]): Message {
  const whole = data instanceof Float64Array;
  const raw = whole ? BigInt64Array.from(data, BigInt) : data;
  return { name, dims: shape, type: whole ? 7 : 1, raw: new Uint8Array(raw.buffer, raw.byteOffset, raw.byteLength) };
}

function valueMessage([name, shape]: [string, readonly number[]]): Message {
  const dims = shape.map((size) => (size < 0 ? { name: "batch" } : { size }));
  return { name, type: { tensor: { type: 1, shape: { dims } } } };
}
