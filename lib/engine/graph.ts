// A TensorFlow graph written from TypeScript: nodes with known shapes, constants, placeholders and variables. What is asked for twice is
// there once: networks that are recorded into one graph share whatever they have in common, without anybody looking for it.
import { createHash } from "node:crypto";
import { sizeOf } from "../files/values";

/** Element types; a "resource" is the handle of a variable. */
export type DType = "float32" | "bfloat16" | "int32" | "bool" | "resource";
/** A shape; -1 stands for a batch of any size. */
export type Shape = readonly number[];

/** The attribute of a node, tagged with the field of TensorFlow's AttrValue that it fills. */
export type Attribute =
  | { readonly type: DType }
  | { readonly string: string }
  | { readonly bool: boolean }
  | { readonly float: number }
  | { readonly int: number }
  | { readonly ints: readonly number[] }
  | { readonly shape: Shape }
  | { readonly constant: Float32Array | Int32Array; readonly dimensions: Shape };

/** One operation of the graph. */
export interface GraphNode {
  readonly graph: Graph;
  readonly name: string;
  readonly op: string;
  readonly inputs: readonly Symbolic[];
  /** Nodes that run before this one although it reads nothing of theirs. */
  readonly control: readonly GraphNode[];
  readonly attributes: Readonly<Record<string, Attribute>>;
  readonly outputs: readonly OutputType[];
}

/** A tensor that will exist when the graph runs: one output of a node. */
export interface Symbolic {
  readonly node: GraphNode;
  readonly index: number;
  readonly shape: Shape;
  readonly dtype: DType;
}

/** Shape and element type of an output. */
export type OutputType = Pick<Symbolic, "shape" | "dtype">;

/** A graph under construction: nodes in the order in which they were added, inputs before those who read them. */
export class Graph {
  readonly nodes: GraphNode[] = [];
  private readonly names = new Set<string>();
  private readonly known = new Map<string, Symbolic[]>();
  private readonly digests = new WeakMap<Float32Array | Int32Array, string>();
  private scope = "";

  /** Runs the body, whose nodes are called by their scope and operation ("stem.conv/Relu"): for people who open the graph elsewhere. */
  within<R>(scope: string, body: () => R): R {
    const outer = this.scope;
    this.scope = `${scope}/`;
    try {
      return body();
    } finally {
      this.scope = outer;
    }
  }

  /**
   * Adds a node and returns its outputs; where one with the same operation, inputs and attributes is there, that one's. A node with a
   * name or a place in time, or that touches a variable, is always a new one.
   */
  add(
    op: string,
    inputs: readonly Symbolic[],
    attributes: GraphNode["attributes"],
    outputs: readonly OutputType[],
    options: { readonly name?: string; readonly control?: readonly GraphNode[] } = {},
  ): Symbolic[] {
    const isOwn = options.name ?? options.control ?? inputs.find(({ dtype }) => dtype === "resource");
    if (isOwn !== undefined) return this.append(op, inputs, attributes, outputs, options);
    const key = `${op}(${inputs.map(tensorName).join()}) ${this.attributesKey(attributes)}`;
    const found = this.known.get(key);
    if (found) return found;
    const added = this.append(op, inputs, attributes, outputs, options);
    this.known.set(key, added);
    return added;
  }

  private append(...[op, inputs, attributes, outputs, options = {}]: Parameters<Graph["add"]>): Symbolic[] {
    const name = options.name ?? this.unusedName(op);
    this.names.add(name);
    const node: GraphNode = { graph: this, name, op, inputs, control: options.control ?? [], attributes, outputs };
    this.nodes.push(node);
    return outputs.map((output, index) => ({ node, index, ...output }));
  }

  /** The same text for equal attributes; of a constant its digest, taken once for each array. */
  private attributesKey(attributes: GraphNode["attributes"]): string {
    let key = "";
    for (const [name, attribute] of Object.entries(attributes))
      key +=
        "constant" in attribute
          ? `${name} ${this.digestOf(attribute.constant)} ${attribute.dimensions.join("x")} `
          : `${name} ${JSON.stringify(attribute)} `;
    return key;
  }

  private digestOf(numbers: Float32Array | Int32Array): string {
    const found = this.digests.get(numbers);
    if (found !== undefined) return found;
    const digest = createHash("sha256").update(numbers).digest("base64");
    this.digests.set(numbers, digest);
    return digest;
  }

