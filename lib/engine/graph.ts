// A TensorFlow graph written from TypeScript: nodes with known shapes, constants, placeholders and variables.

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

  /** Adds a node and returns its outputs. */
  add(
    op: string,
    inputs: readonly Symbolic[],
    attributes: GraphNode["attributes"],
    outputs: readonly OutputType[],
    options: { readonly name?: string; readonly control?: readonly GraphNode[] } = {},
  ): Symbolic[] {
    const name = options.name ?? this.unusedName(op);
    this.names.add(name);
    const node: GraphNode = { graph: this, name, op, inputs, control: options.control ?? [], attributes };
    this.nodes.push(node);
    return outputs.map((output, index) => ({ node, index, ...output }));
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
