// The whole training step as one TensorFlow graph: forward, loss, backward, weight decay, momentum update, running statistics.
import { CHANNELS, SIDE } from "../data/image";
import type { Values } from "../files/values";
import { forward } from "../networks/forward";
import { isTrainable, type Network, type Normalization, type Parameters, parameterShapes } from "../networks/network";
import { familySpec, sideOf, type Spec } from "../networks/spec";
import { type Tensor, tensorOf, tf } from "./backend";
import { gradients } from "./gradient";
import { Graph, type GraphNode, type Symbolic } from "./graph";
import * as ops from "./operations";
import { trainingWords } from "./recorder";
import { loadProgram, type Signature } from "./savedmodel";
import type { StepOptions, StepResult, TrainingState } from "./step";

/** A network in training: its state lives in TensorFlow's variables between calls. */
export interface Trainer {
  read(): TrainingState;
  write(state: TrainingState): void;
  /** One step on images [batch, 32, 32, 3] in 0..255 and labels [batch]. */
  step(images: Float32Array, labels: Int32Array, rate: number): StepResult;
  dispose(): void;
}

const VELOCITY = ".velocity";

/** Compiles the training step of a network into TensorFlow. @throws Error when there is no native engine; RangeError for a network from a file */
export async function openTrainer(spec: Spec, normalization: Normalization, options: StepOptions): Promise<Trainer> {
  checkTrainable(spec);
  const graph = new Graph();
  const variables = declareVariables(graph, spec);
  const program = await loadProgram({
    write: writeSignature(graph, variables),
    read: { inputs: {}, outputs: mapValues(variables, (variable) => graph.read(variable)) },
    step: stepSignature(graph, variables, { spec, normalization, ...options }),
  });
  return {
    read: () => fromTensors(program.run("read", {})),
    write: (state) => tf.tidy(() => void program.run("write", toTensors(state))),
    step: (images, labels, rate) =>
      tf.tidy(() => {
        const { loss, accuracy } = program.run("step", {
          images: tensorOf(images, [options.batch, SIDE, SIDE, CHANNELS]),
          labels: tensorOf(labels, [options.batch]),
          rate: tensorOf(Float32Array.of(rate), []),
        });
        return { loss: loss.dataSync()[0], accuracy: accuracy.dataSync()[0] };
      }),
    dispose: () => program.dispose(),
  };
}

/** @throws RangeError for a network from a file, and for one that is for other images than are trained on here */
function checkTrainable(spec: Spec): void {
  const side = sideOf(familySpec(spec));
  if (side === SIDE) return;
  throw new RangeError(`Cannot train on images of ${side} x ${side} pixels: expected a network for ${SIDE} x ${SIDE}`);
}

type Named = Readonly<Record<string, Symbolic>>;

function mapValues(named: Named, change: (value: Symbolic, name: string) => Symbolic): Record<string, Symbolic> {
  return Object.fromEntries(Object.entries(named).map(([name, value]) => [name, change(value, name)]));
}

/** A variable for every parameter, and one for the velocity of every trainable parameter. */
function declareVariables(graph: Graph, spec: Spec): Named {
  const variables: Record<string, Symbolic> = {};
  for (const [name, shape] of parameterShapes(spec)) {
    variables[name] = graph.variable(name, shape);
    if (isTrainable(name)) variables[name + VELOCITY] = graph.variable(name + VELOCITY, shape);
  }
  return variables;
}

function writeSignature(graph: Graph, variables: Named): Signature {
  const inputs = mapValues(variables, ({ shape }, name) =>
    graph.placeholder(`new.${name}`, { shape, dtype: "float32" }),
  );
  const assigned = Object.entries(variables).map(([name, variable]) => graph.assign(variable, inputs[name]));
  return { inputs, outputs: { done: graph.after(graph.scalar(1), assigned) } };
}

function stepSignature(
  graph: Graph,
  variables: Named,
  options: StepOptions & Pick<Network, "spec" | "normalization">,
): Signature {
  const { spec, normalization, precision } = options;
  const images = graph.placeholder("images", { shape: [options.batch, SIDE, SIDE, CHANNELS], dtype: "float32" });
  const labels = graph.placeholder("labels", { shape: [options.batch], dtype: "int32" });
  const rate = graph.placeholder("rate", { shape: [], dtype: "float32" });
  const values = mapValues(variables, (variable) => graph.read(variable));
  const updates = new Map<string, Symbolic>();
  const words = trainingWords((name) => values[name], normalization, { precision, updates });
  const logits = forward(spec, words, images);
  const loss = ops.mean(ops.crossEntropy(logits, labels), [0]);
  const changes = [
    ...parameterUpdates(loss, { values, variables, rate }, options),
    ...[...updates].map(([name, value]) => graph.assign(variables[name], value)),
  ];
  const accuracy = ops.shareEqual(ops.argMax(logits), labels);
  return { inputs: { images, labels, rate }, outputs: { loss: graph.after(loss, changes), accuracy } };
}

function parameterUpdates(
  loss: Symbolic,
  { values, variables, rate }: { values: Named; variables: Named; rate: Symbolic },
  options: StepOptions,
): GraphNode[] {
  const { graph } = loss.node;
  const names = Object.keys(values).filter((name) => !name.endsWith(VELOCITY) && isTrainable(name));
  const momentum = graph.scalar(options.momentum);
  const slopes = gradients(
    loss,
    names.map((name) => values[name]),
  );
  return names.map((name, index) => {
    const decays = options.decayed === "all" || name.endsWith(".kernel");
    const slope = decays ? withDecay(slopes[index], values[name], options.weightDecay) : slopes[index];
    // PyTorch's step: v = momentum v + g; w -= rate v, or with Nesterov w -= rate (g + momentum v).
    graph.add(
      "ResourceApplyMomentum",
      [variables[name], variables[name + VELOCITY], rate, slope, momentum],
      { T: { type: "float32" }, use_locking: { bool: false }, use_nesterov: { bool: options.nesterov } },
      [],
    );
    return graph.nodes[graph.nodes.length - 1];
  });
}

function withDecay(slope: Symbolic, weights: Symbolic, weightDecay: number): Symbolic {
  return ops.add(slope, ops.multiply(weights, slope.node.graph.scalar(weightDecay)));
}

function toTensors({ parameters, velocity }: TrainingState): Record<string, Tensor> {
  const tensors: Record<string, Tensor> = {};
  for (const [name, { data, shape }] of parameters) tensors[name] = tensorOf(data, shape);
  for (const [name, { data, shape }] of velocity) tensors[name + VELOCITY] = tensorOf(data, shape);
  return tensors;
}

function fromTensors(tensors: Readonly<Record<string, Tensor>>): TrainingState {
  const parameters = new Map<string, Values>();
  const velocity = new Map<string, Values>();
  for (const [name, tensor] of Object.entries(tensors)) {
    const values = { shape: tensor.shape, data: tensor.dataSync() as Float32Array };
    if (name.endsWith(VELOCITY)) velocity.set(name.slice(0, -VELOCITY.length), values);
    else parameters.set(name, values);
    tensor.dispose();
  }
  return { parameters, velocity };
}

/** A network that has not moved yet: zero velocity. */
export function atRest(parameters: Parameters): TrainingState {
  const trainable = [...parameters].filter(([name]) => isTrainable(name));
  const velocity = new Map(
    trainable.map(([name, { shape, data }]) => [name, { shape, data: new Float32Array(data.length) }]),
  );
  return { parameters, velocity };
}
