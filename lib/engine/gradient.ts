// Reverse-mode differentiation of a recorded graph: one rule per operation, each with TensorFlow's own gradient kernel.
import { type GraphNode, type Symbolic, typeOf } from "./graph";
import * as ops from "./operations";

/** Maps the gradient of a node's first output to the gradients of its inputs; `wanted` says which inputs need one. */
type Rule = (node: GraphNode, dy: Symbolic, wanted: readonly boolean[]) => (Symbolic | undefined)[];

/** The output of a node that was recorded earlier, by its index. */
const outputOf = (node: GraphNode, index: number, like: Symbolic): Symbolic => ({ node, index, ...typeOf(like) });

const RULES: Readonly<Record<string, Rule>> = {
  Conv2D: (node, dy, wanted) => {
    const [x, kernel] = node.inputs;
    const dx = () => ops.apply("Conv2DBackpropInput", [shapeOf(x), kernel, dy], node.attributes, typeOf(x));
    const dk = () => ops.apply("Conv2DBackpropFilter", [x, shapeOf(kernel), dy], node.attributes, typeOf(kernel));
    return [wanted[0] ? dx() : undefined, wanted[1] ? dk() : undefined];
  },
  FusedBatchNormV3: (node, dy) => {
    const [x, gamma, beta] = node.inputs;
    const { T, U, epsilon, is_training, data_format } = node.attributes;
    const reserved = [3, 4, 5].map((index) => outputOf(node, index, gamma));
    const types = [x, gamma, beta].map(typeOf);
    return node.graph.add(
      "FusedBatchNormGradV3",
      [dy, x, gamma, ...reserved],
      { T, U, epsilon, is_training, data_format },
      types,
    );
  },
  Relu: (node, dy) => [ops.apply("ReluGrad", [dy, outputOf(node, 0, dy)], node.attributes, typeOf(dy))],
  AddV2: (_, dy) => [dy, dy],
  BiasAdd: (node, dy) => [dy, ops.apply("BiasAddGrad", [dy], node.attributes, typeOf(node.inputs[1]))],
  MatMul: (node, dy) => {
    const [a, b] = node.inputs;
    return [ops.matMul(dy, b, false, true), ops.matMul(a, dy, true, false)];
  },
  Mean: (node, dy) => {
    const x = node.inputs[0];
    const axes = x.shape.map((_, axis) => axis).filter((axis) => isReduced(node, axis));
    const kept = x.shape.map((side, axis) => (axes.includes(axis) ? 1 : side));
    const share = ops.multiply(dy, node.graph.scalar(1 / ops.countOver(x, axes)));
    return [ops.broadcast(ops.reshape(share, kept), x.shape)];
  },
  AvgPool: (node, dy) => {
    const x = node.inputs[0];
    return [ops.apply("AvgPoolGrad", [shapeOf(x), dy], node.attributes, typeOf(x))];
  },
  MaxPool: (node, dy) => {
    const x = node.inputs[0];
    return [ops.apply("MaxPoolGrad", [x, outputOf(node, 0, dy), dy], node.attributes, typeOf(x))];
  },
  Pad: (node, dy) => {
    const x = node.inputs[0];
    const first = x.shape.map((side, axis) => (dy.shape[axis] - side) / 2);
    const inputs = [dy, node.graph.integers(...first), shapeOf(x)];
    return [ops.apply("Slice", inputs, { T: { type: x.dtype }, Index: { type: "int32" } }, typeOf(x))];
  },
  Cast: (node, dy) => [ops.cast(dy, node.inputs[0].dtype)],
  SparseSoftmaxCrossEntropyWithLogits: (node, dy) => {
    const logits = node.inputs[0];
    // Output 1 is softmax - onehot, the gradient of each image's loss.
    return [ops.multiply(outputOf(node, 1, logits), ops.reshape(dy, [logits.shape[0], 1]))];
  },
};

/** A tensor's shape as a constant of its graph. */
const shapeOf = (x: Symbolic): Symbolic => x.node.graph.integers(...x.shape);

function isReduced(mean: GraphNode, axis: number): boolean {
  const { value } = mean.inputs[1].node.attributes;
  return "constant" in value && value.constant.includes(axis);
}

/**
 * The gradients of a scalar by the given tensors, in their order, recorded as further nodes of the same graph.
 * @throws Error when an operation on the way has no rule, or the scalar does not depend on one of the tensors
 */
export function gradients(loss: Symbolic, tensors: readonly Symbolic[]): Symbolic[] {
  const { graph } = loss.node;
  const forwardNodes = [...graph.nodes];
  const dependent = dependents(forwardNodes, tensors);
  const found = new Map<GraphNode, Symbolic>([[loss.node, graph.scalar(1)]]);
  for (const node of forwardNodes.reverse()) {
    const dy = found.get(node);
    if (!dy || !node.inputs.some((input) => dependent.has(input.node))) continue;
    propagate(node, dy, (input) => dependent.has(input.node), found);
  }
  return tensors.map((tensor) => {
    const gradient = found.get(tensor.node);
    if (!gradient) throw new Error(`Cannot differentiate by "${tensor.node.name}": the loss does not depend on it`);
    return gradient;
  });
}

/** Adds what one node passes on to the gradients of its inputs. */
function propagate(
  node: GraphNode,
  dy: Symbolic,
  needs: (input: Symbolic) => boolean,
  found: Map<GraphNode, Symbolic>,
) {
  const rule = RULES[node.op];
  if (!rule) throw new Error(`Cannot differentiate through the operation "${node.op}": it has no gradient rule`);
  const parts = rule(node, dy, node.inputs.map(needs));
  node.inputs.forEach((input, index) => {
    const part = parts[index];
    if (!part || !needs(input)) return;
    const sum = found.get(input.node);
    found.set(input.node, sum ? ops.add(sum, part) : part);
  });
}

/** The nodes whose value depends on one of the tensors, the tensors' own nodes included. */
function dependents(nodes: readonly GraphNode[], tensors: readonly Symbolic[]): Set<GraphNode> {
  const found = new Set(tensors.map((tensor) => tensor.node));
  for (const node of nodes) if (node.inputs.some((input) => found.has(input.node))) found.add(node);
  return found;
}
