// One operation of an ONNX file that depends on the images: its inputs and attributes, read with every check.
import type { OnnxNode } from "../files/onnx-file";
import { isTraced, type Known, loggedOrder, type OnnxTrace, type Tensor, type Traced } from "./onnx-trace";

/** A node with what its inputs became. */
export interface Operation {
  readonly node: OnnxNode;
  readonly inputs: readonly (Tensor | undefined)[];
  readonly trace: OnnxTrace;
  /** How many nodes read the tensor of that name; the network's result counts as read. */
  readonly readers: (name: string) => number;
  /** Whether the first output is the network's result. */
  readonly isLast: boolean;
}

/** @throws Error that says what was found and is not supported */
export function refuse(found: string): never {
  throw new Error(`found ${found}, which is not supported`);
}

export function number({ attributes }: OnnxNode, name: string, otherwise: number): number {
  const value = attributes[name] ?? otherwise;
  return typeof value === "number" ? value : refuse(`an attribute ${name} that is no number`);
}

export function list({ attributes }: OnnxNode, name: string): readonly number[] | undefined {
  const value = attributes[name];
  if (value === undefined || Array.isArray(value)) return value as readonly number[] | undefined;
  return refuse(`an attribute ${name} that is no list`);
}

/** A known input; undefined where it is left out. @throws Error where it depends on the images */
export function known({ inputs }: Operation, index: number): Known | undefined {
  const input = inputs[index];
  return isTraced(input) ? refuse(`an input ${index} that depends on the images`) : input;
}

/** The axes of an operation, an attribute or its second input. */
export function axesAt(operation: Operation): readonly number[] | undefined {
  const given = known(operation, 1);
  return given ? [...given.data] : list(operation.node, "axes");
}

/** The same, counted from the first. */
export function axesOf(operation: Operation, rank: number): number[] | undefined {
  return axesAt(operation)?.map((axis) => (axis < 0 ? axis + rank : axis));
}

/** An axis of the file in the graph's order. */
export function storedAxis({ stored }: Traced, axis: number): number {
  return loggedOrder(stored.length)[axis < 0 ? axis + stored.length : axis];
}

/** What the parameters of a node are called. */
export function named({ name, outputs }: OnnxNode, part: string): string {
  return `${modulePath(name) || (outputs[0] ?? "")}.${part}`;
}

/** "layer1.0.conv1" of "/layer1/layer1.0/conv1/Conv", as torch.onnx.export calls nodes; other names as they are. */
export function modulePath(name: string): string {
  if (!name.includes("/")) return name;
  const scopes = name
    .split("/")
    .filter((scope) => scope)
    .slice(0, -1);
  return scopes.reduce((path, scope) => (scope.startsWith(`${path}.`) ? scope : join(path, scope)), "");
}

/** "features.1.branch1.0": a scope may repeat the end of the path so far. */
function join(path: string, scope: string): string {
  const last = path.split(".");
  for (let from = 1; from < last.length; from++) {
    const end = last.slice(from).join(".");
    if (scope.startsWith(`${end}.`)) return `${last.slice(0, from).join(".")}.${scope}`;
  }
  return path ? `${path}.${scope}` : scope;
}
