// ONNX's arithmetic on activations, with each other and with known numbers.
import { named, known, type Operation, refuse } from "./onnx-operation";
import { isTraced, type Known, storedOrder, type Traced, transposed } from "./onnx-trace";

type Binary = "add" | "subtract" | "multiply" | "divide";

/** Element by element. */
export function binary(op: Binary): (operation: Operation) => Traced {
  return ({ node, inputs: [x, y], trace }) => {
    const whole = isTraced(x) ? x : isTraced(y) ? y : refuse("no input that depends on the images");
    const other = x === whole ? y : x;
    if (!other) return refuse("one input");
    if (isTraced(other)) {
      if (other.stored.length !== whole.stored.length) refuse("inputs with other numbers of axes");
    } else if (other.data.length === 1) {
      const line = lineOf(op, other.data[0], x === whole);
      if (line) return trace.add({ op: "scale", inputs: [whole.node], ...line });
    }
    const added = isTraced(other) ? other : trace.constant(named(node, "value"), spread(other, whole.stored.length));
    const inputs = x === whole ? [whole.node, added.node] : [added.node, whole.node];
    return trace.add({ op, inputs });
  };
}

/** A number added, subtracted, multiplied or divided by, as a straight line; undefined where a number is divided by the activation. */
function lineOf(op: Binary, value: number, first: boolean): { factor: number; offset: number } | undefined {
  if (op === "add") return { factor: 1, offset: value };
  if (op === "multiply") return { factor: value, offset: 0 };
  if (op === "subtract") return first ? { factor: 1, offset: -value } : { factor: -1, offset: value };
  return first ? { factor: 1 / value, offset: 0 } : undefined;
}

/** Known numbers with as many axes as the activation that they meet, in the graph's order. */
function spread(values: Known, rank: number): { shape: readonly number[]; data: Float32Array } {
  if (values.shape.length > rank) refuse("a constant with more axes than the activation");
  const shape = [...new Array<number>(rank - values.shape.length).fill(1), ...values.shape];
  const moved = transposed({ ...values, shape }, storedOrder(rank));
  return { shape: moved.shape, data: Float32Array.from(moved.data) };
}

/** The second input as a matrix [inputs, outputs] of known numbers. */
export function matrix(operation: Operation): Known {
  const found = known(operation, 1);
  return found?.shape.length === 2 ? found : refuse("something else than a known matrix");
}

/** The product with a matrix. */
export function times({ node, trace }: Operation, x: Traced, { shape, data }: Known): Traced {
  const kernel = trace.constant(named(node, "kernel"), { shape, data: Float32Array.from(data) });
  return trace.add({ op: "matMul", inputs: [x.node, kernel.node] });
}

/** The sum with known numbers, one per output. */
export function sum({ node, trace }: Operation, x: Traced, { shape, data }: Known): Traced {
  const bias = trace.constant(named(node, "bias"), { shape, data: Float32Array.from(data) });
  return trace.add({ op: "add", inputs: [x.node, bias.node] });
}
