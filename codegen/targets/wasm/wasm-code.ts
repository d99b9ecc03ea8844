import { InternalError } from "../../../proto/errors/index.js";
import { type AddressType, type Op, signatureOf, type WasmType } from "./instructions.js";

/** A variable of a function: its parameters first. */
export type Local = number;

/** A numbered function of a module. */
export interface WasmFunction {
  readonly name: string;
  readonly takes: readonly WasmType[];
  readonly gives?: WasmType;
  /** Types of the variables behind the parameters. */
  readonly locals: readonly WasmType[];
  readonly body: readonly Instruction[];
  /** What it is, for people. */
  readonly note?: string;
}

/**
 * An instruction, with those that give its operands. In a list each leaves nothing on the stack, but for the last of one that
 * gives a value.
 */
export type Instruction =
  | { readonly kind: "plain"; readonly op: Op; readonly of: readonly Instruction[] }
  /** At `of[0]` + `offset` bytes. `lane`: the one that is loaded or stored alone. */
  | {
      readonly kind: "memory";
      readonly op: Op;
      readonly offset: number;
      readonly lane?: number;
      readonly of: readonly Instruction[];
    }
  | { readonly kind: "lane"; readonly op: Op; readonly lane: number; readonly of: readonly Instruction[] }
  /** Lane l of 32 bits is `lanes[l]` of the two vectors, one behind the other. */
  | { readonly kind: "shuffle"; readonly lanes: readonly number[]; readonly of: readonly Instruction[] }
  | { readonly kind: "const"; readonly type: "i32" | "i64" | "f32"; readonly value: number }
  /** The bits of four lanes. */
  | { readonly kind: "vector"; readonly bits: readonly number[] }
  | { readonly kind: "get"; readonly local: Local; readonly type: WasmType }
  | { readonly kind: "set"; readonly local: Local; readonly of: readonly [Instruction] }
  /** The thread's own memory: where it begins. */
  | { readonly kind: "scratch"; readonly type: AddressType }
  | {
      readonly kind: "call";
      readonly name: string;
      readonly gives?: WasmType;
      readonly of: readonly Instruction[];
    }
  /** One of two values: both are computed. */
  | { readonly kind: "select"; readonly type: WasmType; readonly of: readonly Instruction[] }
  | {
      readonly kind: "if";
      readonly gives?: WasmType;
      readonly of: readonly [condition: Instruction];
      readonly whenTrue: readonly Instruction[];
      readonly otherwise: readonly Instruction[];
    }
  /** Carried out again where its last instruction, `again`, says so. */
  | { readonly kind: "loop"; readonly body: readonly Instruction[]; readonly again: Instruction }
  /** Carried out again until `end`, a condition somewhere before the rest, holds. */
  | {
      readonly kind: "endless";
      readonly before: readonly Instruction[];
      readonly end: Instruction;
      readonly body: readonly Instruction[];
    };

/** What an instruction leaves on the stack. */
export function typeOf(code: Instruction): WasmType | undefined {
  switch (code.kind) {
    case "plain":
    case "memory":
    case "lane":
      return signatureOf(code.op).gives;
    case "shuffle":
    case "vector":
      return "v128";
    case "const":
    case "get":
    case "select":
    case "scratch":
      return code.type;
    case "call":
    case "if":
      return code.gives;
    case "set":
    case "loop":
    case "endless":
      return undefined;
    default:
      return code satisfies never;
  }
}

function checked<C extends Instruction>(
  op: Op,
  code: C,
  of: readonly Instruction[],
  takes = signatureOf(op).takes,
): C {
  if (takes.length !== of.length || of.some((operand, i) => typeOf(operand) !== takes[i]))
    throw new InternalError(`${op} takes ${takes.join(", ")}, not ${of.map(typeOf).join(", ")}`);
  return code;
}

export const plain = (op: Op, ...of: readonly Instruction[]): Instruction =>
  checked(op, { kind: "plain", op, of }, of);

