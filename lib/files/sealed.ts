// Safetensors files that carry the SHA-256 of all their other bytes, for files that nothing beside them vouches for.
import { createHash } from "node:crypto";
import { decodeSafetensors, encodeSafetensors } from "./safetensors";
import type { Values } from "./values";

/** What a file says: its tensors, and its metadata without the digest. */
export interface Content {
  readonly tensors: ReadonlyMap<string, Values>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Stands for the digest while it is computed. */
const NONE = "0".repeat(64);
const FIELD = '"sha256":"';

/**
 * The content as a safetensors file with its digest in the metadata: that of the file with zeros in the digest's place.
 * @param half which tensors are written as float16; all others are float32
 * @throws RangeError as `encodeSafetensors`
 */
export function encodeSealed({ tensors, metadata }: Content, half?: (name: string) => boolean): Uint8Array {
  const bytes = encodeSafetensors(tensors, { ...metadata, sha256: NONE }, half);
  const at = placeOfDigest(bytes, NONE);
  bytes.set(Buffer.from(digestOf(bytes, at)), at);
  return bytes;
}

/** The content of a file that `encodeSealed` wrote. @throws Error where it is no safetensors file, and as `checkSeal` */
export function decodeSealed(bytes: Uint8Array): Content {
  const { tensors, metadata } = decodeSafetensors(bytes);
  checkSeal(bytes, metadata);
  return { tensors, metadata: Object.fromEntries(Object.entries(metadata).filter(([field]) => field !== "sha256")) };
}

/** @throws Error where a file with this metadata has no digest, or is not as it was written to the last bit */
export function checkSeal(bytes: Uint8Array, { sha256 }: Readonly<Record<string, string>>): void {
  if (sha256 === undefined) throw new Error("it has no SHA-256 of its content, so it may be damaged");
  const found = digestOf(bytes, placeOfDigest(bytes, sha256));
  if (found !== sha256)
    throw new Error(`it is damaged: its content has the SHA-256 ${found}, but it says ${sha256.slice(0, 64)}`);
}

/** Where the digest's 64 digits stand. In the text of another field, every quotation mark would have a backslash before it. */
function placeOfDigest(bytes: Uint8Array, digest: string): number {
  const at = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).indexOf(`${FIELD}${digest}"`);
  if (at < 0 || digest.length !== NONE.length) throw new Error("it is damaged: its SHA-256 is none");
  return at + FIELD.length;
}

function digestOf(bytes: Uint8Array, at: number): string {
  const hash = createHash("sha256").update(bytes.subarray(0, at)).update(NONE);
  return hash.update(bytes.subarray(at + NONE.length)).digest("hex");
}
