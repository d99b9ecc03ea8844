import { InternalError } from "../../../proto/errors/index.js";
import { type AddressType, opcodeOf, type WasmType } from "./instructions.js";
import { IMPORTS, MEMORY, MOST_PAGES_OF, SCRATCH_START } from "./module-interface.js";
import { MEMORY_LIMITS } from "./shared-memory.js";
import { bitsOf, type Instruction, type WasmFunction } from "./wasm-code.js";

/** A module: functions, all exported by their names, over memory that is imported. */
export interface WasmModule {
  readonly functions: readonly WasmFunction[];
  /** Whether threads share the memory. */
  readonly shared: boolean;
  /** Of where things lie in it. Default i32. */
  readonly address?: AddressType;
}

const TYPES: Readonly<Record<WasmType, number>> = { i32: 0x7f, i64: 0x7e, f32: 0x7d, v128: 0x7b };
/** Said of a memory with addresses of 64 bits. */
const WIDE = 4;
const EMPTY = 0x40;
const [BLOCK, LOOP, IF, ELSE, END, BR, BR_IF] = [0x02, 0x03, 0x04, 0x05, 0x0b, 0x0c, 0x0d];
const [CALL, SELECT, SELECT_OF, GET, SET, GLOBAL] = [0x10, 0x1b, 0x1c, 0x20, 0x21, 0x23];
const CONSTANTS = { i32: 0x41, i64: 0x42, f32: 0x43 } as const;
const [SIMD, V128_CONST, SHUFFLE] = [0xfd, 0x0c, 0x0d];
/** Vectors and numbers begin anywhere that elements do. */
const ALIGNMENT = 2;

/** Bytes that grow. */
class Bytes {
  #bytes = new Uint8Array(1 << 12);
  #length = 0;

  byte(value: number): void {
    this.#room(1);
    this.#bytes[this.#length++] = value;
  }
  unsigned(value: number): void {
    let rest = value;
    while (rest > 127) {
      this.byte((rest & 127) | 128);
      rest = Math.floor(rest / 128);
    }
    this.byte(rest);
  }
  signed(value: number): void {
    let rest = value;
    for (;;) {
      const low = rest & 127;
      rest = Math.floor(rest / 128);
      const last = (rest === 0 && (low & 64) === 0) || (rest === -1 && (low & 64) !== 0);
      this.byte(last ? low : low | 128);
      if (last) return;
    }
  }
  word(bits: number): void {
    for (let shift = 0; shift < 32; shift += 8) this.byte((bits >>> shift) & 255);
  }
  all(bytes: Uint8Array): void {
    this.#room(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }
  name(text: string): void {
    const bytes = new TextEncoder().encode(text);
    this.unsigned(bytes.length);
    this.all(bytes);
  }
  taken(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }
  #room(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(2 * this.#bytes.length, this.#length + more));
    larger.set(this.taken());
    this.#bytes = larger;
  }
}

/** The module in the binary format. The same module, the same bytes. */
export function encodeModule({ functions, shared, address = "i32" }: WasmModule): Uint8Array {
  const types = new Map<string, number>();
  const typeNumber = ({ takes, gives }: Pick<WasmFunction, "takes" | "gives">): number => {
    const key = `${takes.join()}>${gives ?? ""}`;
    const number = types.get(key) ?? types.size;
    types.set(key, number);
    return number;
  };
  const ofFunctions = functions.map(typeNumber);
  const numbers = new Map(functions.map(({ name }, number) => [name, number]));

  const module = new Bytes();
  for (const byte of [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]) module.byte(byte);
  const section = (id: number, write: (to: Bytes) => void): void => {
    const content = new Bytes();
    write(content);
    module.byte(id);
    module.unsigned(content.taken().length);
    module.all(content.taken());
  };
  section(1, (to) => {
    to.unsigned(types.size);
    for (const key of types.keys()) {
      const [takes, gives] = key.split(">");
      to.byte(0x60);
      for (const list of [takes, gives]) {
        const all = list === "" ? [] : (list.split(",") as WasmType[]);
        to.unsigned(all.length);
        for (const type of all) to.byte(TYPES[type]);
      }
    }
  });
  section(2, (to) => {
    to.unsigned(2);
    to.name(IMPORTS);
    to.name(MEMORY);
    to.byte(2);
    to.byte((shared ? MEMORY_LIMITS.shared : MEMORY_LIMITS.own) | (address === "i64" ? WIDE : 0));
    to.unsigned(0);
    to.unsigned(MOST_PAGES_OF[address]);
    to.name(IMPORTS);
    to.name(SCRATCH_START);
    to.byte(3);
    to.byte(TYPES[address]);
    to.byte(0);
  });
  section(3, (to) => {
    to.unsigned(ofFunctions.length);
    for (const type of ofFunctions) to.unsigned(type);
  });
  section(7, (to) => {
    to.unsigned(functions.length);
    for (const [number, { name }] of functions.entries()) {
      to.name(name);
      to.byte(0);
      to.unsigned(number);
    }
  });
  section(10, (to) => {
    to.unsigned(functions.length);
    for (const one of functions) {
      const content = new Bytes();
      encodeFunction(content, one, numbers);
      to.unsigned(content.taken().length);
      to.all(content.taken());
    }
  });
  return module.taken().slice();
}

