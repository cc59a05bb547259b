// What a graph shares, what it keeps apart, and what of it is written.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Graph, multiplicationsIn, nodesOf } from "../lib/engine/graph";
import * as ops from "../lib/engine/operations";
import { encodeSavedModel } from "../lib/engine/savedmodel";

const IMAGES = { shape: [-1, 8, 8, 2], dtype: "float32" } as const;
const kernelOf = (graph: Graph, weight: number) => graph.constant(new Float32Array(36).fill(weight), [3, 3, 2, 2]);

test("what is recorded twice is there once: the same operation on the same inputs with the same numbers", () => {
  const graph = new Graph();
  const images = graph.placeholder("images", IMAGES);
  const record = (weight: number) => ops.relu(ops.conv2d(images, kernelOf(graph, weight), 2));
  const first = record(1);
  const count = graph.nodes.length;
  assert.equal(record(1).node, first.node);
  assert.equal(graph.nodes.length, count);
  assert.notEqual(record(2).node, first.node);
  assert.equal(graph.nodes.length, count + 3, "a kernel, its convolution and what follows; not the padding");
});

test("numbers that differ only in shape, in type or in the sign of zero are not shared", () => {
  const graph = new Graph();
  const all = [
    graph.constant(Float32Array.of(0), []),
    graph.constant(Float32Array.of(-0), []),
    graph.constant(Float32Array.of(0), [1]),
    graph.constant(Int32Array.of(0), []),
  ];
  assert.equal(new Set(all.map(({ node }) => node)).size, 4);
  assert.equal(graph.constant(Float32Array.of(-0), []).node, all[1].node);
});

test("what has a name, waits for other nodes or touches a variable is never shared", () => {
  const graph = new Graph();
  const [variable, other] = [graph.variable("v", [1]), graph.variable("w", [1])];
  const value = graph.constant(Float32Array.of(1), [1]);
  assert.notEqual(graph.read(variable).node, graph.read(variable).node, "it may have been assigned to in between");
  const assigned = [graph.assign(variable, value), graph.assign(variable, value), graph.assign(other, value)];
  assert.deepEqual(
    assigned.map(({ op }) => op),
    assigned.map(() => "AssignVariableOp"),
  );
  assert.equal(new Set(assigned).size, 3);
  assert.notEqual(graph.after(value, assigned).node, graph.after(value, assigned).node);
  const named = (name: string) => graph.constant(Float32Array.of(1), [1], name).node;
  assert.notEqual(named("a"), named("b"));
  assert.notEqual(graph.placeholder("x", IMAGES).node, graph.placeholder("y", IMAGES).node);
});

test("of a graph only what its signatures need is written, what they wait for included", () => {
  const graph = new Graph();
  const images = graph.placeholder("images", IMAGES);
  const variable = graph.variable("v", [1]);
  const assigned = graph.assign(variable, graph.constant(Float32Array.of(1), [1]));
  const y = graph.after(ops.relu(images), [assigned]);
  ops.conv2d(images, kernelOf(graph, 1), 1);
  const wanted = ["Placeholder", "VarHandleOp", "Const", "AssignVariableOp", "Relu", "Identity"];
  assert.deepEqual(
    nodesOf([y]).map(({ op }) => op),
    wanted,
  );
  const text = Buffer.from(encodeSavedModel({ call: { inputs: { images }, outputs: { y } } })).toString("latin1");
  assert.ok(wanted.every((op) => text.includes(op)) && !text.includes("Conv2D"));
});

test("multiplicationsIn() counts convolutions of a batch by their weights and pixels, and those of a constant not at all", () => {
  const graph = new Graph();
  const images = graph.placeholder("images", IMAGES);
  const kernel = kernelOf(graph, 1);
  const one = graph.constant(new Float32Array(128), [1, 8, 8, 2]);
  const results = [ops.conv2d(images, kernel, 1), ops.conv2d(images, kernel, 2), ops.conv2d(one, kernel, 1)];
  assert.equal(multiplicationsIn(nodesOf(results)), 36 * 64 + 36 * 16);
  assert.equal(multiplicationsIn(nodesOf(results.slice(2))), 0);
});
