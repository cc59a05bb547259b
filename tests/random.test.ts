import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { randomStream } from "../lib/statistics/random";
import { shuffled } from "../lib/statistics/shuffle";

test("randomStream() repeats with its seed and label, and differs with either", () => {
  const draws = (seed: number, label: string) => Array.from({ length: 5 }, randomStream(seed, label).uniform);
  assert.deepEqual(draws(1, "epoch 1"), draws(1, "epoch 1"));
  assert.notDeepEqual(draws(1, "epoch 1"), draws(2, "epoch 1"));
  assert.notDeepEqual(draws(1, "epoch 1"), draws(1, "epoch 2"));
});

test("normal() has mean 0 and variance 1, uniform() mean 1/2 within [0, 1), integer() every value about equally often", () => {
  const random = randomStream(5, "moments");
  const count = 100_000;
  const normals = Array.from({ length: count }, () => random.normal());
  const mean = normals.reduce((sum, value) => sum + value, 0) / count;
  const variance = normals.reduce((sum, value) => sum + value * value, 0) / count - mean * mean;
  assert.ok(Math.abs(mean) < 0.015 && Math.abs(variance - 1) < 0.02, `mean ${mean}, variance ${variance}`);
  const uniforms = Array.from({ length: count }, () => random.uniform());
  assert.ok(uniforms.every((value) => value >= 0 && value < 1));
  assert.ok(Math.abs(uniforms.reduce((sum, value) => sum + value, 0) / count - 0.5) < 0.005);
  const counts = new Array<number>(9).fill(0);
  for (let draw = 0; draw < 90_000; draw++) counts[random.integer(9)]++;
  assert.ok(
    counts.every((found) => Math.abs(found - 10_000) < 500),
    counts.join(),
  );
});

test("shuffled() holds every index once, in another order for another stream", () => {
  const order = shuffled(1000, randomStream(1, "order"));
  assert.deepEqual(
    [...order].sort((a, b) => a - b),
    Array.from({ length: 1000 }, (_, index) => index),
  );
  assert.notDeepEqual(order, shuffled(1000, randomStream(2, "order")));
});

test("no file of lib/ draws unseeded numbers", () => {
  for (const file of readdirSync("lib", { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"))) {
    assert.ok(!/Math\.random|tf\.random|truncatedNormal\(/.test(readFileSync(`lib/${file}`, "utf8")), file);
  }
});
