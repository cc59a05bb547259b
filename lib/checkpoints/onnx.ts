// Networks from ONNX files: what torch.onnx.export writes for image classifiers becomes a graph of layers and operations.
import { basename } from "node:path";
import { CHANNELS, SIDE } from "../data/image";
import { type OnnxModel, type OnnxNode, readOnnx } from "../files/onnx-file";
import { checkParameters } from "../networks/complete";
import type { GraphOperation, GraphSpec } from "../networks/layer-graph";
import {
  CIFAR10_NORMALIZATION,
  type Network,
  type Normalization,
  type Parameters,
  parameterShapes,
} from "../networks/network";
import { parseNormalization } from "../networks/parse";
import { parseGraph } from "../networks/parse-graph";
import { knownResult } from "./onnx-constants";
import { tracedResult } from "./onnx-operators";
import { isTraced, logicalOf, OnnxTrace, type Known, type Tensor, type Traced } from "./onnx-trace";

/** What an ONNX file does not say. */
export interface OnnxOptions {
  /** The network's name; otherwise the file's own. */
  readonly name?: string;
  /** What the pixels were normalized by in training; otherwise what the file of this project states, or CIFAR-10's statistics. */
  readonly normalization?: Normalization;
}

/** The versions of ONNX's operations that are read. */
const OPSETS = { first: 11, last: 20 } as const;

/** The metadata, in a file that this project wrote, that says how its pixels are normalized. */
export const ONNX_STATED = "nontrivial";

/**
 * Imports an image classifier from an ONNX file (opset 11 to 20) as `torch.onnx.export` writes it: images [batch, 3, 32, 32] to logits
 * [batch, classes]. Every convolution is a layer, called as its weight is or, where that has no name, as its node is. A Softmax at the
 * end is left out. Weights in another file are read where that lies in the same folder.
 * @throws Error naming the operation that is not supported, with its node, or what is damaged, too large or does not fit
 */
export function importOnnx(path: string, options: OnnxOptions = {}): Network {
  const model = readOnnx(path);
  const name = options.name ?? basename(path).replace(/\.onnx$/, "");
  return networkOf(model, name, options);
}

function networkOf(model: OnnxModel, name: string, { normalization }: OnnxOptions): Network {
  if (!(model.opset >= OPSETS.first && model.opset <= OPSETS.last))
    throw new Error(`expected opset ${OPSETS.first} to ${OPSETS.last} but found ${model.opset}`);
  const { trace, logits } = traced(model);
  const spec = specOf(name, trace, logits);
  const wanted = parameterShapes(spec);
  const parameters: Parameters = new Map([...trace.parameters].filter(([parameter]) => wanted.has(parameter)));
  const stated = Object.hasOwn(model.metadata, ONNX_STATED) ? parseStated(model.metadata[ONNX_STATED]) : undefined;
  const given = normalization ? parseNormalization(normalization) : stated;
  const assumed = given ? {} : { assumed: { normalization: "the statistics of CIFAR-10's pixels" } };
  const network = { name, spec, normalization: given ?? CIFAR10_NORMALIZATION, parameters, ...assumed };
  checkParameters(network);
  return network;
}

function parseStated(text: string): Normalization {
  return parseNormalization(JSON.parse(text));
}

/** Goes through the file's nodes in order, with what each tensor became. */
function traced({ nodes, tensors, inputs, outputs }: OnnxModel): { trace: OnnxTrace; logits: Traced } {
  const trace = new OnnxTrace();
  const found = new Map<string, Tensor>(tensors);
  const images = [...inputs].filter(([name]) => !tensors.has(name));
  found.set(imagesName(images), trace.add({ op: "image", inputs: [] }));
  if (outputs.size !== 1)
    throw new Error(`expected one output but found ${[...outputs.keys()].join(", ").slice(0, 200)}`);
  const [result] = outputs.keys();
  const readers = countReaders(nodes, result);
  for (const node of nodes) {
    const results = resultsOf(node, { trace, found, readers, isLast: node.outputs[0] === result });
    node.outputs.forEach((name, index) => {
      if (name && results[index]) found.set(name, results[index]);
    });
  }
  const logits = found.get(result);
  if (!isTraced(logits)) throw new Error("expected an output that depends on the images");
  return { trace, logits };
}

