// Stands in for a running kernel in tests of what cells show.
type Shown = { readonly data: Record<string, unknown>; readonly transient: { readonly display_id?: string } };

/** What was displayed, first or in place of it. */
export type Message = Shown & { readonly update: boolean };

const KERNEL = require.resolve("tslab/dist/jupyter");
const SIGNAL = Symbol.for("nontrivial.signal");

/** A kernel that keeps what is displayed, and is interrupted when `stopAt` says so. */
export function pretendKernel(stopAt: (text: string) => boolean = () => false) {
  const messages: Message[] = [];
  const stop = new AbortController();
  const lastWriteDisplayData = (display: Shown, update: boolean) => {
    messages.push({ ...display, update });
    if (stopAt(String(display.data["text/plain"]))) stop.abort(new Error("interrupted"));
  };
  require.cache[KERNEL] = { exports: { lastWriteDisplayData } } as unknown as NodeModule;
  Reflect.set(globalThis, SIGNAL, stop.signal);
  return {
    messages,
    end(): void {
      delete require.cache[KERNEL];
      Reflect.deleteProperty(globalThis, SIGNAL);
    },
  };
}

/** The plain text of each. */
export const textsOf = (messages: readonly Message[]) => messages.map(({ data }) => String(data["text/plain"]));

/** A clock in which every look takes half a second, so that every display is due. */
export function slowClock(): () => number {
  let now = 0;
  return () => (now += 500);
}
