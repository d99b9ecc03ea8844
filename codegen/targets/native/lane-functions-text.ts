import type { RealType } from "../../ir/real.js";
import {
  LANE_FUNCTIONS,
  type LaneFunction,
  type LaneFunctionName,
  laneFunction,
} from "../../lanes/functions/index.js";
import {
  LANE_FORMATS,
  type LaneChoices,
  type LaneNode,
  type LaneOperation,
  type LaneProgram,
} from "../../lanes/functions/lane-program.js";

const infix = (sign: string) => (a: string, b: string) => `${a} ${sign} ${b}`;

/** How each operation is written in C++ for vectors V with integers U (unsigned) and I (signed), and for single numbers. */
const TEXT: Readonly<Record<LaneOperation, (...operands: readonly string[]) => string>> = {
  add: infix("+"),
  sub: infix("-"),
  mul: infix("*"),
  div: infix("/"),
  fma: (a, b, c) => `fused(${a}, ${b}, ${c})`,
  neg: (a) => `-${a}`,
  abs: (a) => `lanes_abs(${a})`,
  sqrt: (a) => `lanes_sqrt(${a})`,
  min: (a, b) => `${a} < ${b} ? ${a} : ${b}`,
  max: (a, b) => `${a} > ${b} ? ${a} : ${b}`,
  less: infix("<"),
  lessOrEqual: infix("<="),
  equal: infix("=="),
  notEqual: infix("!="),
  both: infix("&"),
  either: infix("|"),
  select: (mask, then, otherwise) => `${mask} ? ${then} : ${otherwise}`,
  bitsOf: (a) => `lanes_bits(${a})`,
  fromBits: (a) => `__builtin_bit_cast(V, ${a})`,
  fromInt: (a) => `lanes_real<V>(${a})`,
  intEqual: infix("=="),
  intSelect: (mask, then, otherwise) => `${mask} ? ${then} : ${otherwise}`,
  intAdd: infix("+"),
  intSub: infix("-"),
  intMul: infix("*"),
  mulHigh: (a, b) => `lanes_multiply_high(${a}, ${b})`,
  and: infix("&"),
  or: infix("|"),
  xor: infix("^"),
  shiftLeft: infix("<<"),
  shiftRight: infix(">>"),
  shiftSigned: (a, bits) => `(U)((I)${a} >> ${bits})`,
};

function realText(value: number, dtype: RealType): string {
  const f = dtype === "float32" ? "f" : "";
  if (Number.isNaN(value)) return `__builtin_nan${f}("")`;
  if (!Number.isFinite(value)) return `${value < 0 ? "-" : ""}__builtin_inf${f}()`;
  const digits = Object.is(value, -0) ? "-0" : String(value);
  return `${/[.e]/.test(digits) ? digits : `${digits}.0`}${f}`;
}

function nodeText(node: LaneNode, dtype: RealType, parameters: readonly string[]): string {
  if (node.op === "parameter") return parameters[node.index];
  if (node.op === "real") return `lanes_all<V>(${realText(node.value, dtype)})`;
  if (node.op === "int")
    return `U{} + 0x${node.value.toString(16)}${LANE_FORMATS[dtype].bits === 32 ? "u" : "ull"}`;
  const operands = node.of.map((at) => `v${at}`);
  return TEXT[node.op](...operands, ...(node.bits === undefined ? [] : [String(node.bits)]));
}

/** The statements of a program. */
function bodyText({ nodes, dtype }: LaneProgram, parameters: readonly string[]): string {
  const lines = nodes.map((node, at) => `  const auto v${at} = ${nodeText(node, dtype, parameters)};`);
  return `${lines.join("\n")}\n  return v${nodes.length - 1};`;
}

/** A function of lanes as C++: `template <class V> V lanes_<name>(V x)`, on the text of `LANE_TYPES`. */
export function laneFunctionText(name: LaneFunctionName, dtype: RealType, choices: LaneChoices): string {
  const { operands }: LaneFunction = LANE_FUNCTIONS[name];
  const parameters = ["x", "y"].slice(0, operands);
  const body = bodyText(laneFunction(name, dtype, choices), parameters);
  const signed = body.includes("(I)") ? "\n  using I = typename Lanes<V>::Int;" : "";
  return `template <class V> LANES V lanes_${name}(${parameters.map((p) => `V ${p}`).join(", ")}) {
  using U = typename Lanes<V>::Unsigned;${signed}
${body}
}`;
}
