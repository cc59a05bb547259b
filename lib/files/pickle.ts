// Reads Python pickles (protocols 2 to 5) as plain data: nothing is executed, and only names that the caller lists mean anything.
import { viewOf } from "./dtypes";

export interface PickleOptions {
  readonly offset?: number;
  /** What "module name" stands for; a function is called where the pickle calls it. */
  readonly globals?: ReadonlyMap<string, unknown>;
  /** Takes every other name, and whatever is made with it, for an `Inert`; without this it is refused. */
  readonly inert?: boolean;
  /** Resolves a persistent id, by which a pickle refers to data outside itself. */
  readonly persistent?: (id: unknown) => unknown;
}

/** Stands for a class or function that is not known here, and for everything that the pickle makes with it: it has a name alone. */
export class Inert {
  constructor(readonly name: string) {}
}

interface Machine {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly options: PickleOptions;
  readonly stack: unknown[];
  readonly marks: number[];
  readonly memo: Map<number, unknown>;
  at: number;
}

// A ResNet-1202's state_dict takes about 200,000 opcodes and 15,000 stack entries.
const NEWEST_PROTOCOL = 5;
const MOST_OPCODES = 2_000_000;
const DEEPEST_STACK = 200_000;
const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const LONGEST_NAME = 200; // bytes
const LONGEST_INTEGER = 16; // bytes; PyTorch's magic number has 10

/**
 * Reads one pickle and returns its value (dict as Map; list and tuple as array; bytes of Python 2 as string) and its end.
 * Opcodes: CPython's Lib/pickletools.py; those here are what PyTorch's `weights_only` reader accepts too.
 * @throws Error naming the byte for a name, an opcode or a size that is not allowed
 */
export function readPickle(bytes: Uint8Array, options: PickleOptions = {}): { value: unknown; end: number } {
  const at = options.offset ?? 0;
  const machine: Machine = { bytes, view: viewOf(bytes), options, stack: [], marks: [], memo: new Map(), at };
  for (let count = 0; count < MOST_OPCODES; count++) {
    const code = bytes[take(machine, 1)];
    if (code === 0x2e) return { value: pop(machine), end: machine.at };
    const run = OPCODES.get(code) ?? fail(machine, `the opcode 0x${code.toString(16)} is not allowed`);
    run(machine);
    if (machine.stack.length > DEEPEST_STACK) fail(machine, `more than ${DEEPEST_STACK} values on the stack`);
  }
  return fail(machine, `more than ${MOST_OPCODES} opcodes`);
}

