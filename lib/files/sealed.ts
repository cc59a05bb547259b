// A safetensors file that carries the digest of all it says, for files that nothing beside them vouches for.
import { createHash } from "node:crypto";
import { decodeSafetensors, encodeSafetensors } from "./safetensors";
import type { Values } from "./values";

/** What a file says: its tensors, and its metadata without the digest. */
export interface Content {
  readonly tensors: ReadonlyMap<string, Values>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** The content as a safetensors file (float32) with the SHA-256 of the same file without it in its metadata. */
export function encodeSealed({ tensors, metadata }: Content): Uint8Array {
  return encodeSafetensors(tensors, { ...metadata, sha256: digestOf({ tensors, metadata }) });
}

/**
 * The content of a file that `encodeSealed` wrote.
 * @throws Error where it is no safetensors file, has no digest, or says anything else than when it was written
 */
export function decodeSealed(bytes: Uint8Array): Content {
  const { tensors, metadata } = decodeSafetensors(bytes);
  const { sha256, ...rest } = metadata;
  if (sha256 === undefined) throw new Error("it has no SHA-256 of its content, so it may be damaged");
  const found = digestOf({ tensors, metadata: rest });
  if (found !== sha256)
    throw new Error(`it is damaged: its content has the SHA-256 ${found}, but it says ${sha256.slice(0, 64)}`);
  return { tensors, metadata: rest };
}

/** Equal content gives equal bytes. */
function digestOf({ tensors, metadata }: Content): string {
  return createHash("sha256").update(encodeSafetensors(tensors, metadata)).digest("hex");
}
