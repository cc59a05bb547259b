// Networks for CIFAR-10 that others trained and published: what each file is, for whoever fetches it and for sweeps of it.
import { createHash } from "node:crypto";
import type { Network } from "../networks/network";
import { type Spec, specOf } from "../networks/spec";
import { importTorch } from "./torch";

/** A published network: its file, known by length and digest, and what its publisher says of it. */
export interface Published {
  /** The file's name without its ending. */
  readonly name: string;
  readonly file: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly spec: Spec;
  /** Published test error, a fraction. */
  readonly error: number;
}

/** Where they lie, a file each. Yerlan Idelbayev, "Proper ResNet Implementation for CIFAR10/CIFAR100 in PyTorch"; BSD 2-Clause. */
export const PUBLISHED_FOLDER =
  "https://raw.githubusercontent.com/akamaster/pytorch_resnet_cifar10/master/pretrained_models";

/**
 * Four networks of github.com/akamaster/pytorch_resnet_cifar10, shortcut A, the epoch of 200 that is best on the test images. Errors are
 * those of its README; the digests begin with the eight characters in the files' names.
 */
export const PUBLISHED: readonly Published[] = [
  published("resnet20", 1_099_231, 0.0827, "12fca82f0bebc4135bf1f32f6e3710e61d5108578464b84fd6d7f5c1b04036c8"),
  published("resnet32", 1_890_043, 0.0737, "d509ac1820d7f25398913559d7e81a13229b1e7adc5648e3bfa5e22dc137f850"),
  published("resnet44", 2_680_855, 0.069, "014dd6541728a1c700b1642ab640e211dc6eb8ed507d70697458dc8f8a0ae2e4"),
  published("resnet56", 3_471_733, 0.0661, "4bfd97631478d6b638d2764fd2baff3edb1d7d82252d54439343b6596b9b5367"),
];

function published(network: string, bytes: number, error: number, sha256: string): Published {
  const name = `${network}-${sha256.slice(0, 8)}`;
  return { name, file: `${name}.th`, bytes, sha256, spec: specOf(network), error };
}

/** The network in the bytes of a published file. @throws Error where they are not that file */
export function openPublished({ name, file, bytes, sha256 }: Published, content: Uint8Array): Network {
  if (content.length !== bytes)
    throw new Error(`Cannot read "${file}": expected ${bytes} bytes but found ${content.length}`);
  const found = createHash("sha256").update(content).digest("hex");
  if (found !== sha256) throw new Error(`Cannot read "${file}": expected the SHA-256 ${sha256} but found ${found}`);
  return importTorch(content, { name });
}