const OPCODES = new Map<number, (machine: Machine) => void>([
  [0x80, checkProtocol],
  [0x28, (m) => void m.marks.push(m.stack.length)], // MARK
  [0x4e, (m) => push(m, null)], // NONE
  [0x88, (m) => push(m, true)], // NEWTRUE
  [0x89, (m) => push(m, false)], // NEWFALSE
  [0x4b, (m) => push(m, m.bytes[take(m, 1)])], // BININT1
  [0x4d, (m) => push(m, m.view.getUint16(take(m, 2), true))], // BININT2
  [0x4a, (m) => push(m, m.view.getInt32(take(m, 4), true))], // BININT
  [0x8a, (m) => push(m, readLong(m))], // LONG1
  [0x47, (m) => push(m, m.view.getFloat64(take(m, 8)))], // BINFLOAT, big-endian
  [0x58, (m) => push(m, readText(m, m.view.getUint32(take(m, 4), true)))], // BINUNICODE
  [0x54, (m) => push(m, readText(m, m.view.getUint32(take(m, 4), true)))], // BINSTRING
  [0x55, (m) => push(m, readText(m, m.bytes[take(m, 1)]))], // SHORT_BINSTRING
  [0x5d, (m) => push(m, [])], // EMPTY_LIST
  [0x29, (m) => push(m, [])], // EMPTY_TUPLE
  [0x7d, (m) => push(m, new Map())], // EMPTY_DICT
  [0x74, (m) => push(m, popMark(m))], // TUPLE
  [0x85, (m) => push(m, popSome(m, 1))], // TUPLE1
  [0x86, (m) => push(m, popSome(m, 2))], // TUPLE2
  [0x87, (m) => push(m, popSome(m, 3))], // TUPLE3
  [0x61, (m) => append(m, popSome(m, 1))], // APPEND
  [0x65, (m) => append(m, popMark(m))], // APPENDS
  [0x73, (m) => setItems(m, popSome(m, 2))], // SETITEM
  [0x75, (m) => setItems(m, popMark(m))], // SETITEMS
  [0x30, (m) => void pop(m)], // POP
  [0x95, (m) => void take(m, 8)], // FRAME
  [0x94, (m) => void m.memo.set(m.memo.size, top(m))], // MEMOIZE
  [0x93, readStackGlobal], // STACK_GLOBAL
  [0x8c, (m) => push(m, readText(m, m.bytes[take(m, 1)]))], // SHORT_BINUNICODE
  [0x8d, (m) => push(m, readText(m, readSize(m)))], // BINUNICODE8
  [0x43, (m) => push(m, readBytes(m, m.bytes[take(m, 1)]))], // SHORT_BINBYTES
  [0x42, (m) => push(m, readBytes(m, m.view.getUint32(take(m, 4), true)))], // BINBYTES
  [0x8e, (m) => push(m, readBytes(m, readSize(m)))], // BINBYTES8
  [0x96, (m) => push(m, readBytes(m, readSize(m)))], // BYTEARRAY8
  [0x8f, (m) => push(m, new Inert("builtins.set"))], // EMPTY_SET
  [0x90, (m) => append(m, popMark(m))], // ADDITEMS
  [0x91, (m) => (popMark(m), push(m, new Inert("builtins.frozenset")))], // FROZENSET
  [0x71, (m) => void m.memo.set(m.bytes[take(m, 1)], top(m))], // BINPUT
  [0x72, (m) => void m.memo.set(m.view.getUint32(take(m, 4), true), top(m))], // LONG_BINPUT
  [0x68, (m) => recall(m, m.bytes[take(m, 1)])], // BINGET
  [0x6a, (m) => recall(m, m.view.getUint32(take(m, 4), true))], // LONG_BINGET
  [0x63, readGlobal], // GLOBAL
  [0x52, call], // REDUCE
  [0x81, call], // NEWOBJ
  [0x92, (m) => (pop(m), call(m))], // NEWOBJ_EX
  [0x62, ignoreAttributes], // BUILD
  [0x51, resolve], // BINPERSID
]);

function fail(machine: Machine, detail: string): never {
  throw new Error(`Cannot read the pickle at byte ${machine.at}: ${detail}`);
}

function take(machine: Machine, count: number): number {
  const left = machine.bytes.length - machine.at;
  if (count > left) fail(machine, `expected ${count} more bytes but found ${left}`);
  machine.at += count;
  return machine.at - count;
}

function push(machine: Machine, value: unknown): void {
  machine.stack.push(value);
}

function popSome(machine: Machine, count: number): unknown[] {
  if (machine.stack.length - (machine.marks.at(-1) ?? 0) < count) fail(machine, "the stack is empty");
  return machine.stack.splice(machine.stack.length - count);
}

function pop(machine: Machine): unknown {
  return popSome(machine, 1)[0];
}

function popMark(machine: Machine): unknown[] {
  return machine.stack.splice(machine.marks.pop() ?? fail(machine, "there is no mark on the stack"));
}

function top(machine: Machine): unknown {
  if (machine.stack.length <= (machine.marks.at(-1) ?? 0)) fail(machine, "the stack is empty");
  return machine.stack.at(-1);
}

function checkProtocol(machine: Machine): void {
  const found = machine.bytes[take(machine, 1)];
  if (found > NEWEST_PROTOCOL)
    fail(
      machine,
      `expected pickle protocol ${NEWEST_PROTOCOL} at most but found ${found}; torch.save(…, pickle_protocol=2) writes it so`,
    );
}

