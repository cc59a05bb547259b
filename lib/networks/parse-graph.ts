// Specs of graphs read from JSON, with every check: each operation has its fields and no others, and can be computed from its inputs.
import { isRecord, wrong } from "../files/json";
import { type GraphOperation, type GraphSpec, shapesOf } from "./layer-graph";

type Check = readonly [wanted: string, holds: (value: unknown) => boolean];

const isCount = (value: unknown): boolean =>
  Number.isInteger(value) && (value as number) > 0 && (value as number) < 2 ** 31;
const listOf = (holds: (value: unknown) => boolean, ...lengths: number[]): ((value: unknown) => boolean) => {
  return (value) =>
    Array.isArray(value) &&
    value.length <= 16 &&
    (lengths.length === 0 || lengths.includes(value.length)) &&
    value.every(holds);
};
const isNumber = (value: unknown): boolean => Number.isFinite(value);
const isWhole = (value: unknown): boolean => Number.isSafeInteger(value);

const NUMBER: Check = ["a number", isNumber];
const COUNT: Check = ["a whole number above 0", isCount];
const WHOLES: Check = ["at most 16 whole numbers", listOf(isWhole)];
const TWO: Check = ["two whole numbers above 0", listOf(isCount, 2)];
const NAME: Check = [
  "a name of letters, digits, _, - and .",
  (value) => typeof value === "string" && NAMES.test(value),
];

/** What layers, parameters and graphs may be called. */
const NAMES = /^[A-Za-z0-9][\w.-]{0,149}$/;

const WINDOW = { size: TWO, strides: TWO };
const FIELDS: Readonly<Record<GraphOperation["op"], Readonly<Record<string, Check>>>> = {
  image: {},
  constant: { parameter: NAME, shape: ["at most 8 whole numbers above 0", listOf(isCount, 0, 1, 2, 3, 4, 5, 6, 7, 8)] },
  conv: {
    layer: NAME,
    outputs: COUNT,
    kernel: TWO,
    strides: TWO,
    pads: ["four whole numbers of at least 0", listOf((side) => isWhole(side) && (side as number) >= 0, 4)],
    dilations: TWO,
    groups: COUNT,
  },
  relu: {},
  sigmoid: {},
  add: {},
  subtract: {},
  multiply: {},
  divide: {},
  matMul: {},
  leakyRelu: { slope: NUMBER },
  clip: { least: NUMBER, most: NUMBER },
  scale: { factor: NUMBER, offset: NUMBER },
  concat: { axis: COUNT },
  slice: { begin: WHOLES, size: WHOLES },
  reshape: { shape: WHOLES },
  transpose: { order: WHOLES },
  pad: { pads: WHOLES, value: NUMBER },
  maxPool: WINDOW,
  averagePool: WINDOW,
  mean: { axes: WHOLES },
};

/** Far above every published network. */
const MOST_NODES = 20_000;

/** Reads the spec of a graph. @throws Error that names the field that is not what a graph holds, or the node that cannot be computed */
export function parseGraph(value: unknown): GraphSpec {
  const { name, classes, side, nodes } = (value ?? {}) as GraphSpec;
  if (!NAME[1](name)) wrong("spec.name", name, NAME[0]);
  if (!isCount(classes) || classes > 100_000) wrong("spec.classes", classes, "a whole number from 1 to 100000");
  if (!isCount(side) || side > 4096) wrong("spec.side", side, "a whole number from 1 to 4096");
  if (!Array.isArray(nodes) || nodes.length > MOST_NODES) wrong("spec.nodes", nodes, `a list of at most ${MOST_NODES}`);
  const spec: GraphSpec = { family: "graph", name, classes, side, nodes: nodes.map(parseNode) };
  shapesOf(spec);
  checkNames(spec.nodes);
  return spec;
}

function parseNode(value: unknown, index: number): GraphOperation {
  const place = `spec.nodes[${index}]`;
  if (!isRecord(value) || !Object.hasOwn(FIELDS, String(value.op)))
    return wrong(place, value, `an operation, one of ${Object.keys(FIELDS).join(", ")}`);
  const { op, inputs, ...rest } = value;
  const fields = FIELDS[op as GraphOperation["op"]];
  if (!Array.isArray(inputs) || inputs.length > 1000) wrong(`${place}.inputs`, inputs, "a list of nodes");
  for (const [field, [wanted, holds]] of Object.entries(fields))
    if (!holds(rest[field])) wrong(`${place}.${field}`, rest[field], wanted);
  const odd = Object.keys(rest).find((field) => !Object.hasOwn(fields, field));
  if (odd !== undefined)
    wrong(place, odd, `no other fields than ${["op", "inputs", ...Object.keys(fields)].join(", ")}`);
  return value as unknown as GraphOperation;
}

/** Layers' arrays and constants share one list of names. @throws Error where two have the same */
function checkNames(nodes: readonly GraphOperation[]): void {
  const names = nodes.flatMap((node) =>
    node.op === "conv"
      ? LAYER_PARTS.map((part) => `${node.layer}.${part}`)
      : node.op === "constant"
        ? [node.parameter]
        : [],
  );
  const seen = new Set<string>();
  const twice = names.find((name) => seen.has(name) || !seen.add(name));
  if (twice !== undefined) wrong("spec.nodes", twice, "every parameter once");
  if (names.length === 0) wrong("spec.nodes", names, "at least one layer");
}

const LAYER_PARTS = ["kernel", "gamma", "beta", "mean", "variance"];
