// Networks of the families as ONNX files, which ONNX Runtime, Netron and `importOnnx` open.
import { CHANNELS } from "../data/image";
import { encodeOnnxModel, type OnnxAttribute, type OnnxNode, type OnnxTensor } from "../files/onnx-file";
import { checkParameters } from "../networks/complete";
import { forward, type Vocabulary } from "../networks/forward";
import type { Layer } from "../networks/layers";
import { BATCH_NORM, EPSILON, type Network } from "../networks/network";
import { familySpec, sideOf } from "../networks/spec";
import { ONNX_STATED } from "./onnx";
import { toChannelsFirst } from "./torch-layout";

/** The version of ONNX's operations that is written. */
const OPSET = 17;

/** The pixels are normalized within the file: what reads it does nothing to them. */
const PLAIN = { mean: [0, 0, 0], std: [1 / 255, 1 / 255, 1 / 255] };

/**
 * A network of one of the families as an ONNX file: `images` [batch, 3, 32, 32] in 0..255, float32, to `logits` [batch, classes].
 * Weights are called by layer (`stage1.block1.conv1.weight`).
 * @throws Error naming the parameter that is missing or not finite
 * @throws RangeError for a network that came from an ONNX file
 */
export function encodeOnnx(network: Network): Uint8Array {
  checkParameters(network);
  const spec = familySpec(network.spec);
  const nodes: OnnxNode[] = [];
  const tensors = new Map<string, OnnxTensor>();
  const logits = forward(spec, writtenWords(network, nodes, tensors), "images");
  nodes.push({ name: "logits", op: "Identity", inputs: [logits], outputs: ["logits"], attributes: {} });
  return encodeOnnxModel({
    ...{ opset: OPSET, nodes, tensors, metadata: { [ONNX_STATED]: JSON.stringify(PLAIN) } },
    inputs: new Map([["images", [-1, CHANNELS, sideOf(spec), sideOf(spec)]]]),
    outputs: new Map([["logits", [-1, spec.classes]]]),
  });
}

/** The interpreter of the forward pass that writes nodes; a tensor is its name. */
function writtenWords(network: Network, nodes: OnnxNode[], tensors: Map<string, OnnxTensor>): Vocabulary<string> {
  const { parameters, normalization } = network;
  const add = (op: string, inputs: string[], attributes: Record<string, OnnxAttribute> = {}): string => {
    const name = `${op}_${nodes.length}`;
    nodes.push({ name, op, inputs, outputs: [name], attributes });
    return name;
  };
  const tensor = (name: string, found: OnnxTensor): string => (tensors.set(name, found), name);
  const channels = (name: string, values: number[]) =>
    tensor(name, { shape: [1, CHANNELS, 1, 1], data: Float32Array.from(values) });
  const own = (name: string) => tensor(name, parameters.get(name)!);
  return {
    normalize(images) {
      const { mean, std } = normalization;
      const scaled = add("Mul", [
        images,
        channels(
          "normalize.scale",
          std.map((deviation) => 1 / (255 * deviation)),
        ),
      ]);
      return add("Sub", [
        scaled,
        channels(
          "normalize.shift",
          mean.map((value, channel) => value / std[channel]),
        ),
      ]);
    },
    conv(x, { name, size, inputs, outputs, stride }: Layer) {
      const shape = [outputs, inputs, size, size];
      const weight = tensor(`${name}.weight`, toChannelsFirst(parameters.get(`${name}.kernel`)!, shape));
      const side = (size - 1) / 2;
      return add("Conv", [x, weight], { strides: [stride, stride], pads: [side, side, side, side] });
    },
    batchNorm: (x, { name }) =>
      add("BatchNormalization", [x, ...BATCH_NORM.map((part) => own(`${name}.${part}`))], { epsilon: EPSILON }),
    relu: (x) => add("Relu", [x]),
    add: (x, y) => add("Add", [x, y]),
    pad(x, { name, inputs, outputs, stride }) {
      const side = (outputs - inputs) / 2;
      const every = add("AveragePool", [x], { kernel_shape: [1, 1], strides: [stride, stride] });
      const pads = Float64Array.of(0, side, 0, 0, 0, side, 0, 0);
      return add("Pad", [every, tensor(`${name}.pads`, { shape: [8], data: pads })]);
    },
    maxPool(x, size) {
      const side = size === 3 ? 1 : 0;
      return add("MaxPool", [x], { kernel_shape: [size, size], strides: [2, 2], pads: [side, side, side, side] });
    },
    pool: (x) => add("Flatten", [add("GlobalAveragePool", [x])]),
    dense: (x) => add("Gemm", [x, own("dense.kernel"), own("dense.bias")]),
    operate: ({ op }) => {
      throw new Error(`Cannot write "${op}": a network from an ONNX file is one already`);
    },
  };
}