  /** Numbered, except for the first of its kind in a scope. */
  private unusedName(op: string): string {
    const plain = this.scope + op;
    return this.scope && !this.names.has(plain) ? plain : `${plain}_${this.nodes.length}`;
  }

  /** A constant tensor, float32 or int32 by its data. */
  constant(data: Float32Array | Int32Array, shape: Shape, name?: string): Symbolic {
    const dtype = data instanceof Float32Array ? "float32" : "int32";
    const attributes: GraphNode["attributes"] = {
      dtype: { type: dtype },
      value: { constant: data, dimensions: shape },
    };
    return this.add("Const", [], attributes, [{ shape, dtype }], { name })[0];
  }

  /** A vector of whole numbers, as operations take axes and sizes. */
  integers(...values: number[]): Symbolic {
    return this.constant(Int32Array.from(values), [values.length]);
  }

  scalar(value: number): Symbolic {
    return this.constant(Float32Array.of(value), []);
  }

  /** A tensor that every call hands in. */
  placeholder(name: string, type: OutputType): Symbolic {
    const attributes: GraphNode["attributes"] = { dtype: { type: type.dtype }, shape: { shape: type.shape } };
    return this.add("Placeholder", [], attributes, [type], { name })[0];
  }

  /** The handle of a float32 variable that lives in the session of the loaded graph. */
  variable(name: string, shape: Shape): Symbolic {
    const attributes: GraphNode["attributes"] = {
      dtype: { type: "float32" },
      shape: { shape },
      container: { string: "" },
      shared_name: { string: name },
    };
    return this.add("VarHandleOp", [], attributes, [{ shape, dtype: "resource" }], { name })[0];
  }

  /** The value of a variable. */
  read(variable: Symbolic): Symbolic {
    const type: OutputType = { shape: variable.shape, dtype: "float32" };
    return this.add("ReadVariableOp", [variable], { dtype: { type: "float32" } }, [type])[0];
  }

  /** Sets a variable; nothing happens until the returned node is fetched or waited for. */
  assign(variable: Symbolic, value: Symbolic): GraphNode {
    this.add(
      "AssignVariableOp",
      [variable, value],
      { dtype: { type: "float32" }, validate_shape: { bool: false } },
      [],
    );
    return this.nodes[this.nodes.length - 1];
  }

  /** The tensor x, available only after the given nodes have run: how a signature, which fetches tensors, makes updates happen. */
  after(x: Symbolic, control: readonly GraphNode[]): Symbolic {
    return this.add("Identity", [x], { T: { type: x.dtype } }, [x].map(typeOf), { control })[0];
  }
}

/** Shape and element type of a tensor. */
export function typeOf({ shape, dtype }: Symbolic): OutputType {
  return { shape, dtype };
}

/** A tensor as TensorFlow calls it. */
export const tensorName = ({ node, index }: Symbolic): string => `${node.name}:${index}`;

/** The nodes that some tensors need, in the order of their graph: all that is written when these tensors are asked for. */
export function nodesOf(tensors: readonly Symbolic[]): GraphNode[] {
  const needed = new Set<GraphNode>();
  for (const tensor of tensors) addNeeded(tensor, needed);
  return tensors.length ? tensors[0].node.graph.nodes.filter((node) => needed.has(node)) : [];
}

/** Adds the nodes that a tensor needs to those that are needed, and returns the new ones. */
export function addNeeded(tensor: Symbolic, needed: Set<GraphNode>): GraphNode[] {
  const open = [tensor.node];
  const added: GraphNode[] = [];
  for (let node = open.pop(); node; node = open.pop()) {
    if (needed.has(node)) continue;
    needed.add(node);
    added.push(node);
    for (const before of node.control) open.push(before);
    for (const input of node.inputs) open.push(input.node);
  }
  return added;
}

/** How many weights a node's kernel has, where it is a convolution. */
export const kernelSize = ({ op, inputs }: GraphNode): number =>
  op === "Conv2D" || op === "DepthwiseConv2dNative" ? sizeOf(inputs[1].shape) : 0;

/**
 * How often some nodes multiply (and add) for one image, in convolutions: once per weight and output pixel, at the borders too. What is
 * the same for all images is computed once, and counts nothing.
 */
export function multiplicationsIn(nodes: Iterable<GraphNode>): number {
  let sum = 0;
  for (const node of nodes) {
    const [images, height, width] = node.outputs[0]?.shape ?? [1];
    if (images !== 1) sum += kernelSize(node) && kernelSize(node) * height * width;
  }
  return sum;
}
