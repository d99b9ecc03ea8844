import { InternalError } from "../../../proto/errors/index.js";
import type { Kernel, Memory, Variable } from "../../kernel/kernel.js";
import type { LaneExpressions } from "../../lanes/lane-renderer.js";
import { type LaneShapes, laneShapes } from "../../lanes/lane-shapes.js";
import type { AddressType, WasmType } from "./instructions.js";
import { atMemory, get, type Instruction, type Local, plain, reals, set } from "./wasm-code.js";

/** Lanes of a vector of WebAssembly. */
export const LANES = 4;

/** An expression: of one lane for all (a number, a condition as i32), or of all lanes. */
export interface Piece {
  readonly code: Instruction;
  readonly varies: boolean;
  /** Of a number for all lanes: the vector that it lies in. */
  readonly splat?: Instruction;
}

/** Lanes that take part: those of a vector, in a variable; the first `count` where that is known. */
export interface Mask {
  readonly code: Instruction;
  readonly count?: number;
}

/** What takes long to write as instructions, by name: modules bring those that they call. */
export type HelperName = string;

/** One kernel on its way to instructions. */
export interface WasmContext {
  readonly kernel: Kernel;
  readonly shapes: LaneShapes;
  /** Whether a · b + c is one instruction. */
  readonly fused: boolean;
  /** The helpers that were called. */
  readonly used: Set<HelperName>;
  /** Where a buffer, or a thread's own memory, begins. */
  startOf(memory: Memory): Instruction;
  /** A kernel's variable. */
  variable(variable: Variable): Instruction;
  declare(variable: Variable, type: WasmType): Local;
  /** A new variable of the function's own. */
  local(type: WasmType): Local;
  /** Writes an instruction in front of the statement that is being written. */
  write(code: Instruction): void;
  /** A number from memory in all lanes; what was loaded before is not loaded again until something may have changed it. */
  splatOf(load: Instruction & { readonly kind: "memory" }): Instruction;
  /** An integer variable has another value. */
  forget(): void;
  /** What `body` writes, instead of writing it. */
  captured(body: () => void): readonly Instruction[];
}

/** Keeps a value that is needed more than once. */
export function kept({ local, write }: WasmContext, value: Instruction, type: WasmType): Instruction {
  if (value.kind === "get" || value.kind === "const" || value.kind === "vector") return value;
  const name = local(type);
  write(set(name, value));
  return get(name, type);
}

/** One number in all lanes. */
function splat(context: WasmContext, code: Instruction): Instruction {
  if (code.kind === "const") return reals(code.value);
  return code.kind === "memory" && code.op === "f32.load"
    ? context.splatOf(code)
    : plain("f32x4.splat", code);
}

export const vector = (context: WasmContext, { code, varies, splat: known }: Piece): Instruction =>
  varies ? code : (known ?? splat(context, code));

/** Writes expressions as instructions. */
export type Expressions = LaneExpressions<Instruction, Piece, Mask>;

/** Equal keys, equal addresses, while no variable changes. */
function keyOf(code: Instruction): string {
  const operands = "of" in code ? code.of.map(keyOf).join() : "";
  const own =
    code.kind === "get"
      ? code.local
      : code.kind === "const"
        ? code.value
        : "op" in code
          ? code.op
          : code.kind;
  return `${own}${"offset" in code ? `+${code.offset}` : ""}(${operands})`;
}

/** A kernel that is being written. */
export interface OpenContext {
  readonly context: WasmContext;
  readonly locals: readonly WasmType[];
  /** What was written, which begins anew. */
  taken(): readonly Instruction[];
}

/**
 * @param parameters types of the function's parameters: where the buffers begin, first
 * @param offsets of the thread's own arrays, in bytes
 */
export function openContext(
  kernel: Kernel,
  parameters: readonly WasmType[],
  {
    offsets,
    address,
    fused,
    used,
  }: {
    readonly offsets: readonly number[];
    readonly address: AddressType;
    readonly fused: boolean;
    readonly used: Set<string>;
  },
): OpenContext {
  const locals: WasmType[] = [];
  const variables = new Map<Variable, Instruction>();
  let code: Instruction[] = [];
  let splats = new Map<string, Instruction>();
  const local = (type: WasmType): Local => parameters.length + locals.push(type) - 1;
  const arrays = offsets.map(() => local(address));
  const context: WasmContext = {
    kernel,
    shapes: laneShapes(kernel),
    fused,
    used,
    startOf: (memory) => get(memory >= 0 ? memory : arrays[-1 - memory], address),
    variable(variable) {
      const found = variables.get(variable);
      if (!found) throw new InternalError(`variable ${variable} stands outside of its block`);
      return found;
    },
    declare(variable, type) {
      const name = local(type);
      variables.set(variable, get(name, type));
      return name;
    },
    local,
    write(one) {
      // What is more than to set a variable may write to memory.
      if (one.kind !== "set") splats.clear();
      code.push(one);
    },
    splatOf(load) {
      const key = keyOf(load);
      const known = splats.get(key);
      if (known) return known;
      const name = local("v128");
      context.write(set(name, atMemory("v128.load32_splat", { offset: load.offset }, ...load.of)));
      const splat = get(name, "v128");
      splats.set(key, splat);
      return splat;
    },
    forget: () => splats.clear(),
    captured(body) {
      const outer = { code, splats };
      [code, splats] = [[], new Map()];
      body();
      const inner = code;
      ({ code, splats } = outer);
      return inner;
    },
  };
  return {
    context,
    locals,
    taken() {
      const written = code;
      code = [];
      return written;
    },
  };
}
