import type { LaneNode, LaneOperation, LaneProgram } from "../../lanes/functions/lane-program.js";
import type { Op, WasmType } from "./instructions.js";
import { get, type Instruction, i32, integers, type Local, plain, reals, set, shuffle } from "./wasm-code.js";

/** Operations that are one instruction, with their operands in order. */
const DIRECT: Partial<Readonly<Record<LaneOperation, Op>>> = {
  add: "f32x4.add",
  sub: "f32x4.sub",
  mul: "f32x4.mul",
  div: "f32x4.div",
  fma: "f32x4.relaxed_madd",
  neg: "f32x4.neg",
  abs: "f32x4.abs",
  sqrt: "f32x4.sqrt",
  less: "f32x4.lt",
  lessOrEqual: "f32x4.le",
  equal: "f32x4.eq",
  notEqual: "f32x4.ne",
  both: "v128.and",
  either: "v128.or",
  fromInt: "f32x4.convert_i32x4_s",
  intEqual: "i32x4.eq",
  intAdd: "i32x4.add",
  intSub: "i32x4.sub",
  intMul: "i32x4.mul",
  and: "v128.and",
  or: "v128.or",
  xor: "v128.xor",
};
const SHIFTS: Partial<Readonly<Record<LaneOperation, Op>>> = {
  shiftLeft: "i32x4.shl",
  shiftRight: "i32x4.shr_u",
  shiftSigned: "i32x4.shr_s",
};

function codeOf(
  node: Exclude<LaneNode, { op: "parameter" | "real" | "int" }>,
  of: readonly Instruction[],
): Instruction {
  const direct = DIRECT[node.op];
  if (direct) return plain(direct, ...of);
  const shift = SHIFTS[node.op];
  if (shift) return plain(shift, of[0], i32(node.bits ?? 0));
  const [a, b, c] = of;
  switch (node.op) {
    // Where one is no number, the second: these take their operands the other way round.
    case "min":
      return plain("f32x4.pmin", b, a);
    case "max":
      return plain("f32x4.pmax", b, a);
    case "select":
    case "intSelect":
      return plain("v128.bitselect", b, c, a);
    case "mulHigh":
      // Products of 64 bits: of each the second word.
      return shuffle(
        [1, 3, 5, 7],
        plain("i64x2.extmul_low_i32x4_u", a, b),
        plain("i64x2.extmul_high_i32x4_u", a, b),
      );
    // The bits of a number are the number.
    default:
      return a;
  }
}

interface Writing {
  local(type: WasmType): Local;
  write(code: Instruction): void;
}

/** A program of one value over vectors. */
export const laneCode = (...of: Parameters<typeof laneValues>): Instruction => laneValues(...of)[0];

/** A program over vectors: what is needed more than once goes into variables. */
export function laneValues(
  { nodes, results }: LaneProgram,
  parameters: readonly Instruction[],
  { local, write }: Writing,
): readonly Instruction[] {
  const uses = new Uint32Array(nodes.length);
  for (const node of nodes)
    if ("of" in node) for (const at of node.of) uses[at] += node.op === "mulHigh" ? 2 : 1;
  const values: Instruction[] = [];
  for (const [at, node] of nodes.entries()) {
    let value: Instruction;
    if (node.op === "parameter") value = parameters[node.index];
    else if (node.op === "real") value = reals(node.value);
    else if (node.op === "int") value = integers(Array(4).fill(Number(node.value)));
    else
      value = codeOf(
        node,
        node.of.map((operand) => values[operand]),
      );
    if (uses[at] > 1 && "of" in value) {
      const name = local("v128");
      write(set(name, value));
      value = get(name, "v128");
    }
    values.push(value);
  }
  return results.map((at) => values[at]);
}
