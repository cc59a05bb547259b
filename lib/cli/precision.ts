// The option --precision, which training and sweeps share.
import { UsageError } from "./command";
import type { Precision } from "../engine/graph";

/** Reads --precision, and says so where bfloat16 would be slower than float32. @throws UsageError for another word */
export async function precisionNamed(text: string): Promise<Precision> {
  if (text === "float32") return text;
  if (text !== "bfloat16") throw new UsageError(`Cannot compute in "${text}": expected float32 or bfloat16`);
  const { startEngine } = await import("../engine/backend");
  if (!(await startEngine()).fastBfloat16)
    console.error("bfloat16 is about ten times slower than float32 on this processor, which has no AVX-512");
  return text;
}
