// JSON read from files, and what is said of a field in it that is not as wanted.

/** Parses JSON. @throws Error naming the field or file that is not JSON */
export function parseJson(name: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`${name} is not JSON: ${(error as Error).message.slice(0, 200)}`, { cause: error });
  }
}

/** @throws Error that names a field of a file, what it holds and what was wanted */
export function wrong(field: string, found: unknown, wanted: string): never {
  throw new Error(`${field} is ${String(JSON.stringify(found)).slice(0, 100)}, expected ${wanted}`);
}

/** Whether a value read from JSON is an object with fields. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
