import { InternalError } from "../../../proto/errors/index.js";
import type { Kernel, Program } from "../../kernel/kernel.js";
import { scratchLayout } from "../../lanes/own-memory.js";
import { encodeModule, type WasmModule } from "./encode-module.js";
import type { AddressType, WasmType } from "./instructions.js";
import { kernelName } from "./module-interface.js";
import { printModule } from "./print-module.js";
import {
  addIntegers,
  get,
  type Instruction,
  i32,
  moved,
  plain,
  set,
  type WasmFunction,
  when,
} from "./wasm-code.js";
import { LANES, openContext } from "./wasm-context.js";
import { helperFunction } from "./wasm-functions.js";
import { statementWriter } from "./wasm-statements.js";

export interface WasmOptions {
  /** Whether a · b + c is one instruction, of the relaxed ones. */
  readonly fused: boolean;
  /** Whether threads share the memory. Default true. */
  readonly shared?: boolean;
  /** Of where things lie in memory: i64 where that may have more than 4 GiB. Default i32. */
  readonly address?: AddressType;
}

/** The kernel as a function of where its buffers begin and of a range of its parallel loop. */
export function renderKernel(
  kernel: Kernel,
  number: number,
  {
    fused,
    used,
    address = "i32",
  }: { readonly fused: boolean; readonly used: Set<string>; readonly address?: AddressType },
): WasmFunction {
  if (kernel.team && kernel.team.threads !== LANES)
    throw new InternalError(`a team of ${kernel.team.threads} in vectors of ${LANES}`);
  const takes: readonly WasmType[] = [...kernel.buffers.map(() => address), "i32", "i32"];
  const [from, to] = [kernel.buffers.length, kernel.buffers.length + 1];
  const { offsets } = scratchLayout(kernel, 4);
  const opened = openContext(kernel, takes, { offsets, address, fused, used });
  const { context } = opened;
  for (const [i, offset] of offsets.entries()) {
    const start = context.startOf(-1 - i);
    if (start.kind === "get")
      context.write(set(start.local, moved({ kind: "scratch", type: address }, i32(offset), 1)));
  }
  const write = statementWriter(context);
  write(kernel.prologue);
  const counter = context.declare(kernel.parallel.variable, "i32");
  const now = get(counter, "i32");
  const inRange = plain("i32.lt_s", now, get(to, "i32"));
  const body = context.captured(() => write(kernel.body));
  const turn: Instruction = {
    kind: "loop",
    body: [...body, set(counter, addIntegers(now, i32(1)))],
    again: inRange,
  };
  context.write(set(counter, get(from, "i32")));
  context.write(when(inRange, [turn]));
  const { note, parallel } = kernel;
  return {
    name: kernelName(number),
    takes,
    locals: opened.locals,
    body: opened.taken(),
    note: `${note}; parallel over ${parallel.extent}`,
  };
}

/** A program as one module: function `k<i>` is kernel i. */
export function wasmModule(
  program: Program,
  { fused, shared = true, address = "i32" }: WasmOptions,
): WasmModule {
  const used = new Set<string>();
  const kernels = program.kernels.map((kernel, number) =>
    renderKernel(kernel, number, { fused, used, address }),
  );
  // Functions call no others.
  const helpers = [...used].sort().map((name) => helperFunction(name, fused));
  return { functions: [...kernels, ...helpers], shared, address };
}

export const wasmBytes = (program: Program, options: WasmOptions): Uint8Array =>
  encodeModule(wasmModule(program, options));
export const wasmText = (program: Program, options: WasmOptions): string =>
  printModule(wasmModule(program, options));
