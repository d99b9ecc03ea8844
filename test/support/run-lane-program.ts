/** The meaning of programs of lanes in float32: one lane, by numbers that are rounded after each operation. */

import type { LaneNode, LaneProgram } from "../../codegen/lanes/functions/lane-program.js";
import { InternalError } from "../../proto/errors/index.js";

const WORD = new DataView(new ArrayBuffer(8));
const bitsOf = (x: number): number => {
  WORD.setFloat32(0, x);
  return WORD.getInt32(0);
};
const fromBits = (x: number): number => {
  WORD.setInt32(0, x);
  return WORD.getFloat32(0);
};

/** a·b + c of float32, rounded once. */
export function fusedMultiplyAdd(a: number, b: number, c: number): number {
  // The product has 48 bits. A sum that is not exact is rounded to odd, so that rounding it again decides rightly.
  const product = a * b;
  const sum = product + c;
  const part = sum - product;
  const error = product - (sum - part) + (c - part);
  if (error === 0 || !Number.isFinite(sum)) return Math.fround(sum);
  WORD.setFloat64(0, sum);
  const bits = WORD.getBigInt64(0);
  if ((bits & 1n) === 0n) WORD.setBigInt64(0, bits + (error > 0 === sum > 0 ? 1n : -1n));
  return Math.fround(WORD.getFloat64(0));
}

const REALS: Readonly<Record<string, (a: number, b: number, c: number) => number>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  fma: fusedMultiplyAdd,
  neg: (a) => -a,
  abs: Math.abs,
  sqrt: Math.sqrt,
  min: (a, b) => (a < b ? a : b),
  max: (a, b) => (a > b ? a : b),
  fromInt: (a) => a,
  fromBits,
  select: (mask, a, b) => (mask ? a : b),
};
/** Integers and masks: −1 where it holds. */
const WORDS: Readonly<Record<string, (a: number, b: number, c: number) => number>> = {
  less: (a, b) => -Number(a < b),
  lessOrEqual: (a, b) => -Number(a <= b),
  equal: (a, b) => -Number(a === b),
  notEqual: (a, b) => -Number(a !== b),
  both: (a, b) => a & b,
  either: (a, b) => a | b,
  bitsOf,
  intEqual: (a, b) => -Number(a === b),
  intSelect: (mask, a, b) => (mask ? a : b),
  intAdd: (a, b) => a + b,
  intSub: (a, b) => a - b,
  intMul: Math.imul,
  mulHigh: (a, b) => Number((BigInt(a >>> 0) * BigInt(b >>> 0)) >> 32n),
  and: (a, b) => a & b,
  or: (a, b) => a | b,
  xor: (a, b) => a ^ b,
};
const SHIFTS: Readonly<Record<string, (a: number, bits: number) => number>> = {
  shiftLeft: (a, bits) => a << bits,
  shiftRight: (a, bits) => a >>> bits,
  shiftSigned: (a, bits) => a >> bits,
};

function valueOfNode(node: LaneNode, values: readonly number[], operands: readonly number[]): number {
  if (node.op === "parameter") return node.kind === "int" ? operands[node.index] | 0 : operands[node.index];
  if (node.op === "real") return node.value;
  if (node.op === "int") return Number(BigInt.asIntN(32, node.value));
  const [a, b, c] = node.of.map((at) => values[at]);
  const real = REALS[node.op];
  if (real) return Math.fround(real(a, b, c));
  const word = WORDS[node.op];
  if (word) return word(a, b, c) | 0;
  const shift = SHIFTS[node.op];
  if (!shift || node.bits === undefined) throw new InternalError(`no operation ${node.op}`);
  return shift(a, node.bits) | 0;
}

/** What a program of float32 gives for one number each. */
export function runLaneProgram({ nodes }: LaneProgram, operands: readonly number[]): number {
  const values: number[] = [];
  for (const node of nodes) values.push(valueOfNode(node, values, operands));
  return values[values.length - 1];
}
