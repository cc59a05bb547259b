// What images are, as a digest: unlike the digest of the files that they come from, it tells a selection, another order, or changed pixels.
import { createHash } from "node:crypto";
import type { Dataset } from "./dataset";
import { labelBytes } from "./labels";
import { pieces } from "./pixels";

/** SHA-256 of all labels, and then all pixels, in their order, in hexadecimal digits. */
export function contentDigest(dataset: Pick<Dataset, "images" | "labels" | "side">): string {
  const digest = createHash("sha256").update(labelBytes(dataset.labels));
  for (const piece of pieces(dataset)) digest.update(piece);
  return digest.digest("hex");
}
