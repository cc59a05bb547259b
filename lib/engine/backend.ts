// TensorFlow.js: the only file that loads it. Its native engine where the binding was built, WebAssembly elsewhere.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type * as TensorFlow from "@tensorflow/tfjs";
import type { node as TensorFlowNode } from "@tensorflow/tfjs-node";

/** TensorFlow.js, on the engine that `startEngine` chose. Loaded when it is first used: that takes half a second and 330 MB of memory. */
export const tf = new Proxy({} as typeof TensorFlow, { get: (_, name) => Reflect.get(load().tf, name) as unknown });
/** Its types, for cells. */
// eslint-disable-next-line @typescript-eslint/no-namespace -- `tf.Tensor4D` is how everybody writes them
export declare namespace tf {
  type Scalar = TensorFlow.Scalar;
  type Tensor = TensorFlow.Tensor;
  type Tensor1D = TensorFlow.Tensor1D;
  type Tensor2D = TensorFlow.Tensor2D;
  type Tensor3D = TensorFlow.Tensor3D;
  type Tensor4D = TensorFlow.Tensor4D;
}
export type Tensor = TensorFlow.Tensor;

/** The engine in use. */
export interface Engine {
  /** "tensorflow" runs whole graphs; "wasm" evaluates operation by operation and cannot train. */
  readonly backend: "tensorflow" | "wasm";
  /** The version of TensorFlow.js. */
  readonly version: string;
  /** The version of the native library, such as "2.21.0". */
  readonly library?: string;
  readonly gpu: boolean;
  /** The GPU and its driver, such as "NVIDIA H100 80GB HBM3, 580.159.04": another one rounds the last digit differently. */
  readonly accelerator?: string;
  /** Whether convolutions are oneDNN's, not Eigen's: their last bits differ. */
  readonly oneDNN: boolean;
  /** Whether bfloat16 is worth asking for: elsewhere a training step takes ten times as long as in float32. */
  readonly fastBfloat16: boolean;
}

/** What tfjs-node adds, as far as it is used here. */
interface NativeModule {
  readonly node: typeof TensorFlowNode;
}

// By itself TensorFlow takes oneDNN's kernels on processors with AVX-512 VNNI only, but on AVX2 alone they are twice as fast as
// Eigen's (ResNet-20's training step: 307 against 160 images/s). Read by the native library.
process.env.TF_ENABLE_ONEDNN_OPTS ??= "1";

/** Our addon (`setup/quiet.cc`): turns the process's error output away and back. */
type Quiet = Readonly<Record<"mute" | "unmute", () => void>>;

let loaded: { readonly tf: typeof TensorFlow; readonly native?: NativeModule } | undefined;
let started: Promise<Engine> | undefined;

/** Loads both at once, so that TensorFlow.js never computes on its slow JavaScript backend before an engine is started. */
function load(): NonNullable<typeof loaded> {
  loaded ??= { tf: require("@tensorflow/tfjs") as typeof TensorFlow, native: loadNative() };
  return loaded;
}

/** Starts the best engine of this machine, once. */
export function startEngine(): Promise<Engine> {
  started ??= load().native ? startNative() : startWasm();
  return started;
}

async function startNative(): Promise<Engine> {
  await tf.setBackend("tensorflow"); // a cell may have used TensorFlow.js before it was loaded here
  const backend = tf.backend() as unknown as { binding: { TF_Version: string }; isUsingGpuDevice: boolean };
  const gpu = backend.isUsingGpuDevice;
  return {
    backend: "tensorflow",
    version: tf.version.tfjs,
    library: backend.binding.TF_Version,
    gpu,
    ...(gpu && { accelerator: accelerator() }),
    oneDNN: process.env.TF_ENABLE_ONEDNN_OPTS !== "0",
    fastBfloat16: gpu || hasAvx512(),
  };
}

/** The GPU that the binding takes, which is the last one that it sees; and whether it multiplies float32 as TF32, with 10 bits of mantissa. */
function accelerator(): string {
  const asked = ["--query-gpu=name,driver_version", "--format=csv,noheader"];
  const { stdout } = spawnSync("nvidia-smi", asked, { encoding: "utf8" });
  const name = (stdout ?? "").trim().split("\n").at(-1) || "unknown";
  return process.env.NVIDIA_TF32_OVERRIDE === "0" ? name : `${name}, TF32`;
}

/** oneDNN has kernels for bfloat16 from AVX-512 on; without them TensorFlow falls back to Eigen's, made for no processor. */
function hasAvx512(): boolean {
  return /\bavx512bw\b/.test(readFileSync("/proc/cpuinfo", "utf8"));
}

async function startWasm(): Promise<Engine> {
  require("@tensorflow/tfjs-backend-wasm");
  await tf.setBackend("wasm");
  return { backend: "wasm", version: tf.version.tfjs, gpu: false, oneDNN: false, fastBfloat16: false };
}

/**
 * A tensor with a copy of the numbers: float32 or int32, as the array is.
 *
 * TensorFlow uses an array's own memory where that begins at a multiple of 64 bytes, and lets go of it on whichever of its threads needs
 * it last, where tfjs-node releases the array in Node's list of references. That list is the main thread's alone: one process in two
 * hundred crashed as it ended. A view that begins 4 bytes into its buffer is never so aligned, hence TensorFlow copies it at once.
 */
export function tensorOf(data: Float32Array | Int32Array, shape: readonly number[]): Tensor {
  const buffer = new ArrayBuffer(data.byteLength + 4);
  const copy = data instanceof Float32Array ? new Float32Array(buffer, 4) : new Int32Array(buffer, 4);
  copy.set(data);
  return tf.tensor(copy, [...shape], data instanceof Float32Array ? "float32" : "int32");
}

/** tfjs-node with its binding, which registers itself with TensorFlow.js when it is loaded; undefined where it was not built. */
function loadNative(): NativeModule | undefined {
  const folder = join(require.resolve("@tensorflow/tfjs-node/package.json"), "..", "lib", "napi-v8");
  if (!existsSync(join(folder, "tfjs_binding.node"))) return undefined;
  const addon = join(folder, "quiet.node");
  // TensorFlow reads the level only after its first two lines.
  const quiet =
    Number(process.env.TF_CPP_MIN_LOG_LEVEL) > 0 && existsSync(addon) ? (require(addon) as Quiet) : undefined;
  quiet?.mute();
  try {
    return require("@tensorflow/tfjs-node") as NativeModule;
  } finally {
    quiet?.unmute();
  }
}

/** tfjs-node. @throws Error that says what to do when the native engine is not there */
export function requireNative(): NativeModule {
  const { native } = load();
  if (native) return native;
  throw new Error(
    "Cannot run a TensorFlow graph: the native engine was not built here; `npm run setup` says why (training needs it)",
  );
}

/** Google's protobuf runtime classes for TensorFlow's formats, which ship with tfjs-node. */
export function protobufClasses(): ProtobufClasses {
  return require("@tensorflow/tfjs-node/dist/proto/api_pb.js") as ProtobufClasses;
}

/** A protobuf message: setters and maps by name, as protoc generates them. */
export interface Message {
  serializeBinary(): Uint8Array;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- protoc's JavaScript comes without types
  [method: string]: (...values: any[]) => any;
}
type MessageClass = (new () => Message) & Record<string, new () => Message>;
export type ProtobufClasses = Readonly<Record<string, MessageClass>>;
