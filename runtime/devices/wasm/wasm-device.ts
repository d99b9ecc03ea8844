import { launchableOf } from "../../../codegen/kernel/launch.js";
import { wasmBytes } from "../../../codegen/targets/wasm/render-wasm.js";
import { WASM_ARCHITECTURES } from "../../../codegen/targets/wasm/wasm-description.js";
import { wasmTarget } from "../../../codegen/targets/wasm/wasm-target.js";
import { userError } from "../../../proto/errors/index.js";
import type { Device, Executor, LoadOptions, ParamStore } from "../../device.js";
import { checkMemory } from "../../memory.js";
import { type ProgramTable, scheduleOf } from "../../net/program-table.js";
import { threadsRefused } from "../../thread-sharing.js";
import type { Availability } from "../availability.js";
import { isSmall } from "../threads/host-executor.js";
import type { HostKernels, LaunchableProgram } from "../threads/host-kernels.js";
import { type ArrayMemory, paramOf } from "../threads/inline-executor.js";
import { VECTORS_PER_MILLISECOND } from "../threads/speeds.js";
import { startExecutor } from "../threads/start-executor.js";
import type { Engine } from "./engine.js";
import { createWasmMemory, hasWideMemory, type WasmMemory } from "./linear-memory.js";
import { addressOf, importsOf, kernelNames, kernelsIn, wideAddressOf } from "./module-instance.js";
import { findVectors } from "./vectors.js";

/** Whether this engine has WebAssembly with vectors. */
export async function wasmAvailability(): Promise<Availability> {
  const found = await findVectors();
  return "why" in found
    ? { works: false, why: found.why }
    : { works: true, why: `WebAssembly in vectors (${found.architecture})` };
}

/** Bytes up to which a net and those that may come to share its parameters fit into a memory of 32-bit addresses. */
const NARROW = 3 * 2 ** 30;

interface Place {
  readonly engine: Engine;
  readonly memory: WasmMemory;
}

/** A program with all that running it takes. */
export interface KeptWasmProgram extends Pick<WasmProgram, "module" | "kernels" | "scratchBytes"> {
  readonly table: ProgramTable;
}

/** Where programs are kept from one process to the next. */
export interface WasmPrograms {
  find(key: string): Promise<KeptWasmProgram | undefined>;
  keep(key: string, program: KeptWasmProgram): Promise<void>;
}

export interface WasmDeviceOptions {
  /** Products and sums are rounded apart, also where the engine has multiply-add. */
  readonly apart?: boolean;
  /** Default: nothing is kept. */
  readonly kept?: WasmPrograms;
}

/**
 * The engine of this process as a device: WebAssembly over one memory, on the caller's thread or on several.
 *
 * @throws CortadoError where the engine has no WebAssembly with vectors
 */
export async function createWasmDevice({ apart = false, kept }: WasmDeviceOptions = {}): Promise<Device> {
  const vectors = await findVectors();
  if ("why" in vectors) throw userError(`target wasm is not available: ${vectors.why}`);
  const { engine } = vectors;
  // The kernels for engines without multiply-add are those that give the same bits on all.
  const architecture = apart ? "simd128" : vectors.architecture;
  let opened: WasmMemory | undefined;
  /** Where all lies: made when first something does. */
  const place: Place = {
    engine,
    get memory() {
      opened ??= createWasmMemory(engine);
      return opened;
    },
  };
  const threadsFor = (
    program: LaunchableProgram,
    { threads, atMost }: Pick<LoadOptions, "threads" | "atMost">,
  ) => ({
    threads: atMost && isSmall(program, { perMillisecond: VECTORS_PER_MILLISECOND }) ? 1 : threads,
    atMost,
  });
  return {
    target: wasmTarget,
    description: wasmTarget.describe(architecture),
    hostMemory: true,
    checkMemory(bytes, what) {
      checkMemory(bytes, what);
      if (bytes > NARROW && !opened && hasWideMemory(engine)) opened = createWasmMemory(engine, "i64");
    },
    allocate(elements) {
      const { memory, allocate } = place.memory;
      const address = allocate(4 * elements, "the parameters");
      return paramOf(() => new Float32Array(memory.buffer, address, elements));
    },
    ...(kept && {
      async find(key) {
        const found = await kept.find(key);
        if (!found) return undefined;
        const { table, scratchBytes } = found;
        return {
          ...{ table, scratchBytes },
          async load(params, options) {
            if (place.memory.address !== "i32") return undefined;
            const program = { ...scheduleOf(table), ...found };
            return bindProgram(program, place, { params, ...threadsFor(program, options) });
          },
        };
      },
    }),
    async load(program, params, { keep, ...options }) {
      const { fma: fused } = WASM_ARCHITECTURES[architecture];
      const { address } = place.memory;
      const module = wasmBytes(program, { fused, shared: threadsRefused() === undefined, address });
      const scratchBytes = wasmTarget.scratchBytes(program);
      const kernels = program.kernels.map(launchableOf);
      // A program is kept for memory as nearly all have it.
      if (keep && address === "i32")
        await kept?.keep(keep.key, { module, kernels, scratchBytes, table: keep.table });
      return bindProgram({ ...program, module, scratchBytes }, place, {
        params,
        ...threadsFor(program, options),
      });
    },
    // Memory goes when nobody refers to it any longer; threads are the executors'.
    async close() {},
  };
}

/** A program whose kernels are a module of WebAssembly. */
export interface WasmProgram extends LaunchableProgram {
  readonly module: Uint8Array;
  /** Memory of its own that each thread gives to a kernel. */
  readonly scratchBytes: number;
}

async function bindProgram(
  program: WasmProgram,
  { engine, memory }: Place,
  { params, threads, atMost }: Pick<LoadOptions, "threads" | "atMost"> & { readonly params: ParamStore },
): Promise<Executor> {
  const wide = memory.address === "i64";
  const module = await engine.compile(program.module);
  const count = program.kernels.length;
  const names = kernelNames(count);
  const taken: number[] = [];
  const take = (bytes: number, what: string): number => {
    const address = memory.allocate(bytes, what);
    taken.push(address);
    return address;
  };
  const arenaOffset = take(program.arenaBytes, "the blobs");
  const scratch = Array.from({ length: threads }, () => take(program.scratchBytes, "the kernels"));
  const arena: ArrayMemory = {
    get arena() {
      return memory.memory.buffer;
    },
    arenaOffset,
    params: params.memories,
    dtype: params.dtype,
  };
  const importsFor = (thread: number) =>
    importsOf(memory.memory, wide ? BigInt(scratch[thread]) : scratch[thread]);
  const kernels: HostKernels = {
    open: async () => kernelsIn((await engine.instantiate(module, importsFor(0))).exports, count),
    codeOf: (thread) => ({ module, imports: importsFor(thread), names }),
    argumentOf: wide ? wideAddressOf : addressOf,
    perMillisecond: VECTORS_PER_MILLISECOND,
  };
  const executor = await startExecutor(program, arena, kernels, { threads, atMost });
  return {
    ...executor,
    async close() {
      await executor.close();
      for (const address of taken.splice(0)) memory.free(address);
    },
  };
}