/** @param of the address, and what is stored or the other lanes */
export const atMemory = (
  op: Op,
  { offset, lane }: { readonly offset: number; readonly lane?: number },
  ...of: readonly Instruction[]
): Instruction => {
  const [, ...others] = signatureOf(op).takes;
  const takes = [addressType(of[0]), ...others];
  return checked(op, { kind: "memory", op, offset, ...(lane !== undefined && { lane }), of }, of, takes);
};

/** The type of an address. */
export function addressType(address: Instruction): AddressType {
  const type = typeOf(address);
  if (type !== "i32" && type !== "i64") throw new InternalError(`an address of type ${type}`);
  return type;
}

/** So many times `bytes` on, a number of 32 bits, which may be behind. More than 2 GiB in all in a memory of 64-bit addresses. */
export function moved(address: Instruction, times: Instruction, bytes: number): Instruction {
  if (addressType(address) === "i32") return addIntegers(address, multiplyIntegers(times, bytes));
  const i64 = (value: number): Instruction => ({ kind: "const", type: "i64", value });
  if (times.kind === "const")
    return times.value === 0 ? address : plain("i64.add", address, i64(times.value * bytes));
  return plain("i64.add", address, plain("i64.mul", plain("i64.extend_i32_s", times), i64(bytes)));
}

export const atLane = (op: Op, lane: number, ...of: readonly Instruction[]): Instruction =>
  checked(op, { kind: "lane", op, lane, of }, of);

export const shuffle = (lanes: readonly number[], a: Instruction, b: Instruction): Instruction => ({
  kind: "shuffle",
  lanes,
  of: [a, b],
});

export const i32 = (value: number): Instruction => ({ kind: "const", type: "i32", value: value | 0 });
export const f32 = (value: number): Instruction => ({ kind: "const", type: "f32", value });

const FLOAT = new Float32Array(1);
const BITS = new Int32Array(FLOAT.buffer);

/** The bits of a float32. */
export function bitsOf(value: number): number {
  FLOAT[0] = value;
  return BITS[0];
}

export const integers = (lanes: readonly number[]): Instruction => ({
  kind: "vector",
  bits: lanes.map((x) => x | 0),
});
export const reals = (value: number): Instruction => integers(Array(4).fill(bitsOf(value)));
/** −1 in the first lanes. */
export const firstLanes = (count: number): Instruction => integers([0, 1, 2, 3].map((l) => -(l < count)));

export const get = (local: Local, type: WasmType): Instruction => ({ kind: "get", local, type });
export const set = (local: Local, value: Instruction): Instruction => ({ kind: "set", local, of: [value] });

/** `a` where the condition holds, `b` elsewhere; both are computed. */
export const choose = (a: Instruction, b: Instruction, condition: Instruction): Instruction => {
  const type = typeOf(a);
  if (type === undefined || type !== typeOf(b)) throw new InternalError("a choice between two types");
  return { kind: "select", type, of: [a, b, condition] };
};

const isConstant = (code: Instruction, value: number): boolean =>
  code.kind === "const" && code.value === value;

/** Sums and products of integers, without what changes nothing. */
export function addIntegers(a: Instruction, b: Instruction): Instruction {
  if (a.kind === "const" && b.kind === "const") return i32(a.value + b.value);
  if (isConstant(a, 0)) return b;
  return isConstant(b, 0) ? a : plain("i32.add", a, b);
}
export function multiplyIntegers(a: Instruction, by: number): Instruction {
  if (a.kind === "const") return i32(Math.imul(a.value, by));
  return by === 1 ? a : plain("i32.mul", a, i32(by));
}

export const anyLane = (mask: Instruction): Instruction => plain("v128.any_true", mask);

/** Statements, where the condition holds. */
export const when = (
  condition: Instruction,
  whenTrue: readonly Instruction[],
  otherwise: readonly Instruction[] = [],
): Instruction => ({ kind: "if", of: [condition], whenTrue, otherwise });

/** The value of the last instruction of one of two lists. */
export const either = (
  condition: Instruction,
  whenTrue: readonly Instruction[],
  otherwise: readonly Instruction[],
): Instruction => {
  const last = whenTrue.at(-1);
  return { kind: "if", gives: last && typeOf(last), of: [condition], whenTrue, otherwise };
};
