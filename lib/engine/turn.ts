// Between two calls of the engine, which block: displays get their turn, and an interrupt is obeyed.
import { setImmediate } from "node:timers/promises";

const NEVER = new AbortController().signal;

/** The signal that the kernel aborts when the cell that runs now is interrupted (■); outside of the project's kernel one that never aborts. */
export function interruptSignal(): AbortSignal {
  const signal: unknown = Reflect.get(globalThis, Symbol.for("nontrivial.signal"));
  return signal instanceof AbortSignal ? signal : NEVER;
}

/**
 * Lets the event loop turn, then stops the work where its own signal or the running cell's is aborted. So everything that takes long
 * obeys ■, whether or not it was given a signal or is waited for.
 * @throws what the signal was aborted with
 */
export async function turn(signal?: AbortSignal): Promise<void> {
  await setImmediate();
  signal?.throwIfAborted();
  interruptSignal().throwIfAborted();
}
