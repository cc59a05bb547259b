// ONNX's convolutions and batch norms: each convolution becomes a layer, with the batch norm that follows it alone or with its bias.
import type { Values } from "../files/values";
import { EPSILON } from "../networks/network";
import { known, list, modulePath, number, type Operation, refuse } from "./onnx-operation";
import { padsOf, pairOf } from "./onnx-pools";
import type { OnnxTrace, Traced } from "./onnx-trace";
import { toChannelsLast } from "./torch-layout";

/** The number one for each channel, as the batch norm of a layer that has none would hold it. */
const filled = (outputs: number, value: number): Values => ({
  shape: [outputs],
  data: new Float32Array(outputs).fill(value),
});

export function conv(operation: Operation, x: Traced): Traced {
  const { node, trace } = operation;
  const weights = known(operation, 1);
  if (weights?.shape.length !== 4) return refuse("something else than a known kernel of four axes");
  const [outputs, inputs, ...sides] = weights.shape;
  const groups = number(node, "group", 1);
  if (inputs * groups !== x.stored[3]) refuse(`${x.stored[3]} channels for a kernel of ${inputs} in ${groups} groups`);
  const layer = trace.unused(layerName(operation));
  const bias = known(operation, 2)?.data ?? new Float32Array(outputs);
  const kernel = toChannelsLast({ shape: weights.shape, data: Float32Array.from(weights.data) });
  // Divided by the root of 1 + epsilon again when it is computed: nothing but the bias is left.
  const gamma = filled(outputs, Math.sqrt(1 + EPSILON));
  const beta = { shape: [outputs], data: Float32Array.from(bias) };
  const norm = { gamma, beta, mean: filled(outputs, 0), variance: filled(outputs, 1) };
  for (const [part, values] of Object.entries({ kernel, ...norm })) trace.parameters.set(`${layer}.${part}`, values);
  return trace.add({
    ...{ op: "conv", inputs: [x.node], layer, outputs, kernel: pairOf(sides), groups, pads: padsOf(operation) },
    strides: pairOf(list(node, "strides") ?? [1, 1]),
    dilations: pairOf(list(node, "dilations") ?? [1, 1]),
  });
}

/** What the layer is called: as its weight, where that has a name of its own, otherwise as its node. */
function layerName({ node }: Operation): string {
  const weight = node.inputs[1];
  if (/[A-Za-z]/.test(weight) && /\.weight$/.test(weight)) return weight.replace(/\.weight$/, "");
  return modulePath(node.name) || node.outputs[0];
}

export function batchNorm(operation: Operation, x: Traced): Traced {
  const { node, trace, readers } = operation;
  if (number(node, "training_mode", 0) !== 0) refuse("a batch norm in training");
  const [gamma, beta, mean, variance] = [1, 2, 3, 4].map(
    (index) => known(operation, index)?.data ?? refuse("no statistics"),
  );
  const epsilon = number(node, "epsilon", 1e-5);
  const before = trace.nodes[x.node];
  if (before.op === "conv" && readers(node.inputs[0]) === 1 && !trace.normed.has(x.node)) {
    const bias = trace.parameters.get(`${before.layer}.beta`)!.data;
    trace.normed.add(x.node);
    setNorm(trace, before.layer, {
      gamma,
      beta,
      mean: mean.map((value, channel) => value - bias[channel]),
      variance,
      epsilon,
    });
    return x;
  }
  const scale = Float32Array.from(gamma, (factor, channel) => factor / Math.sqrt(variance[channel] + epsilon));
  const shift = Float32Array.from(beta, (value, channel) => value - mean[channel] * scale[channel]);
  const name = modulePath(node.name) || node.outputs[0];
  const factor = trace.constant(`${name}.scale`, { shape: [scale.length], data: scale });
  const scaled = trace.add({ op: "multiply", inputs: [x.node, factor.node] });
  return trace.add({
    op: "add",
    inputs: [scaled.node, trace.constant(`${name}.shift`, { shape: [shift.length], data: shift }).node],
  });
}

type Numbers = Float32Array | Float64Array;
type Norm = Readonly<Record<"gamma" | "beta" | "mean" | "variance", Numbers>> & { readonly epsilon: number };

/** Gives a layer its batch norm, whose epsilon is the project's: any other one goes into the variance, or into gamma where it is smaller. */
function setNorm(trace: OnnxTrace, layer: string, { gamma, beta, mean, variance, epsilon }: Norm): void {
  const more = epsilon - EPSILON;
  const fits = (value: number) => value + more >= 0;
  const root = (value: number) => Math.sqrt((1 + EPSILON) / (value + epsilon));
  const parts = {
    gamma: gamma.map((factor, channel) => (fits(variance[channel]) ? factor : factor * root(variance[channel]))),
    ...{ beta, mean },
    variance: variance.map((value) => (fits(value) ? value + more : 1)),
  };
  for (const [part, data] of Object.entries(parts))
    trace.parameters.set(`${layer}.${part}`, { shape: [data.length], data: Float32Array.from(data) });
}
