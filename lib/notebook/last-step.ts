// What long work in a cell leaves when it is interrupted.

/**
 * The last result of work that goes step by step, also where it is interrupted: what there is stays valid.
 * @throws what the work throws; the interrupt where it comes before the first step
 */
export async function lastStep<T>(
  steps: AsyncGenerator<T, void>,
  onStep: (step: T) => void,
  signal: AbortSignal,
): Promise<T> {
  let last: { readonly step: T } | undefined;
  try {
    for await (const step of steps) {
      last = { step };
      onStep(step);
    }
  } catch (error) {
    if (!last || error !== signal.reason) throw error;
  }
  return last!.step;
}