function encodeFunction(
  to: Bytes,
  { locals, body }: WasmFunction,
  numbers: ReadonlyMap<string, number>,
): void {
  const runs: { type: WasmType; count: number }[] = [];
  for (const type of locals) {
    const last = runs.at(-1);
    if (last?.type === type) last.count++;
    else runs.push({ type, count: 1 });
  }
  to.unsigned(runs.length);
  for (const { type, count } of runs) {
    to.unsigned(count);
    to.byte(TYPES[type]);
  }
  encodeAll(to, body, numbers);
  to.byte(END);
}

function encodeAll(to: Bytes, list: readonly Instruction[], numbers: ReadonlyMap<string, number>): void {
  for (const one of list) encode(to, one, numbers);
}

function encode(to: Bytes, code: Instruction, numbers: ReadonlyMap<string, number>): void {
  if ("of" in code) encodeAll(to, code.of, numbers);
  switch (code.kind) {
    case "plain":
      writeOpcode(to, code);
      break;
    case "memory":
      writeOpcode(to, code);
      to.unsigned(ALIGNMENT);
      to.unsigned(code.offset);
      if (code.lane !== undefined) to.byte(code.lane);
      break;
    case "lane":
      writeOpcode(to, code);
      to.byte(code.lane);
      break;
    case "shuffle":
      to.byte(SIMD);
      to.unsigned(SHUFFLE);
      for (const lane of code.lanes) for (let byte = 0; byte < 4; byte++) to.byte(4 * lane + byte);
      break;
    case "const":
      to.byte(CONSTANTS[code.type]);
      if (code.type === "f32") to.word(bitsOf(code.value));
      else to.signed(code.value);
      break;
    case "vector":
      to.byte(SIMD);
      to.unsigned(V128_CONST);
      for (const bits of code.bits) to.word(bits);
      break;
    case "get":
      to.byte(GET);
      to.unsigned(code.local);
      break;
    case "set":
      to.byte(SET);
      to.unsigned(code.local);
      break;
    case "scratch":
      to.byte(GLOBAL);
      to.unsigned(0);
      break;
    case "call":
      to.byte(CALL);
      to.unsigned(numberOf(code.name, numbers));
      break;
    case "select":
      if (code.type === "v128") for (const byte of [SELECT_OF, 1, TYPES.v128]) to.byte(byte);
      else to.byte(SELECT);
      break;
    default:
      encodeBlock(to, code, numbers);
  }
}

type Plain = Extract<Instruction, { readonly op: unknown }>;

function writeOpcode(to: Bytes, { op }: Plain): void {
  const [first, number] = opcodeOf(op);
  to.byte(first);
  if (number !== undefined) to.unsigned(number);
}

function numberOf(name: string, numbers: ReadonlyMap<string, number>): number {
  const number = numbers.get(name);
  if (number === undefined) throw new InternalError(`a module without the function ${name} that it calls`);
  return number;
}

type Block = Extract<Instruction, { readonly kind: "if" | "loop" | "endless" }>;

function encodeBlock(to: Bytes, code: Block, numbers: ReadonlyMap<string, number>): void {
  switch (code.kind) {
    case "if":
      to.byte(IF);
      to.byte(code.gives ? TYPES[code.gives] : EMPTY);
      encodeAll(to, code.whenTrue, numbers);
      if (code.otherwise.length > 0) to.byte(ELSE);
      encodeAll(to, code.otherwise, numbers);
      to.byte(END);
      break;
    case "loop":
      to.byte(LOOP);
      to.byte(EMPTY);
      encodeAll(to, code.body, numbers);
      encode(to, code.again, numbers);
      to.byte(BR_IF);
      to.unsigned(0);
      to.byte(END);
      break;
    case "endless":
      for (const byte of [BLOCK, EMPTY, LOOP, EMPTY]) to.byte(byte);
      encodeAll(to, code.before, numbers);
      encode(to, code.end, numbers);
      to.byte(BR_IF);
      to.unsigned(1);
      encodeAll(to, code.body, numbers);
      to.byte(BR);
      to.unsigned(0);
      to.byte(END);
      to.byte(END);
      break;
    default:
      code satisfies never;
  }
}