/** A length in 8 bytes. */
function readSize(machine: Machine): number {
  return Number(machine.view.getBigUint64(take(machine, 8), true));
}

function readBytes(machine: Machine, length: number): Uint8Array {
  const start = take(machine, length);
  return machine.bytes.subarray(start, start + length);
}

function readText(machine: Machine, length: number): string {
  const start = take(machine, length);
  try {
    return UTF8.decode(machine.bytes.subarray(start, start + length));
  } catch {
    return fail(machine, "a string is not UTF-8");
  }
}

// Little-endian two's complement; a number where that is exact.
function readLong(machine: Machine): number | bigint {
  const length = machine.bytes[take(machine, 1)];
  if (length > LONGEST_INTEGER) fail(machine, `an integer of ${length} bytes`);
  const start = take(machine, length);
  let value = 0n;
  for (let i = length - 1; i >= 0; i--) value = (value << 8n) | BigInt(machine.bytes[start + i]);
  const signed = BigInt.asIntN(8 * length, value);
  return Number.isSafeInteger(Number(signed)) ? Number(signed) : signed;
}

function append(machine: Machine, items: readonly unknown[]): void {
  const list = top(machine);
  if (list instanceof Inert) return;
  if (!Array.isArray(list)) return fail(machine, "items are appended to something that is not a list");
  for (const item of items) list.push(item);
}

function setItems(machine: Machine, items: readonly unknown[]): void {
  const dict = top(machine);
  if (dict instanceof Inert) return;
  if (!(dict instanceof Map) || items.length % 2) return fail(machine, "items are set on something that is not a dict");
  for (let i = 0; i < items.length; i += 2) dict.set(items[i], items[i + 1]);
}

function recall(machine: Machine, index: number): void {
  if (!machine.memo.has(index)) fail(machine, `nothing was remembered under ${index}`);
  push(machine, machine.memo.get(index));
}

function readGlobal(machine: Machine): void {
  pushNamed(machine, readLine(machine), readLine(machine));
}

function readStackGlobal(machine: Machine): void {
  const [module, name] = popSome(machine, 2);
  if (typeof module !== "string" || typeof name !== "string") return fail(machine, "a name is not a string");
  pushNamed(machine, module, name);
}

function pushNamed(machine: Machine, module: string, name: string): void {
  const { globals, inert } = machine.options;
  const found = `${module} ${name}`;
  if (globals?.has(found)) push(machine, globals.get(found));
  else if (inert) push(machine, new Inert(`${module}.${name}`.slice(0, LONGEST_NAME)));
  else fail(machine, `the name ${JSON.stringify(`${module}.${name}`.slice(0, LONGEST_NAME))} is not allowed`);
}

function readLine(machine: Machine): string {
  const end = machine.bytes.subarray(machine.at, machine.at + LONGEST_NAME).indexOf(0x0a);
  if (end < 0) fail(machine, `a name of more than ${LONGEST_NAME} bytes`);
  const line = readText(machine, end);
  take(machine, 1);
  return line;
}

function call(machine: Machine): void {
  const [target, values] = popSome(machine, 2);
  if (target instanceof Inert) return push(machine, new Inert(target.name));
  if (typeof target !== "function" || !Array.isArray(values))
    return fail(machine, "a call of something that is no function");
  push(machine, target(values));
}

// An OrderedDict carries attributes (PyTorch's `_metadata`), which hold no weights.
function ignoreAttributes(machine: Machine): void {
  pop(machine);
  const target = top(machine);
  if (!(target instanceof Map || target instanceof Inert))
    fail(machine, "attributes are set on something that is not a dict");
}

function resolve(machine: Machine): void {
  const { persistent } = machine.options;
  if (!persistent) return fail(machine, "persistent ids are not allowed here");
  push(machine, persistent(pop(machine)));
}
