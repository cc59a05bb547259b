// From a recorded graph to TensorFlow's session: writes a SavedModel and runs its signatures, one native call each.
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Message, protobufClasses, requireNative, startEngine, type Tensor } from "./backend";
import { temporaryFolder } from "../files/temporary";
import { type Attribute, type DType, type GraphNode, nodesOf, type Shape, type Symbolic, tensorName } from "./graph";

/** What one call of a graph takes and gives, by name. An output is computed only if its signature is called; an input may be a constant, which it then replaces. */
export interface Signature {
  readonly inputs: Readonly<Record<string, Symbolic>>;
  readonly outputs: Readonly<Record<string, Symbolic>>;
}

/** A graph loaded into TensorFlow. All its signatures share one session, hence the variables. */
export interface Program {
  /** Runs a signature. The caller disposes of the outputs. @throws Error when inputs are missing or do not fit */
  run(signature: string, inputs: Readonly<Record<string, Tensor>>): Record<string, Tensor>;
  dispose(): void;
}

/** TensorFlow's DataType numbers (tensorflow/core/framework/types.proto). */
const DTYPES: Readonly<Record<DType, number>> = { float32: 1, int32: 3, bool: 10, bfloat16: 14, resource: 20 };

/** The graph version that a current TensorFlow writes; ops behave as in that version. */
const PRODUCER = 1087;

/** Serializes signatures, and what of their graph they need, as the file saved_model.pb of TensorFlow's SavedModel format (tag "serve"). */
export function encodeSavedModel(signatures: Readonly<Record<string, Signature>>): Uint8Array {
  const pb = protobufClasses();
  const ends = Object.values(signatures).flatMap(({ inputs, outputs }) =>
    [inputs, outputs].flatMap((named) => Object.values(named)),
  );
  const nodes = nodesOf(ends).map(nodeMessage);
  const graphDef = set(new pb.GraphDef(), {
    NodeList: nodes,
    Versions: set(new pb.VersionDef(), { Producer: PRODUCER }),
  });
  const info = set(new pb.MetaGraphDef.MetaInfoDef(), { TagsList: ["serve"] });
  const metaGraph = set(new pb.MetaGraphDef(), { MetaInfoDef: info, GraphDef: graphDef });
  for (const [name, signature] of Object.entries(signatures)) {
    metaGraph.getSignatureDefMap().set(name, signatureMessage(signature));
  }
  return set(new pb.SavedModel(), { SavedModelSchemaVersion: 1, MetaGraphsList: [metaGraph] }).serializeBinary();
}

/** Loads signatures and their graph into TensorFlow. @throws Error when there is no native engine or TensorFlow refuses the graph */
export async function loadProgram(signatures: Readonly<Record<string, Signature>>): Promise<Program> {
  await startEngine();
  const { node } = requireNative();
  const folder = temporaryFolder("graph");
  try {
    await writeFile(join(folder, "saved_model.pb"), encodeSavedModel(signatures));
    const entries = [];
    for (const name of Object.keys(signatures))
      entries.push([name, await node.loadSavedModel(folder, ["serve"], name)] as const);
    return programOf(new Map(entries));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

type LoadedSignature = Awaited<ReturnType<ReturnType<typeof requireNative>["node"]["loadSavedModel"]>>;

function programOf(loaded: ReadonlyMap<string, LoadedSignature>): Program {
  return {
    run(name, inputs) {
      const signature = loaded.get(name);
      if (!signature) throw new RangeError(`Cannot run "${name}": the graph has ${[...loaded.keys()].join(", ")}`);
      return signature.predict({ ...inputs }) as Record<string, Tensor>;
    },
    dispose: () => loaded.forEach((signature) => signature.dispose()),
  };
}

/** Calls the setter of each field: {Name: "x"} is message.setName("x"). */
function set(message: Message, fields: Readonly<Record<string, unknown>>): Message {
  for (const [field, value] of Object.entries(fields)) message[`set${field}`](value);
  return message;
}

function nodeMessage(node: GraphNode): Message {
  const pb = protobufClasses();
  const inputs = [...node.inputs.map(tensorName), ...node.control.map((before) => `^${before.name}`)];
  const message = set(new pb.NodeDef(), { Name: node.name, Op: node.op, InputList: inputs });
  for (const [name, attribute] of Object.entries(node.attributes)) {
    message.getAttrMap().set(name, attributeMessage(attribute));
  }
  return message;
}

function attributeMessage(attribute: Attribute): Message {
  const pb = protobufClasses();
  const message = new pb.AttrValue();
  if ("type" in attribute) return set(message, { Type: DTYPES[attribute.type] });
  if ("string" in attribute) return set(message, { S: Buffer.from(attribute.string) });
  if ("bool" in attribute) return set(message, { B: attribute.bool });
  if ("float" in attribute) return set(message, { F: attribute.float });
  if ("int" in attribute) return set(message, { I: attribute.int });
  if ("ints" in attribute) return set(message, { List: set(new pb.AttrValue.ListValue(), { IList: attribute.ints }) });
  if ("shape" in attribute) return set(message, { Shape: shapeMessage(attribute.shape) });
  const { constant, dimensions } = attribute;
  const content = new Uint8Array(constant.buffer, constant.byteOffset, constant.byteLength);
  const dtype = DTYPES[constant instanceof Float32Array ? "float32" : "int32"];
  return set(message, {
    Tensor: set(new pb.Tensor(), { Dtype: dtype, TensorShape: shapeMessage(dimensions), TensorContent: content }),
  });
}

function shapeMessage(shape: Shape): Message {
  const pb = protobufClasses();
  return set(new pb.TensorShape(), { DimList: shape.map((size) => set(new pb.TensorShape.Dim(), { Size: size })) });
}

function signatureMessage({ inputs, outputs }: Signature): Message {
  const message = set(new (protobufClasses().SignatureDef)(), { MethodName: "tensorflow/serving/predict" });
  for (const [name, tensor] of Object.entries(inputs)) message.getInputsMap().set(name, tensorMessage(tensor));
  for (const [name, tensor] of Object.entries(outputs)) message.getOutputsMap().set(name, tensorMessage(tensor));
  return message;
}

function tensorMessage(tensor: Symbolic): Message {
  const fields = { Name: tensorName(tensor), Dtype: DTYPES[tensor.dtype], TensorShape: shapeMessage(tensor.shape) };
  return set(new (protobufClasses().TensorInfo)(), fields);
}
