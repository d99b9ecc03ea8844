import { InternalError } from "../../../proto/errors/index.js";
import {
  BINARY,
  type FunctionForm,
  type FunctionText,
  SHAPED,
  UNARY,
} from "../../ir/ops/scalar-functions.js";
import { binaryFunction, shapedFunction, unaryFunction } from "../../ir/scalar.js";
import type { Value } from "../../kernel/kernel.js";
import { functionBody } from "../../lanes/functions/function-body.js";
import { LANE_FUNCTIONS, type LaneFunction, type LaneFunctionName } from "../../lanes/functions/index.js";
import { type LaneBuilder, laneProgram } from "../../lanes/functions/lane-builder.js";
import type { LaneProgram, RealLane } from "../../lanes/functions/lane-program.js";
import { philox } from "../../lanes/functions/lane-random.js";
import type { Op, WasmType } from "./instructions.js";
import { laneCode } from "./lane-code.js";
import { atLane, get, type Instruction, plain, type WasmFunction } from "./wasm-code.js";
import { type Piece, vector, type WasmContext } from "./wasm-context.js";

type Applied = Extract<Value, { readonly kind: "unary" | "shaped" | "binary" }>;

const OPERATORS: Readonly<Record<string, string>> = { "+": "add", "-": "sub", "*": "mul", "/": "div" };
/** Functions of C's library that are instructions. */
const INSTRUCTIONS: Readonly<Record<string, string>> = { sqrt: "sqrt", fabs: "abs", floor: "floor" };
/** Operations up to which a function is written where it is called. */
const SHORT = 8;

function formOf(x: Applied): FunctionForm {
  const { text } =
    x.kind === "unary"
      ? unaryFunction(x.op)
      : x.kind === "shaped"
        ? shapedFunction(x.op)
        : binaryFunction(x.op);
  return text.lanes ?? text;
}

/** The name of an instruction, without its type; undefined for what has none. */
function instructionOf(form: FunctionForm): string | undefined {
  if ("prefix" in form) return "neg";
  if ("infix" in form) return OPERATORS[form.infix];
  return "call" in form ? INSTRUCTIONS[form.call] : undefined;
}

/** A scalar function of operands, in its own instruction or ours. */
export function applyFunction(context: WasmContext, x: Applied, operands: readonly Piece[]): Piece {
  const form = formOf(x);
  const instruction = instructionOf(form);
  const varies = operands.some((operand) => operand.varies);
  if (instruction) {
    const of = varies
      ? operands.map((operand) => vector(context, operand))
      : operands.map(({ code }) => code);
    return { code: plain(`${varies ? "f32x4" : "f32"}.${instruction}` as Op, ...of), varies };
  }
  const name = "helper" in form ? form.helper : "call" in form ? form.call : "";
  const { program, short } = helperOf(name, context.fused);
  const vectors = operands.map((operand) => vector(context, operand));
  const code = short ? laneCode(program, vectors, context) : called(context, name, vectors);
  return varies ? { code, varies } : { code: atLane("f32x4.extract_lane", 0, code), varies };
}

function called({ used }: WasmContext, name: string, of: readonly Instruction[]): Instruction {
  used.add(name);
  return { kind: "call", name, gives: "v128", of };
}

const UNIFORM = "uniform";

/** Random numbers of elements, for the words of seed and stream. */
export const uniform = (
  context: WasmContext,
  {
    words,
    step,
    element,
  }: { readonly words: readonly Instruction[]; readonly step: Instruction; readonly element: Instruction },
): Instruction => called(context, UNIFORM, [...words, step, element]);

interface Helper {
  readonly program: LaneProgram;
  readonly operands: number;
  /** Written where it is called. */
  readonly short: boolean;
}

/** Bodies of functions by name, with the names of their operands. */
const BODIES: ReadonlyMap<string, readonly [body: string, operands: readonly string[]]> = new Map(
  [
    ...Object.values(UNARY).map(({ text }) => [text, ["x"]] as const),
    ...Object.values(SHAPED).map(({ text }) => [text, ["x", "alpha"]] as const),
    ...Object.values(BINARY).map(({ text }) => [text, ["a", "b"]] as const),
  ].flatMap(([text, operands]: readonly [FunctionText, readonly string[]]) => {
    const form: FunctionForm = text.lanes ?? text;
    return "helper" in form ? [[form.helper, [form.body, operands]] as const] : [];
  }),
);

const isLaneFunction = (name: string): name is LaneFunctionName => Object.hasOwn(LANE_FUNCTIONS, name);

const helpers = new Map<string, Helper>();

function helperOf(name: string, fused: boolean): Helper {
  const key = `${name} ${fused}`;
  const helper = helpers.get(key) ?? makeHelper(name, fused);
  helpers.set(key, helper);
  return helper;
}

function makeHelper(name: string, fused: boolean): Helper {
  const made = (operands: number, define: (b: LaneBuilder) => RealLane): Helper => {
    const program = laneProgram(define, "float32", { fused });
    return { program, operands, short: program.nodes.length <= SHORT };
  };
  if (name === UNIFORM)
    return made(6, (b) => {
      const [s0, s1, t0, t1, step, element] = [0, 1, 2, 3, 4, 5].map((i) => b.list.parameter("int", i));
      return philox(b, [s0, s1], [t0, t1], step, element);
    });
  if (isLaneFunction(name)) {
    const { operands, define }: LaneFunction = LANE_FUNCTIONS[name];
    return made(operands, (b) => define(b, ...realParameters(b, operands)));
  }
  const [body, names] = BODIES.get(name) ?? [];
  if (body === undefined || !names) throw new InternalError(`no function ${name} of lanes`);
  return made(names.length, (b) => {
    const operands = Object.fromEntries(realParameters(b, names.length).map((lane, i) => [names[i], lane]));
    return functionBody(body, operands, b, (called, given) => libraryCall(b, called, given));
  });
}

const realParameters = (b: LaneBuilder, count: number): readonly RealLane[] =>
  Array.from({ length: count }, (_, i) => b.list.parameter("real", i));

function libraryCall(b: LaneBuilder, name: string, given: readonly RealLane[]): RealLane {
  if (name === "sqrt") return b.sqrt(given[0]);
  if (name === "fabs") return b.abs(given[0]);
  if (!isLaneFunction(name)) throw new InternalError(`no function ${name} of lanes`);
  const { define }: LaneFunction = LANE_FUNCTIONS[name];
  return define(b, ...given);
}

/** What a function of more than one instruction comes to, by its name in C. */
export const helperProgram = (name: string, fused: boolean): LaneProgram => helperOf(name, fused).program;

/** A function that kernels called, as a function of the module. */
export function helperFunction(name: string, fused: boolean): WasmFunction {
  const { program, operands } = helperOf(name, fused);
  const takes = Array<WasmType>(operands).fill("v128");
  const locals: WasmType[] = [];
  const body: Instruction[] = [];
  const value = laneCode(
    program,
    takes.map((type, i) => get(i, type)),
    { local: (type) => operands + locals.push(type) - 1, write: (code) => void body.push(code) },
  );
  return { name, takes, gives: "v128", locals, body: [...body, value] };
}
