// The option --precision, which training and sweeps share.
import type { Precision } from "../networks/network";
import { oneOf, printError } from "./command";

const PRECISIONS: Readonly<Record<Precision, Precision>> = { float32: "float32", bfloat16: "bfloat16" };

/** Reads the name of a precision. */
export const readPrecision = oneOf<Precision>(PRECISIONS, "Cannot compute in");

/** Says so where bfloat16 would be slower than float32. */
export async function warnOfSlow(precision: Precision): Promise<void> {
  if (precision === "float32") return;
  const { startEngine } = await import("../engine/backend");
  if (!(await startEngine()).fastBfloat16)
    printError("bfloat16 is about ten times slower than float32 on this processor, which has no AVX-512");
}
