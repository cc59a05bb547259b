// A danfojs DataFrame of results, for those who know pandas; apart from table.ts, as danfojs and its types take long to load.
import type { DataFrame } from "danfojs-node";

/** Records with the same fields as a DataFrame. danfojs is loaded only here: it brings TensorFlow.js with it. */
export async function dataFrame(records: readonly object[]): Promise<DataFrame> {
  const danfojs = await import("danfojs-node");
  return new danfojs.DataFrame([...records]);
}