/** The name of the one input that is no weight. @throws Error where it does not hold images of the size that is supported */
function imagesName(inputs: readonly (readonly [name: string, shape: readonly number[]])[]): string {
  const [[name, shape] = ["", []]] = inputs;
  const wanted = [-1, CHANNELS, SIDE, SIDE];
  const fits = shape.length === 4 && shape.every((size, axis) => axis === 0 || size === -1 || size === wanted[axis]);
  if (inputs.length === 1 && fits) return name;
  const text = inputs.map(([, sizes]) => `[${sizes.join(", ")}]`).join(" and ");
  throw new Error(`expected one input of images [batch, ${wanted.slice(1).join(", ")}] but found ${text || "none"}`);
}

function countReaders(nodes: readonly OnnxNode[], result: string): (name: string) => number {
  const counts = new Map<string, number>([[result, 1]]);
  for (const name of nodes.flatMap(({ inputs }) => inputs)) counts.set(name, (counts.get(name) ?? 0) + 1);
  return (name) => counts.get(name) ?? 0;
}

interface Reading {
  readonly trace: OnnxTrace;
  readonly found: ReadonlyMap<string, Tensor>;
  readonly readers: (name: string) => number;
  readonly isLast: boolean;
}

/** What the outputs of a node become. @throws Error that names the node, and what of it is not supported */
function resultsOf(node: OnnxNode, { trace, found, readers, isLast }: Reading): Tensor[] {
  try {
    if (node.op === "Constant") return [constantOf(node)];
    const inputs = node.inputs.map((name) => {
      const input = found.get(name);
      if (name && !input) throw new Error(`expected an earlier tensor but found ${JSON.stringify(name.slice(0, 100))}`);
      return input;
    });
    if (inputs.some(isTraced)) return tracedResult({ node, inputs, trace, readers, isLast });
    return [knownResult(node, inputs as Known[])];
  } catch (error) {
    const place = JSON.stringify((node.name || (node.outputs[0] ?? "")).slice(0, 100));
    throw new Error(`${node.op.slice(0, 50)} at ${place}: ${(error as Error).message}`, { cause: error });
  }
}

function constantOf({ attributes }: OnnxNode): Known {
  const { value, value_int, value_ints, value_float, value_floats } = attributes;
  if (typeof value === "object" && "shape" in value) return value;
  if (typeof value_int === "number") return { shape: [], data: Float64Array.of(value_int) };
  if (typeof value_float === "number") return { shape: [], data: Float32Array.of(value_float) };
  const [ints, floats] = [value_ints, value_floats].map((numbers) =>
    Array.isArray(numbers) ? (numbers as number[]) : undefined,
  );
  if (ints) return { shape: [ints.length], data: Float64Array.from(ints) };
  if (floats) return { shape: [floats.length], data: Float32Array.from(floats) };
  throw new Error("expected numbers");
}

/** The graph of what the logits depend on, numbered anew. */
function specOf(name: string, { nodes }: OnnxTrace, logits: Traced): GraphSpec {
  const needed = new Set([0, logits.node]);
  for (let index = logits.node; index >= 0; index--)
    if (needed.has(index)) nodes[index].inputs.forEach((input) => needed.add(input));
  const kept = [...needed].sort((a, b) => a - b);
  const numbers = new Map(kept.map((index, at) => [index, at]));
  const renumbered = kept.map((index): GraphOperation => ({
    ...nodes[index],
    inputs: nodes[index].inputs.map((input) => numbers.get(input)!),
  }));
  const [, classes] = logicalOf(logits);
  const plain =
    name
      .replace(/[^\w.-]/g, "_")
      .replace(/^[._-]+/, "")
      .slice(0, 100) || "network";
  return parseGraph({ family: "graph", name: plain, classes, side: SIDE, nodes: renumbered });
}
