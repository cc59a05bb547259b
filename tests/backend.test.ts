import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { test } from "node:test";
import { startEngine, tensorOf, tf } from "../lib/engine/backend";
import { evaluate } from "../lib/training/evaluate";
import { sweep } from "../lib/sweeps/sweep";
import { inTidy, smallDataset, smallNetwork } from "./small";

test("the native engine runs here, in one copy that danfojs-node shares", async () => {
  const engine = await startEngine();
  assert.equal(engine.backend, "tensorflow");
  assert.match(engine.library!, /^2\.\d+\.\d+$/);
  const danfo = require("danfojs-node") as { tensorflow: { engine(): unknown } };
  assert.equal(danfo.tensorflow.engine(), tf.engine());
});

test("convolutions are oneDNN's on every processor, unless the user asks for Eigen's", () => {
  // oneDNN itself names on request what it computes; a GPU would take the work from it.
  const program = `
    const { startEngine } = require("./lib/engine/backend");
    const { evaluate } = require("./lib/training/evaluate");
    const { smallDataset, smallNetwork } = require("./tests/small");
    void evaluate(smallNetwork(), smallDataset(4)).then(async () => console.log("engine", (await startEngine()).oneDNN));`;
  const outputWith = (wish?: string) => {
    const env = { ...process.env, ONEDNN_VERBOSE: "1", CUDA_VISIBLE_DEVICES: "", TF_ENABLE_ONEDNN_OPTS: wish };
    return execFileSync(process.execPath, ["--import", "tsx", "--eval", program], {
      encoding: "utf8",
      env,
      stdio: ["ignore", "pipe", "ignore"],
    });
  };
  const [usual, without] = [outputWith(), outputWith("0")];
  assert.match(usual, /^onednn_verbose.*exec,cpu,convolution/m);
  assert.match(usual, /^engine true$/m);
  assert.doesNotMatch(without, /exec,cpu,convolution/);
  assert.match(without, /^engine false$/m);
});

test("TensorFlow logs nothing while it is loaded unless it is asked to, and errors are still seen afterwards", () => {
  const program = `
    const { startEngine } = require("./lib/engine/backend");
    void startEngine().then(() => console.error("said"));`;
  const errorsAt = (level: string) => {
    const env = { ...process.env, TF_CPP_MIN_LOG_LEVEL: level };
    return spawnSync(process.execPath, ["--import", "tsx", "--eval", program], { encoding: "utf8", env }).stderr;
  };
  assert.equal(errorsAt("3"), "said\n");
  assert.match(errorsAt("0"), /oneDNN custom operations are on[^]*\nsaid\n$/);
});

test("tensorOf() gives TensorFlow numbers of its own, wherever in memory the array lies", async () => {
  await startEngine();
  /** Whether TensorFlow sees a change of the memory that it was given: by chance it does, where that memory is aligned. */
  const isShared = (tensor: ReturnType<typeof tensorOf>): boolean =>
    inTidy(() => {
      const given = tensor.dataSync(); // the array itself until TensorFlow first needs it
      tf.add(tensor, 0).dataSync();
      given[0] = 7;
      return tf.add(tensor, 0).dataSync()[0] === 7;
    });
  const sizes = Array.from({ length: 200 }, (_, index) => 1 + 7 * index);
  for (const type of [Float32Array, Int32Array]) {
    for (const size of sizes) assert.equal(isShared(tensorOf(new type(size), [size])), false);
  }
  assert.ok(
    sizes.some((size) => isShared(tf.tensor1d(new Float32Array(size)))),
    "it would see shared memory",
  );
  const numbers = tensorOf(Int32Array.of(1, 2, 3, 4, 5, 6), [2, 3]);
  assert.deepEqual([numbers.dtype, numbers.arraySync()], ["int32", [[1, 2, 3], [4, 5, 6]]]); // prettier-ignore
  assert.equal(tensorOf(Float32Array.of(0.5), []).arraySync(), 0.5);
});

test("without the binding, evaluations and sweeps give the same predictions on WebAssembly, and training says what it needs", async () => {
  const words = ["--require", "./tests/without-binding.cjs", "--import", "tsx", "tests/fallback.ts"];
  const output = execFileSync(process.execPath, words, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  const found = JSON.parse(output.trim().split("\n").pop()!) as Record<string, unknown>;
  const [network, dataset] = [smallNetwork(), smallDataset(12)];
  assert.equal(found.backend, "wasm");
  assert.deepEqual(found.predictions, [...(await evaluate(network, dataset)).predictions]);
  assert.deepEqual(
    found.rows,
    (await sweep(network, dataset)).predictions.map((row) => [...row]),
  );
  assert.match(
    String(found.refusal),
    /the native engine was not built here; `npm run setup` says why \(training needs it\)/,
  );
});
