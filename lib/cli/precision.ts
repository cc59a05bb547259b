// The option --precision, which training and sweeps share.
import { startEngine } from "../engine/backend";
import type { Precision } from "../networks/network";
import { UsageError } from "./command";

/** Reads --precision, and says so where bfloat16 would be slower than float32. @throws UsageError for another word */
export async function precisionNamed(text: string): Promise<Precision> {
  if (text === "float32") return text;
  if (text !== "bfloat16") throw new UsageError(`Cannot compute in "${text}": expected float32 or bfloat16`);
  if (!(await startEngine()).fastBfloat16)
    console.error("bfloat16 is about ten times slower than float32 on this processor, which has no AVX-512");
  return text;
}
